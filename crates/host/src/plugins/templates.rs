//! What an empty folder becomes: a plugin that builds, in each language.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::obstacle::is_name;

/// A language that there is a template for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// With the crate `weirhouse-plugin`
    Rust,
    /// With componentize-py
    Python,
    /// With componentize-qjs
    Js,
}

/// Why there is no new plugin.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// It cannot be called that.
    #[error(
        "a plugin cannot be called {0:?}: use lower-case letters, digits and hyphens, at most 40"
    )]
    Name(String),
    /// Something is there already.
    #[error("{} exists already; name another, or remove it", .0.display())]
    Exists(PathBuf),
    /// The operating system refused.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// A file of a template, by its path in the new folder.
type File = (&'static str, &'static str);

macro_rules! files {
    ($folder:literal: $($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("templates/", $folder, "/", $path)))),*]
    };
}

macro_rules! wit {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../../../wit/plugin/", $path)))),*]
    };
}

const RUST: &[File] =
    files!("rust": "Cargo.toml.in", "README.md", "src/lib.rs", "tests/home.rs", ".gitignore");

const PYTHON: &[File] = files!("python": ".gitignore", "README.md", "app.py", "requirements.txt", "rules.py", "test_rules.py", "wit/world.wit");

const JS: &[File] = files!("js": ".gitignore", "README.md", "package.json", "plugin.js", "rules.js", "rules.test.js", "wit/world.wit");

/// The interface, for languages whose tools read it from a folder.
const WIT: &[File] = wit!(
    "about.wit",
    "entities.wit",
    "interval.wit",
    "judge-numbers.wit",
    "judge.wit",
    "log.wit",
    "settings.wit",
    "state.wit",
    "store.wit",
    "transform.wit",
    "ttl.wit",
    "types.wit",
    "world.wit",
);

/// Writes a new plugin into a folder of its name below `parent`; gives the
/// folder. `sdk` is where the crate for Rust lies, if not in the repository.
///
/// # Errors
/// When the name cannot be, the folder is there already, or cannot be written.
pub fn write(
    language: Language,
    name: &str,
    parent: &Path,
    sdk: Option<&Path>,
) -> Result<PathBuf, NewError> {
    if !is_name(name) {
        return Err(NewError::Name(name.to_owned()));
    }
    let folder = parent.join(name);
    if folder.exists() {
        return Err(NewError::Exists(folder));
    }
    let crate_of = match sdk {
        Some(path) => format!("{{ path = {:?} }}", path.display().to_string()),
        None => format!(
            "{{ git = \"{}\", tag = \"v{}\" }}",
            env!("CARGO_PKG_REPOSITORY"),
            env!("CARGO_PKG_VERSION")
        ),
    };
    let files = match language {
        Language::Rust => RUST,
        Language::Python => PYTHON,
        Language::Js => JS,
    };
    for (path, text) in files {
        // A manifest would mean something to cargo where it lies as a template.
        let path = path.strip_suffix(".in").unwrap_or(path);
        let text = text
            .replace("{{name}}", name)
            .replace("{{module}}", &name.replace('-', "_"))
            .replace("{{sdk}}", &crate_of);
        write_file(&folder.join(path), &text)?;
    }
    if language != Language::Rust {
        for (path, text) in WIT {
            write_file(&folder.join("wit/deps/weirhouse-plugin").join(path), text)?;
        }
    }
    Ok(folder)
}

fn write_file(path: &Path, text: &str) -> Result<(), NewError> {
    let failed = |source| NewError::Write {
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(path, text).map_err(failed)
}

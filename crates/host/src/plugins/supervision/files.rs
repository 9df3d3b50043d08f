//! The files of the folder, and what each of them is.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use weirhouse_runner::Engine;
use weirhouse_runner::plugin::Package;

use super::super::compile::Compiler;
use super::super::folder::{Folder, FolderError, Installed};

/// By what a file that did not change is told, without reading it.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Look {
    modified: Option<SystemTime>,
    length_bytes: u64,
}

impl Look {
    /// Of what lies there now, if anything does.
    pub(super) fn at(path: &Path) -> Self {
        let about = std::fs::metadata(path).ok();
        Self {
            modified: about.as_ref().and_then(|it| it.modified().ok()),
            length_bytes: about.as_ref().map_or(0, Metadata::len),
        }
    }
}

/// A file that was looked at.
#[derive(Clone)]
pub(super) struct File {
    look: Look,
    pub(super) sha256: String,
    /// What it is, or why it is of no use.
    pub(super) package: Result<Package, String>,
}

impl File {
    /// Reads and compiles what lies there.
    fn read(path: &Path, compiler: &Compiler, engine: &Engine) -> Self {
        // Before it is read: one that changes meanwhile is looked at again.
        let look = Look::at(path);
        let (sha256, package) = match Installed::at(path) {
            Ok(installed) => {
                let made = compiler.load(engine, path);
                let package = made.map(|it| it.package).map_err(|error| error.to_string());
                (installed.sha256, package)
            }
            Err(error) => (
                String::new(),
                Err(format!("it cannot be read: {}", error.source)),
            ),
        };
        if let Err(error) = &package {
            tracing::warn!(path = %path.display(), error, "this file is no plugin that can be used");
        }
        Self {
            look,
            sha256,
            package,
        }
    }

    fn is(&self, name: &str) -> bool {
        let package = self.package.as_ref();
        package.is_ok_and(|it| it.description().name == name)
    }
}

/// The files of the folder, by path.
#[derive(Clone, Default)]
pub(super) struct Files(BTreeMap<PathBuf, File>);

impl Files {
    /// Looks at the folder; of what did not change since it was looked at
    /// before, nothing is read again. Blocks while something new is compiled.
    pub(super) fn look(
        folder: &Folder,
        compiler: &Compiler,
        engine: &Engine,
        before: &Self,
    ) -> Result<Self, FolderError> {
        let mut files = BTreeMap::new();
        for path in folder.components()? {
            let known = before.0.get(&path);
            let file = match known.filter(|it| it.look == Look::at(&path)) {
                Some(unchanged) => unchanged.clone(),
                None => File::read(&path, compiler, engine),
            };
            files.insert(path, file);
        }
        Ok(Self(files))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Path, &File)> {
        self.0.iter().map(|(path, file)| (path.as_path(), file))
    }

    pub(super) fn get(&self, path: &Path) -> Option<&File> {
        self.0.get(path)
    }

    /// Whether one of them is the plugin of that name.
    pub(super) fn have(&self, name: &str) -> bool {
        self.0.values().any(|file| file.is(name))
    }

    /// What they call themselves; of one that cannot be used, what its file is
    /// called: it is there all the same.
    pub(super) fn names(&self) -> Vec<String> {
        let packages = self
            .0
            .values()
            .filter_map(|file| file.package.as_ref().ok());
        let named = packages.map(|package| package.description().name.clone());
        let stems = self.0.keys().filter_map(|path| path.file_stem());
        named
            .chain(stems.map(|stem| stem.to_string_lossy().into_owned()))
            .collect()
    }

    pub(super) fn hashes(&self) -> Vec<String> {
        self.0.values().map(|it| it.sha256.clone()).collect()
    }

    /// Takes what was looked at since. One that was refused does not take the
    /// place of what it was to replace.
    pub(super) fn renew(&mut self, looked: Self) {
        for (path, file) in looked.0 {
            if file.package.is_ok() || !self.0.contains_key(&path) {
                self.0.insert(path, file);
            }
        }
    }
}

//! What lies in the folder of plugins: each file by what it calls itself.

use std::error::Error as _;
use std::path::PathBuf;

use weirhouse_runner::Engine;
use weirhouse_runner::plugin::Package;

use super::super::exit::{Exit, Failure};
use crate::plugins::{Compiler, Folder, Installed};

/// A file of the folder.
pub(super) struct Shelved {
    pub(super) path: PathBuf,
    /// Nothing if it cannot be read.
    pub(super) sha256: String,
    /// What it is, or why it is of no use.
    pub(super) package: Result<Package, String>,
}

impl Shelved {
    /// What it calls itself; as long as that is not known, what its file is
    /// called.
    pub(super) fn name(&self) -> String {
        if let Ok(package) = &self.package {
            return package.description().name.clone();
        }
        let stem = self.path.file_stem().unwrap_or_default();
        stem.to_string_lossy().into_owned()
    }

    /// Why it is of no use, with where it is.
    pub(super) fn trouble(&self) -> Option<String> {
        let reason = self.package.as_ref().err()?;
        Some(format!("{}: {reason}", self.path.display()))
    }
}

/// The files of the folder, by path; compiles those that were not before.
pub(super) fn shelved(folder: &Folder) -> Result<Vec<Shelved>, Failure> {
    let engine = Engine::new().map_err(Failure::of(Exit::Optimizer))?;
    let compiler = Compiler::of_this_program(folder.clone());
    let paths = folder.components().map_err(Failure::of(Exit::DataFolder))?;
    let look = |path: PathBuf| match Installed::at(&path) {
        Ok(installed) => {
            let made = compiler.load(&engine, &path);
            Shelved {
                sha256: installed.sha256,
                package: made.map(|it| it.package).map_err(|error| error.to_string()),
                path,
            }
        }
        Err(error) => {
            let source = error.source().map(ToString::to_string);
            let source = source.unwrap_or_default();
            Shelved {
                sha256: String::new(),
                package: Err(format!("it cannot be read: {source}")),
                path,
            }
        }
    };
    Ok(paths.into_iter().map(look).collect())
}

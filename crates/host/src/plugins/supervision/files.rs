//! The files of the folder, and what each of them is.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
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
    /// Of another file under the same name, and of one whose time was set back:
    /// its inode, and when that changed, in seconds and nanoseconds.
    inode: u64,
    changed: (i64, i64),
}

impl Look {
    /// Of what lies there now, if anything does.
    pub(super) fn at(path: &Path) -> Self {
        let about = std::fs::metadata(path).ok();
        Self {
            modified: about.as_ref().and_then(|it| it.modified().ok()),
            length_bytes: about.as_ref().map_or(0, Metadata::len),
            inode: about.as_ref().map_or(0, Metadata::ino),
            changed: about.map_or((0, 0), |it| (it.ctime(), it.ctime_nsec())),
        }
    }
}

/// A component that can be used.
#[derive(Clone)]
pub(super) struct Usable {
    pub(super) package: Package,
    pub(super) sha256: String,
}

/// A file that was looked at.
#[derive(Clone)]
pub(super) struct File {
    look: Look,
    pub(super) sha256: String,
    /// Why it is of no use.
    pub(super) trouble: Option<String>,
    /// What it is; if it is of no use, what was there before.
    pub(super) usable: Option<Usable>,
}

impl File {
    /// Reads and compiles what lies there.
    fn read(path: &Path, before: Option<&Self>, compiler: &Compiler, engine: &Engine) -> Self {
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
        match package {
            Ok(package) => Self {
                look,
                sha256: sha256.clone(),
                trouble: None,
                usable: Some(Usable { package, sha256 }),
            },
            Err(error) => {
                tracing::warn!(path = %path.display(), error, "this file is no plugin that can be used");
                Self {
                    look,
                    sha256,
                    trouble: Some(error),
                    usable: before.and_then(|it| it.usable.clone()),
                }
            }
        }
    }

    fn name(&self) -> Option<&str> {
        let usable = self.usable.as_ref()?;
        Some(&usable.package.description().name)
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
                None => File::read(&path, known, compiler, engine),
            };
            files.insert(path, file);
        }
        Ok(Self(files))
    }

    /// Those that can be used, then those in whose place something else was.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Path, &File)> {
        let those = |troubled: bool| {
            let all = self.0.iter().map(|(path, file)| (path.as_path(), file));
            all.filter(move |(_, file)| file.trouble.is_some() == troubled)
        };
        those(false).chain(those(true))
    }

    /// The plugin of that name, or what it was.
    pub(super) fn package(&self, name: &str) -> Option<&Package> {
        let mut usable = self.iter().filter_map(|(_, file)| file.usable.as_ref());
        let named = usable.find(|it| it.package.description().name == name);
        named.map(|it| &it.package)
    }

    /// What they call themselves; of one that cannot be used, what its file is
    /// called: it is there all the same.
    pub(super) fn names(&self) -> Vec<String> {
        let named = self.0.values().filter_map(File::name).map(str::to_owned);
        let stems = self.0.keys().filter_map(|path| path.file_stem());
        named
            .chain(stems.map(|stem| stem.to_string_lossy().into_owned()))
            .collect()
    }

    /// Of all components that are in use, or may be.
    pub(super) fn hashes(&self) -> Vec<String> {
        let files = self.0.values();
        let hashes = files.flat_map(|file| {
            let used = file.usable.as_ref().map(|it| it.sha256.clone());
            used.into_iter().chain([file.sha256.clone()])
        });
        hashes.collect()
    }
}

//! Which names lead to a file: its own, and those of all links on the way to what is read in the end.
//!
//! A tool may change what a link leads to instead of the link, or a link among the folders: Kubernetes puts a new
//! `..data` in the folder, on which `weirhouse.toml -> ..data/weirhouse.toml` rests.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// Most links that are followed, as in the system.
const MOST_LINKS: usize = 40;

/// A name in a folder.
pub(super) type Name = (PathBuf, OsString);

/// The folder of a file and its name there.
pub(super) fn own(file: &Path) -> Name {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = file.file_name().unwrap_or_default();
    (folder.to_owned(), name.to_owned())
}

/// The names of all links on the way to a file, and of what they lead to. It ends where nothing is.
pub(super) fn leading_to(file: &Path) -> Vec<Name> {
    let mut names = Vec::new();
    let mut rest = parts(file);
    let mut folder = PathBuf::from(".");
    let mut links = 0;
    while let Some(part) = rest.pop() {
        let next = folder.join(&part);
        if let Ok(target) = std::fs::read_link(&next) {
            names.push((folder.clone(), part));
            links += 1;
            if links > MOST_LINKS {
                break;
            }
            // An absolute target replaces the folder when it is joined to it.
            rest.extend(parts(&target));
        } else if rest.is_empty() {
            names.push((folder.clone(), part));
        } else {
            folder = next;
        }
    }
    names
}

/// The parts of a path, the first of them last.
fn parts(path: &Path) -> Vec<OsString> {
    let parts = path.components().rev();
    parts
        .filter(|part| *part != Component::CurDir)
        .map(|part| part.as_os_str().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_link_on_the_way_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = fs::canonicalize(folder.path()).unwrap();
        let name = |folder: &str, name: &str| (at.join(folder), OsString::from(name));
        fs::create_dir(at.join("..first")).unwrap();
        fs::write(at.join("..first/file"), "x").unwrap();
        symlink("..first", at.join("..data")).unwrap();
        symlink("..data/file", at.join("file")).unwrap();
        let own = |name: &str| (at.clone(), OsString::from(name));
        assert_eq!(
            leading_to(&at.join("file")),
            [own("file"), own("..data"), name("..first", "file")]
        );
        // A plain file, one that is not there, and a link to one that is not.
        assert_eq!(
            leading_to(&at.join("..first/file")),
            [name("..first", "file")]
        );
        assert_eq!(leading_to(&at.join("none")), [own("none")]);
        symlink(at.join("gone/file"), at.join("dangling")).unwrap();
        assert_eq!(
            leading_to(&at.join("dangling")),
            [own("dangling"), name("gone", "file")]
        );
        symlink("circle", at.join("circle")).unwrap();
        assert_eq!(leading_to(&at.join("circle")).len(), MOST_LINKS + 1);
    }
}

//! Hears of changes of files without looking for them.
//!
//! Whole folders are watched, because editors and commands put a new file in
//! place of the old one; where a file is a link, also those of what it leads to.
//! Linux tells; elsewhere nothing is heard, and a signal must do.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

#[cfg(target_os = "linux")]
mod links;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use silent as system;

/// A change is told when nothing followed it for so long, if it may settle: some
/// programs write a file in several steps.
const SETTLE: Duration = Duration::from_millis(20);

/// Some files, watched.
pub(crate) struct FileWatch {
    system: system::Watch,
    settles: bool,
}

impl FileWatch {
    /// Watches files that may not exist yet, in folders that do.
    ///
    /// # Errors
    /// When the system cannot watch a folder.
    pub(crate) fn new(files: &[PathBuf]) -> io::Result<Self> {
        let system = system::Watch::new(files)?;
        Ok(Self {
            system,
            settles: true,
        })
    }

    /// Tells changes at once: of files that are replaced in one step.
    pub(crate) fn at_once(self) -> Self {
        Self {
            settles: false,
            ..self
        }
    }

    /// Returns when one of the files was written, replaced or removed.
    ///
    /// # Errors
    /// When the system stops telling.
    pub(crate) async fn changed(&mut self) -> io::Result<()> {
        self.system.changed().await?;
        while self.settles
            && let Ok(more) = tokio::time::timeout(SETTLE, self.system.changed()).await
        {
            more?;
        }
        Ok(())
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashSet;
    use std::ffi::OsString;
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::{Path, PathBuf};
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

    use rustix::fs::inotify::{
        CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch,
    };
    use rustix::io::Errno;
    use tokio::sync::mpsc;

    use super::links;

    /// Room for some events; the system waits with the rest.
    const BUFFER_BYTES: usize = 4096;

    /// A thread sleeps in the system until there is something to hear.
    pub(super) struct Watch {
        inotify: Arc<OwnedFd>,
        files: Vec<PathBuf>,
        names: Arc<Mutex<Vec<Watched>>>,
        heard: mpsc::Receiver<io::Result<()>>,
    }

    /// A name of which something is to be heard.
    struct Watched {
        /// Its folder, as the system numbers it.
        number: i32,
        folder: PathBuf,
        name: OsString,
    }

    impl Watch {
        pub(super) fn new(files: &[PathBuf]) -> io::Result<Self> {
            let inotify = Arc::new(init(CreateFlags::CLOEXEC)?);
            // One word is enough: who hears it looks at all files.
            let (tell, heard) = mpsc::channel(1);
            let watch = Self {
                inotify: Arc::clone(&inotify),
                files: files.to_vec(),
                names: Arc::default(),
                heard,
            };
            watch.look()?;
            let names = Arc::clone(&watch.names);
            std::thread::Builder::new()
                .name("file-watch".to_owned())
                .spawn(move || listen(&inotify, &names, &tell))?;
            Ok(watch)
        }

        /// Watches the names that lead to the files now, and no others.
        ///
        /// The folders of the files themselves must be there; what cannot be watched of what their links lead to is
        /// heard of no more than before.
        fn look(&self) -> io::Result<()> {
            let mut names = Vec::new();
            for file in &self.files {
                let (folder, name) = links::own(file);
                names.push(self.watched(folder, name)?);
                let further = links::leading_to(file).into_iter();
                names.extend(further.filter_map(|(folder, name)| self.watched(folder, name).ok()));
            }
            let numbers = |names: &[Watched]| -> HashSet<i32> {
                names.iter().map(|watched| watched.number).collect()
            };
            let mut before = lock(&self.names);
            for number in numbers(&before).difference(&numbers(&names)) {
                let _ = remove_watch(&self.inotify, *number);
            }
            *before = names;
            Ok(())
        }

        fn watched(&self, folder: PathBuf, name: OsString) -> io::Result<Watched> {
            // Not every single write: a file counts once it is whole.
            let whole = WatchFlags::CLOSE_WRITE
                | WatchFlags::CREATE
                | WatchFlags::MOVED_TO
                | WatchFlags::MOVED_FROM
                | WatchFlags::DELETE;
            let number = add_watch(&self.inotify, &folder, whole)?;
            Ok(Watched {
                number,
                folder,
                name,
            })
        }

        pub(super) async fn changed(&mut self) -> io::Result<()> {
            let ended = || Err(io::ErrorKind::BrokenPipe.into());
            self.heard.recv().await.unwrap_or_else(ended)?;
            // Before the files are read, so that nothing is missed that happens after: links may lead elsewhere now.
            // A folder that is gone for the moment stays watched under its number.
            let _ = self.look();
            Ok(())
        }
    }

    impl Drop for Watch {
        /// The end of a watch is an event, too, and ends the thread.
        fn drop(&mut self) {
            self.heard.close();
            for watched in lock(&self.names).iter() {
                let _ = remove_watch(&self.inotify, watched.number);
            }
        }
    }

    fn lock(names: &Mutex<Vec<Watched>>) -> MutexGuard<'_, Vec<Watched>> {
        // They are replaced as a whole.
        names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(inotify: &OwnedFd, names: &Mutex<Vec<Watched>>, tell: &mpsc::Sender<io::Result<()>>) {
        let mut room = [MaybeUninit::uninit(); BUFFER_BYTES];
        let mut reader = Reader::new(inotify, &mut room);
        while !tell.is_closed() {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::INTR) => continue,
                Err(error) => {
                    let _ = tell.try_send(Err(error.into()));
                    return;
                }
            };
            let name = event.file_name().unwrap_or_default().to_bytes();
            let is_it = |it: &&Watched| it.number == event.wd() && it.name.as_bytes() == name;
            let is_new = event.events().contains(ReadFlags::CREATE);
            let is_told = lock(names)
                .iter()
                .find(is_it)
                .is_some_and(|it| !is_new || is_whole(&it.folder.join(&it.name)));
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW) || is_told {
                let _ = tell.try_send(Ok(()));
            }
        }
    }

    /// Whether what was just made is all there is to it, as of a link; a file is still to be written.
    fn is_whole(path: &Path) -> bool {
        std::fs::symlink_metadata(path).is_ok_and(|it| !it.is_file())
    }
}

#[cfg(not(target_os = "linux"))]
mod silent {
    use std::io;
    use std::path::PathBuf;

    pub(super) struct Watch;

    impl Watch {
        pub(super) fn new(_: &[PathBuf]) -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) async fn changed(&mut self) -> io::Result<()> {
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn writing_replacing_and_removing_are_heard_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, other) = (folder.path().join("ours"), folder.path().join("other"));
        let mut watch = FileWatch::new(std::slice::from_ref(&ours)).unwrap();
        let silence = Duration::from_millis(100);
        fs::write(&other, "x").unwrap();
        let heard = tokio::time::timeout(silence, watch.changed()).await;
        assert!(heard.is_err(), "another file");
        for step in 0..3 {
            match step {
                0 => fs::write(&ours, "x").unwrap(),
                1 => fs::rename(&other, &ours).unwrap(),
                _ => fs::remove_file(&ours).unwrap(),
            }
            let heard = tokio::time::timeout(Duration::from_secs(10), watch.changed()).await;
            heard.expect("it is heard").unwrap();
        }
        let missing = FileWatch::new(&[folder.path().join("none/file")]);
        assert!(missing.is_err());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_a_link_leads_to_is_heard_wherever_it_leads() {
        use std::os::unix::fs::symlink;

        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let ours = folder.path().join("ours");
        let mut watch = FileWatch::new(std::slice::from_ref(&ours)).unwrap();
        let at = |name: &str| other.path().join(name);
        for name in ["first", "second"] {
            fs::create_dir(at(name)).unwrap();
            fs::write(at(name).join("file"), "x").unwrap();
        }
        let steps: [&dyn Fn(); 7] = [
            // As Kubernetes mounts a configuration, and changes it.
            &|| symlink("first", at("..data")).unwrap(),
            &|| symlink(at("..data/file"), &ours).unwrap(),
            &|| fs::write(at("first/file"), "y").unwrap(),
            &|| {
                symlink("second", at("..new")).unwrap();
                fs::rename(at("..new"), at("..data")).unwrap();
            },
            &|| fs::write(at("second/file"), "y").unwrap(),
            &|| fs::remove_file(&ours).unwrap(),
            &|| fs::create_dir(&ours).unwrap(),
        ];
        for (number, step) in steps.into_iter().enumerate() {
            step();
            let long = Duration::from_millis(if number == 0 { 100 } else { 10_000 });
            let heard = tokio::time::timeout(long, watch.changed()).await;
            assert_eq!(heard.is_ok(), number > 0, "step {number}");
        }
        fs::write(at("second/file"), "z").unwrap();
        let silence = tokio::time::timeout(Duration::from_millis(100), watch.changed()).await;
        assert!(silence.is_err(), "nothing leads there any more");
    }
}

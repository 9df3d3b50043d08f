//! Hears of changes of files without looking for them.
//!
//! Whole folders are watched, because editors and commands put a new file in
//! place of the old one. Linux tells; elsewhere nothing is heard, and a signal
//! must do.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use silent as system;

/// A change is told when nothing followed it for so long: some programs write a
/// file in several steps.
const SETTLE: Duration = Duration::from_millis(20);

/// Some files, watched.
pub(crate) struct FileWatch(system::Watch);

impl FileWatch {
    /// Watches files that may not exist yet, in folders that do.
    ///
    /// # Errors
    /// When the system cannot watch a folder.
    pub(crate) fn new(files: &[PathBuf]) -> io::Result<Self> {
        system::Watch::new(files).map(Self)
    }

    /// Returns when one of the files was written, replaced or removed.
    ///
    /// # Errors
    /// When the system stops telling.
    pub(crate) async fn changed(&mut self) -> io::Result<()> {
        self.0.changed().await?;
        while let Ok(more) = tokio::time::timeout(SETTLE, self.0.changed()).await {
            more?;
        }
        Ok(())
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::OsString;
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use rustix::fs::inotify::{
        CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch,
    };
    use rustix::io::Errno;
    use tokio::sync::mpsc;

    /// Room for some events; the system waits with the rest.
    const BUFFER_BYTES: usize = 4096;

    /// A thread sleeps in the system until there is something to hear.
    pub(super) struct Watch {
        inotify: Arc<OwnedFd>,
        /// The watched folder of each file, as the system numbers it.
        files: Vec<(i32, OsString)>,
        heard: mpsc::Receiver<io::Result<()>>,
    }

    impl Watch {
        pub(super) fn new(files: &[PathBuf]) -> io::Result<Self> {
            let inotify = Arc::new(init(CreateFlags::CLOEXEC)?);
            // Not every single write: a file counts once it is whole.
            let whole = WatchFlags::CLOSE_WRITE
                | WatchFlags::MOVED_TO
                | WatchFlags::MOVED_FROM
                | WatchFlags::DELETE;
            let mut watched = Vec::with_capacity(files.len());
            for file in files {
                let folder = match file.parent() {
                    Some(folder) if !folder.as_os_str().is_empty() => folder,
                    _ => Path::new("."),
                };
                let name = file.file_name().unwrap_or_default().to_owned();
                watched.push((add_watch(&inotify, folder, whole)?, name));
            }
            // One word is enough: who hears it looks at all files.
            let (tell, heard) = mpsc::channel(1);
            let watch = Self {
                inotify: Arc::clone(&inotify),
                files: watched.clone(),
                heard,
            };
            std::thread::Builder::new()
                .name("file-watch".to_owned())
                .spawn(move || listen(&inotify, &watched, &tell))?;
            Ok(watch)
        }

        pub(super) async fn changed(&mut self) -> io::Result<()> {
            let ended = || Err(io::ErrorKind::BrokenPipe.into());
            self.heard.recv().await.unwrap_or_else(ended)
        }
    }

    impl Drop for Watch {
        /// The end of a watch is an event, too, and ends the thread.
        fn drop(&mut self) {
            self.heard.close();
            for (folder, _) in &self.files {
                let _ = remove_watch(&self.inotify, *folder);
            }
        }
    }

    fn listen(inotify: &OwnedFd, files: &[(i32, OsString)], tell: &mpsc::Sender<io::Result<()>>) {
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
            let is_ours =
                |(folder, file): &(i32, OsString)| *folder == event.wd() && file.as_bytes() == name;
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW) || files.iter().any(is_ours) {
                let _ = tell.try_send(Ok(()));
            }
        }
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
}

//! The database file: its tables, and opening it so that a damaged one never
//! stops the host.
//!
//! Damage is a matter of content: a file that redb or the table layout does
//! not recognize is renamed, its data untouched, and a fresh one takes its place. What
//! the operating system refuses (permissions, a folder in the way, an I/O
//! error) says nothing about the content and is reported instead.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use redb::{Builder, Database, ReadableDatabase, ReadableTable, TableDefinition};
use tracing::{info, warn};

use super::commit_mark::{CommitMark, LastRun};
use super::compaction;
use super::guard::guarded;
use super::{SetAside, StoreError, Usage};

/// Namespace and key to a frame (see [`super::record`]).
pub(super) const RECORDS: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("records");
/// Ticket of a write to the name it wrote and its weight, oldest first.
pub(super) const ORDER: TableDefinition<u64, (&str, &str, u64)> = TableDefinition::new("order");
/// End of life (microseconds since the Unix epoch) and ticket of the write.
pub(super) const EXPIRY: TableDefinition<(i64, u64), ()> = TableDefinition::new("expiry");
/// Tag, namespace and key.
pub(super) const TAGS: TableDefinition<(&str, &str, &str), ()> = TableDefinition::new("tags");
/// The numbers below.
pub(super) const NUMBERS: TableDefinition<&str, u64> = TableDefinition::new("numbers");

pub(super) const NUMBER_ENTRIES: &str = "entries";
pub(super) const NUMBER_BYTES: &str = "bytes";
const NUMBER_LAYOUT: &str = "layout";

/// What the name of a file that was set aside has behind that of the store,
/// before the second in which that was.
const DAMAGED: &str = ".damaged-";

/// How many files that were set aside are kept.
const MOST_ASIDE: usize = 3;

/// Version of the table layout.
const LAYOUT: u64 = 1;

/// An open file and what it counted when it was last committed.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) db: Database,
    pub(super) usage: Usage,
    /// Ticket of the newest record in it.
    pub(super) newest: u64,
    pub(super) set_aside: Option<SetAside>,
}

/// Why a file did not open.
#[derive(Debug)]
enum Refusal {
    /// Its content is unusable.
    Damaged(String),
    InUse,
    Io(io::Error),
}

/// Opens the file, creates it when it is missing and replaces it when it is
/// damaged.
pub(super) fn open(path: &Path, cache_bytes: usize) -> Result<OpenFile, StoreError> {
    settle(path, cache_bytes, open_existing(path, cache_bytes))
}

/// Opens the file as [`open`] does, after what the last run left behind.
pub(super) fn open_after(
    last_run: LastRun,
    mark: &CommitMark,
    path: &Path,
    cache_bytes: usize,
) -> Result<OpenFile, StoreError> {
    let opened = match last_run {
        LastRun::Orderly => open_compacted(mark, path, cache_bytes),
        LastRun::InCommit => mark.verifying(|| open_verified(path, cache_bytes)),
        LastRun::InVerification => mark.verifying(|| {
            if path.is_file() {
                Err(Refusal::Damaged("verifying it ended the last run".into()))
            } else {
                Ok(None)
            }
        }),
    };
    settle(path, cache_bytes, opened)
}

fn settle(
    path: &Path,
    cache_bytes: usize,
    opened: Result<Option<OpenFile>, Refusal>,
) -> Result<OpenFile, StoreError> {
    match opened {
        Ok(Some(file)) => Ok(file),
        Ok(None) => create(path, cache_bytes),
        Err(Refusal::Damaged(reason)) => replace(path, cache_bytes, reason),
        Err(refusal) => Err(refusal.into_error(path)),
    }
}

/// Opens the file and checks every page of it, about 2 ms per megabyte.
fn open_verified(path: &Path, cache_bytes: usize) -> Result<Option<OpenFile>, Refusal> {
    let Some(mut file) = open_existing(path, cache_bytes)? else {
        return Ok(None);
    };
    let verified = guarded(|| Ok(file.db.check_integrity()?));
    let clean = verified.map_err(|error| classify(&error))?;
    if clean {
        return Ok(Some(file));
    }
    // Repaired: what was read of it before may be different now.
    drop(file);
    open_existing(path, cache_bytes)
}

/// Opens the file and, if most of it holds nothing, shortens it, about a
/// second for each 100 MB.
fn open_compacted(
    mark: &CommitMark,
    path: &Path,
    cache_bytes: usize,
) -> Result<Option<OpenFile>, Refusal> {
    let Some(mut file) = open_existing(path, cache_bytes)? else {
        return Ok(None);
    };
    let bytes = fs::metadata(path).map_err(Refusal::Io)?.len();
    if !compaction::is_worth_it(bytes, file.usage) {
        return Ok(Some(file));
    }
    match mark.committing(|| guarded(|| Ok(file.db.compact()?))) {
        Ok(_) => {
            let left = fs::metadata(path).map_err(Refusal::Io)?.len();
            info!(
                "{} held little and was shortened from {} to {} KiB",
                path.display(),
                bytes >> 10,
                left >> 10
            );
            Ok(Some(file))
        }
        // What was committed before is still there; whether it can be read is seen by reading it.
        Err(error) => {
            warn!(
                "cannot shorten {}: {error}; it stays as long as it is",
                path.display()
            );
            drop(file);
            open_existing(path, cache_bytes)
        }
    }
}

/// Sets the file aside for `reason` and starts a fresh one. The caller has
/// closed it.
pub(super) fn replace(
    path: &Path,
    cache_bytes: usize,
    reason: String,
) -> Result<OpenFile, StoreError> {
    let aside = match set_aside(path) {
        Ok(aside) => aside,
        Err(source) => {
            return Err(StoreError::StuckDamaged {
                path: path.to_owned(),
                reason,
                source,
            });
        }
    };
    let aside = SetAside {
        path: aside,
        reason,
    };
    // Whoever retries finds no file any more, and nothing to report.
    let mut file = create(path, cache_bytes).inspect_err(|_| warn!("{aside}"))?;
    file.set_aside = Some(aside);
    Ok(file)
}

fn open_existing(path: &Path, cache_bytes: usize) -> Result<Option<OpenFile>, Refusal> {
    let handle = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(handle) => handle,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Refusal::Io(error)),
    };
    let length = handle.metadata().map_err(Refusal::Io)?.len();
    if length == 0 {
        return Err(Refusal::Damaged("it is empty".into()));
    }
    let db = database(handle, cache_bytes)?;
    let file = guarded(|| read_numbers(db)).map_err(|error| classify(&error))?;
    Ok(Some(file))
}

/// A fresh file appears under its name only once it is complete, so that a
/// crash in between leaves nothing that looks damaged.
fn create(path: &Path, cache_bytes: usize) -> Result<OpenFile, StoreError> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    let created = create_draft(&draft, cache_bytes).and_then(|file| {
        fs::rename(&draft, path).map_err(Refusal::Io)?;
        sync_folder_of(path).map_err(Refusal::Io)?;
        Ok(file)
    });
    created.map_err(|refusal| {
        // The draft takes space that may be what was missing.
        let _ = fs::remove_file(&draft);
        refusal.into_error(path)
    })
}

fn create_draft(draft: &Path, cache_bytes: usize) -> Result<OpenFile, Refusal> {
    let handle = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(draft)
        .map_err(Refusal::Io)?;
    let db = database(handle, cache_bytes)?;
    let written = (|| {
        let mut txn = db.begin_write()?;
        txn.set_quick_repair(true);
        txn.open_table(RECORDS)?;
        txn.open_table(ORDER)?;
        txn.open_table(EXPIRY)?;
        txn.open_table(TAGS)?;
        txn.open_table(NUMBERS)?.insert(NUMBER_LAYOUT, LAYOUT)?;
        txn.commit()?;
        Ok::<_, redb::Error>(())
    })();
    written.map_err(|error| classify(&error))?;
    Ok(OpenFile {
        db,
        usage: Usage::default(),
        newest: 0,
        set_aside: None,
    })
}

fn database(handle: File, cache_bytes: usize) -> Result<Database, Refusal> {
    let opened = guarded(|| {
        let db = Builder::new()
            .set_cache_size(cache_bytes)
            .create_file(handle)?;
        Ok(db)
    });
    opened.map_err(|error| classify(&error))
}

fn read_numbers(db: Database) -> Result<OpenFile, redb::Error> {
    let txn = db.begin_read()?;
    let numbers = txn.open_table(NUMBERS)?;
    let number = |name| Ok::<_, redb::Error>(numbers.get(name)?.map(|n| n.value()));
    match number(NUMBER_LAYOUT)? {
        Some(LAYOUT) => {}
        Some(other) => {
            return Err(redb::Error::Corrupted(format!(
                "its table layout is version {other}, this program reads version {LAYOUT}"
            )));
        }
        None => return Err(redb::Error::Corrupted("it names no table layout".into())),
    }
    txn.open_table(RECORDS)?;
    txn.open_table(EXPIRY)?;
    txn.open_table(TAGS)?;
    let newest = txn
        .open_table(ORDER)?
        .last()?
        .map_or(0, |(seq, _)| seq.value());
    let usage = Usage {
        entries: number(NUMBER_ENTRIES)?.unwrap_or(0),
        bytes: number(NUMBER_BYTES)?.unwrap_or(0),
    };
    drop(numbers);
    drop(txn);
    Ok(OpenFile {
        db,
        usage,
        newest,
        set_aside: None,
    })
}

/// Tells unusable content from a disk that does not cooperate.
fn classify(error: &redb::Error) -> Refusal {
    match error {
        redb::Error::DatabaseAlreadyOpen => Refusal::InUse,
        redb::Error::Io(error) => match error.kind() {
            // What redb says of a foreign file and of one that ends too early.
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                Refusal::Damaged(error.to_string())
            }
            kind => Refusal::Io(
                error
                    .raw_os_error()
                    .map_or_else(|| kind.into(), io::Error::from_raw_os_error),
            ),
        },
        redb::Error::Corrupted(_)
        | redb::Error::UpgradeRequired(_)
        | redb::Error::RepairAborted
        | redb::Error::TypeDefinitionChanged { .. }
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TableIsNotMultimap(_)
        | redb::Error::TableDoesNotExist(_) => Refusal::Damaged(error.to_string()),
        other => Refusal::Io(io::Error::other(other.to_string())),
    }
}

/// Whether an error met while reading or committing means that the content of
/// the file is unusable.
pub(super) fn is_damage(error: &redb::Error) -> bool {
    matches!(classify(error), Refusal::Damaged(_))
}

impl Refusal {
    fn into_error(self, path: &Path) -> StoreError {
        let path = path.to_owned();
        match self {
            Refusal::InUse => StoreError::InUse { path },
            Refusal::Io(source) => StoreError::Unreadable { path, source },
            Refusal::Damaged(reason) => StoreError::Unreadable {
                path,
                source: io::Error::other(reason),
            },
        }
    }
}

/// Renames the file, and deletes the oldest of those that were set aside
/// before: each may be as large as a cache may be, and a disk that damages files
/// would be full of them.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = rename_aside(path)?;
    let mut all = asides(path).unwrap_or_default();
    all.sort_unstable();
    let old = all.len().saturating_sub(MOST_ASIDE);
    for (_, old) in all.drain(..old) {
        if let Err(error) = fs::remove_file(&old) {
            warn!("cannot delete {}: {error}", old.display());
        }
    }
    Ok(aside)
}

/// The files that were set aside, each with the second and the number in its name.
fn asides(path: &Path) -> io::Result<Vec<((u64, u32), PathBuf)>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut found = Vec::new();
    for entry in fs::read_dir(folder_of(path))? {
        let entry = entry?;
        let file = entry.file_name();
        let when = file
            .to_str()
            .and_then(|file| file.strip_prefix(&*name)?.strip_prefix(DAMAGED))
            .and_then(|when| {
                let (second, number) = when.split_once('-').unwrap_or((when, "0"));
                Some((second.parse().ok()?, number.parse().ok()?))
            });
        if let Some(when) = when {
            found.push((when, entry.path()));
        }
    }
    Ok(found)
}

fn rename_aside(path: &Path) -> io::Result<PathBuf> {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let mut number = 0_u32;
    loop {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("{DAMAGED}{seconds}"));
        if number > 0 {
            name.push(format!("-{number}"));
        }
        let aside = PathBuf::from(name);
        if !aside.try_exists()? {
            fs::rename(path, &aside)?;
            sync_folder_of(path)?;
            return Ok(aside);
        }
        number += 1;
    }
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

//! What the store is told to do with what it holds: which keys and stamps
//! count, how far to trim, what to sweep. The store itself is the host's.

use alloc::format;
use alloc::vec::Vec;

use crate::glob::Glob;
use crate::{Error, Now};

use super::{Cache, StaleLives, Stamp, Usage, disk};

impl Cache {
    /// 1 for each key that matches the glob, else 0.
    pub fn matching(&self, pattern: &str, keys: &[impl AsRef<str>]) -> Result<Vec<u8>, Error> {
        let glob = Glob::parse(pattern)?;
        Ok(keys
            .iter()
            .map(|key| u8::from(glob.matches(key.as_ref())))
            .collect())
    }

    /// 1 for each stamp that is alive now, else 0. The lists run in parallel:
    /// dates of writing, and lives in microseconds. A life outside its range is
    /// not alive.
    pub fn alive(&self, now: Now, put_at_us: &[i64], lives_us: &[i64]) -> Result<Vec<u8>, Error> {
        if put_at_us.len() != lives_us.len() {
            return Err(Error::InvalidArgument(format!(
                "put-at has {} items and lives has {}; give one life for each date",
                put_at_us.len(),
                lives_us.len()
            )));
        }
        let stamps = put_at_us
            .iter()
            .zip(lives_us)
            .map(|(&put_at_us, &life_us)| Stamp {
                put_at_us,
                life_us,
                memory_life_us: life_us,
                stale: StaleLives::default(),
            });
        Ok(stamps
            .map(|stamp| u8::from(stamp.is_alive(now.dated_us)))
            .collect())
    }

    /// Sets the most the store may hold. Default 50,000 entries, 64 MiB.
    pub fn set_disk_bounds(&mut self, bounds: Usage) {
        self.disk_bounds = bounds;
    }

    /// What the store must be trimmed to, oldest first; `None` while `held` is
    /// within bounds. Leaves some room, so that not every write trims.
    pub fn trim(&self, held: Usage) -> Option<Usage> {
        disk::trim(self.disk_bounds, held)
    }

    /// The date before which a record's end of life has passed, in microseconds
    /// since the Unix epoch: the store removes what ended before it.
    pub fn sweep_before(&self, now: Now) -> i64 {
        now.dated_us
    }

    /// Reports what trimming and sweeping removed, for the statistics.
    pub fn note_removed(&mut self, evicted: u64, expired: u64) {
        let disk = &mut self.namespaces.elsewhere.disk;
        disk.evictions = disk.evictions.saturating_add(evicted);
        disk.expirations = disk.expirations.saturating_add(expired);
    }
}

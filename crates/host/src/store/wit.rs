//! Records in the words in which the optimizer is asked about them.

use weirhouse_runner::wit::cache as wit;

use super::{Record, Stamp, Usage};

impl From<wit::Stamp> for Stamp {
    /// Lives the optimizer gave are never negative.
    fn from(stamp: wit::Stamp) -> Self {
        Self {
            put_at_us: stamp.put_at,
            life_us: stamp.life.max(0).unsigned_abs(),
            memory_life_us: stamp.memory_life.max(0).unsigned_abs(),
            while_revalidate_us: stamp.stale.while_revalidate.max(0).unsigned_abs(),
            if_error_us: stamp.stale.if_error.max(0).unsigned_abs(),
        }
    }
}

impl From<Stamp> for wit::Stamp {
    /// Lives beyond the range of the optimizer stay beyond it.
    fn from(stamp: Stamp) -> Self {
        let signed = |life_us| i64::try_from(life_us).unwrap_or(i64::MAX);
        Self {
            put_at: stamp.put_at_us,
            life: signed(stamp.life_us),
            memory_life: signed(stamp.memory_life_us),
            stale: wit::StaleLives {
                while_revalidate: signed(stamp.while_revalidate_us),
                if_error: signed(stamp.if_error_us),
            },
        }
    }
}

impl Record {
    /// What the optimizer is told of it; `media_type` is the number of its
    /// content type.
    pub fn into_stored(self, media_type: u32) -> wit::Stored {
        wit::Stored {
            value: self.value,
            media_type,
            tags: self.tags,
            stamp: self.stamp.into(),
        }
    }
}

impl From<wit::Usage> for Usage {
    fn from(wit::Usage { entries, bytes }: wit::Usage) -> Self {
        Self { entries, bytes }
    }
}

impl From<Usage> for wit::Usage {
    fn from(Usage { entries, bytes }: Usage) -> Self {
        Self { entries, bytes }
    }
}

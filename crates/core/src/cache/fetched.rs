//! What those who fetch are answered.

use super::leases::Lease;
use super::memory::Written;
use super::record::{Entry, Place, Stamp};

/// A value past its fresh life, or still in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stale<'a> {
    /// As it was put.
    pub value: &'a [u8],
    /// The media type it was put with.
    pub media_type: u32,
    /// How long ago its life ended, in microseconds; 0 if it has not.
    pub stale_for_us: i64,
}

impl<'a> Stale<'a> {
    pub(super) fn of(written: &'a Written, mono_us: u64) -> Self {
        Self {
            value: written.joined.value(),
            media_type: written.media_type,
            stale_for_us: written.upkeep.stale_for_us(mono_us),
        }
    }
}

/// What [`Cache::ask`] answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// From memory.
    Fresh(Entry<'a>),
    /// Usable for now. With a lease, fetch it beside that; without, somebody
    /// does.
    Stale(Stale<'a>, Option<Lease>),
    /// There is known to be nothing, for so many microseconds.
    Nothing(i64),
    /// Not in memory. Read the store, then call [`Cache::resume`].
    Below,
    /// Nowhere. Fetch it.
    Fetch(Lease),
    /// Nowhere, and somebody fetches it: ask again when that is settled, or
    /// after so many microseconds.
    Wait(i64),
}

/// What [`Cache::resume`] answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resumed {
    /// What the store had is fresh, for so many microseconds.
    Fresh(i64),
    /// What the store had is usable for now, though its life ended so many
    /// microseconds ago. With a lease, fetch it beside that.
    Stale(i64, Option<Lease>),
    /// As [`Answer::Fetch`].
    Fetch(Lease),
    /// As [`Answer::Wait`].
    Wait(i64),
    /// Memory was told meanwhile: ask again.
    Again,
}

/// What became of a fetched value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fulfilled {
    /// It was written, as [`Cache::put`] would have.
    Kept(Option<Stamp>),
    /// Something newer is known of the key; nothing was written.
    Superseded,
}

/// What there is to serve when a fetch has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rescue<'a> {
    /// This, from memory.
    Value(Stale<'a>),
    /// Not in memory. Read the store, then call [`Cache::rescue`].
    Below,
    /// Nothing.
    Nothing,
}

/// A key to be fetched before its life ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    /// Where the value belongs.
    pub place: Place,
    /// To fetch it under.
    pub lease: Lease,
}

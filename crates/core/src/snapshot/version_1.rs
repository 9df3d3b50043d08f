//! Format version 1: one structure for everything, translated into sections.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;

use super::{END, Tag, push_section};
use crate::Error;
use crate::entities::Series;
use crate::reading::Reading;

pub(super) const VERSION: u8 = 1;

#[derive(Deserialize)]
struct Contents {
    series: Vec<SeriesRecord>,
    hot: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct SeriesRecord {
    handle: u32,
    owner: u32,
    series: Series,
    /// Baseline, newest reading, its time, and whether it waits unsent.
    history: Option<(Reading, Reading, i64, bool)>,
}

/// The body of a snapshot of this version, as that of one with sections.
pub(super) fn into_sections(body: &[u8]) -> Result<Vec<u8>, Error> {
    let Contents { series, hot } = postcard::from_bytes(body).map_err(|error| {
        Error::Incompatible(format!("the snapshot is damaged or cut short: {error}"))
    })?;
    let numbered: Vec<_> = series
        .iter()
        .map(|record| (record.handle, record.owner, &record.series))
        .collect();
    let baselines: Vec<_> = series
        .iter()
        .filter_map(|record| record.history.map(|history| (record.handle, history)))
        .collect();
    let mut sections = Vec::new();
    push_section(&mut sections, Tag::Series, &numbered);
    push_section(&mut sections, Tag::Baselines, &baselines);
    push_section(&mut sections, Tag::HotKeys, &hot);
    sections.push(END);
    Ok(sections)
}

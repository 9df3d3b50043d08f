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
    let numbered = by_handle(&series, body.len())
        .ok_or_else(|| Error::Incompatible("the snapshot is damaged in its handles".into()))?;
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

/// The series as a table by handle; `None` if one occurs twice or lies beyond
/// `most`. This version did not spell out vacancies; one that has mostly those
/// is given up, because the table would outgrow the bytes it is made of.
fn by_handle(series: &[SeriesRecord], most: usize) -> Option<Vec<Option<(u32, &Series)>>> {
    let mut table = Vec::new();
    for record in series {
        let index = record.handle as usize;
        if index >= most {
            return None;
        }
        if index >= table.len() {
            table.resize(index + 1, None);
        }
        if table[index]
            .replace((record.owner, &record.series))
            .is_some()
        {
            return None;
        }
    }
    Some(table)
}

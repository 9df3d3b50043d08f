//! What outlives an instance: series with their numbers, baselines and newest
//! readings, and the keys that were hot.
//!
//! The format is four bytes, `WHS` and the version, then the postcard encoding
//! of that version's structure. Rules, lives and schedules are settings: the
//! host has them and tells them again.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::entities::{Entities, MOST_SERIES, Series};
use crate::reading::Reading;
use crate::significance::Significance;

const MAGIC: [u8; 3] = *b"WHS";
const VERSION: u8 = 1;

/// Keys remembered as hot, most used first.
pub(crate) const HOT_KEYS: u32 = 500;

/// What a restore brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// The format version of the bytes.
    pub version: u32,
    /// Series with their numbers.
    pub series: u32,
    /// Keys that were hot.
    pub hot: u32,
}

/// Version 1 of the structure.
#[derive(Serialize, Deserialize)]
struct Contents {
    series: Vec<SeriesRecord>,
    hot: Vec<(String, String)>,
}

#[derive(Serialize, Deserialize)]
struct SeriesRecord {
    handle: u32,
    owner: u32,
    series: Series,
    /// Baseline, newest reading, its time, and whether it waits unsent.
    history: Option<(Reading, Reading, i64, bool)>,
}

/// Writes a snapshot.
pub(crate) fn write(
    entities: &Entities,
    significance: &Significance,
    hot: Vec<(String, String)>,
) -> Vec<u8> {
    let series = entities
        .all()
        .map(|(handle, owner, series)| SeriesRecord {
            handle,
            owner,
            series: series.clone(),
            history: significance.history(handle).map(|history| {
                (
                    history.published,
                    history.latest,
                    history.newest_time,
                    history.unsent,
                )
            }),
        })
        .collect();
    let mut bytes = Vec::from(MAGIC);
    bytes.push(VERSION);
    // Encoding into a growing vector fails for no value of these types.
    postcard::to_extend(&Contents { series, hot }, bytes).unwrap_or_default()
}

/// Reads a snapshot into empty tables; gives the hot keys.
pub(crate) fn read(
    now_us: u64,
    bytes: &[u8],
    entities: &mut Entities,
    significance: &mut Significance,
) -> Result<(Restored, Vec<(String, String)>), Error> {
    let contents = decode(bytes)?;
    check(&contents)?;
    let restored = Restored {
        version: u32::from(VERSION),
        series: contents.series.len() as u32,
        hot: contents.hot.len() as u32,
    };
    for record in contents.series {
        entities.restore(record.handle, record.owner, record.series);
        significance.adopt(record.handle);
        if let Some(history) = record.history {
            significance.restore(now_us, record.handle, history);
        }
    }
    Ok((restored, contents.hot))
}

fn decode(bytes: &[u8]) -> Result<Contents, Error> {
    let Some((&version, body)) = bytes
        .strip_prefix(&MAGIC)
        .and_then(|rest| rest.split_first())
    else {
        return Err(Error::Incompatible(
            "these bytes are no snapshot of the optimizer".into(),
        ));
    };
    if version != VERSION {
        return Err(Error::Incompatible(format!(
            "the snapshot has format version {version}; this optimizer reads version {VERSION}"
        )));
    }
    postcard::from_bytes(body).map_err(|error| {
        Error::Incompatible(format!("the snapshot is damaged or cut short: {error}"))
    })
}

/// Refuses a structure that the tables could not have written.
fn check(contents: &Contents) -> Result<(), Error> {
    let damaged = |what: &str| {
        Err(Error::Incompatible(format!(
            "the snapshot is damaged: {what}"
        )))
    };
    let mut names = BTreeSet::new();
    let mut states = BTreeSet::new();
    let mut handles = BTreeSet::new();
    for SeriesRecord {
        handle,
        owner,
        series,
        history,
    } in &contents.series
    {
        if series.check_name().is_err() {
            return damaged("a name is out of range");
        }
        if let Some((published, latest, ..)) = history
            && !(published.is_well_formed() && latest.is_well_formed())
        {
            return damaged("a number is not finite");
        }
        if *handle as usize >= MOST_SERIES {
            return damaged("a handle is out of range");
        }
        if !handles.insert(*handle) || !names.insert(series) {
            return damaged("a series occurs twice");
        }
        if series.attribute.is_none()
            && states.insert((*handle, series.entity.as_str()))
            && owner != handle
        {
            return damaged("a state belongs to another entity");
        }
    }
    let orphan = contents.series.iter().any(|record| {
        record.series.attribute.is_some()
            && !states.contains(&(record.owner, record.series.entity.as_str()))
    });
    if orphan {
        return damaged("an attribute belongs to no entity");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_make_a_restore_panic(
            version in 0_u8..3,
            body in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut bytes = Vec::from(MAGIC);
            bytes.push(version);
            bytes.extend(body);
            let _ = read(0, &bytes, &mut Entities::default(), &mut Significance::default());
        }
    }

    #[test]
    fn what_the_tables_could_not_have_written_is_refused() {
        let record = |handle, owner, attribute: Option<&str>, history| SeriesRecord {
            handle,
            owner,
            series: Series {
                entity: "sensor.a".into(),
                attribute: attribute.map(Into::into),
            },
            history,
        };
        let state = || record(0, 0, None, None);
        let mut nameless = state();
        nameless.series.entity.clear();
        let infinite = Reading::Number(f64::INFINITY);
        let one = Reading::Number(1.0);
        for (series, expected) in [
            (vec![record(1_000_000, 0, None, None)], "out of range"),
            (vec![state(), state()], "twice"),
            (vec![record(0, 1, None, None)], "another entity"),
            (vec![record(0, 1, Some("level"), None)], "no entity"),
            (vec![nameless], "name"),
            (
                vec![state(), record(1, 0, Some(&"x".repeat(256)), None)],
                "name",
            ),
            (
                vec![record(0, 0, None, Some((infinite, one, 0, false)))],
                "number",
            ),
            (
                vec![record(0, 0, None, Some((one, infinite, 0, false)))],
                "number",
            ),
        ] {
            match check(&Contents {
                series,
                hot: Vec::new(),
            }) {
                Err(Error::Incompatible(text)) => assert!(text.contains(expected), "{text}"),
                other => panic!("{expected}: {other:?}"),
            }
        }
        assert_eq!(
            check(&Contents {
                series: vec![state()],
                hot: Vec::new()
            }),
            Ok(())
        );
    }

    #[test]
    fn other_bytes_and_versions_are_refused_in_words() {
        for (bytes, expected) in [
            (&b""[..], "no snapshot"),
            (b"WH", "no snapshot"),
            (b"PNG\x01", "no snapshot"),
            (b"WHS\x09", "version 9"),
            (b"WHS\x01\x05", "damaged or cut short"),
        ] {
            let outcome = read(
                0,
                bytes,
                &mut Entities::default(),
                &mut Significance::default(),
            );
            match outcome {
                Err(Error::Incompatible(text)) => assert!(text.contains(expected), "{text}"),
                other => panic!("{other:?}"),
            }
        }
    }
}

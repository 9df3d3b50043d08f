//! The replica in a form that outlives a restart.
//!
//! Rows as they are served, compressed. It is read back as stale: readers get the last known home until Home
//! Assistant was heard.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;

use axum::body::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use weirhouse_hass::{Class, Timestamp};

use super::{Listed, NO_NOTES, Replica, StateRow};

/// Version of this layout.
const VERSION: u8 = 1;

/// Largest size it is unpacked to, bytes: far over the largest home, and far under the memory of a small computer.
const LARGEST: u64 = 256 << 20;

/// A home that was read back.
#[derive(Debug, Deserialize)]
pub struct Saved {
    states: Rows,
    /// By the names in [`class_name`].
    classes: Vec<(String, Rows)>,
}

#[derive(Debug, Default, Deserialize)]
struct Rows {
    as_of_us: Option<i64>,
    rows: Vec<(String, String)>,
}

/// What is held, to be written: rows are shared with those that are served.
#[derive(Debug, Serialize)]
pub struct Held {
    version: u8,
    states: HeldRows,
    classes: Vec<(&'static str, HeldRows)>,
}

#[derive(Debug, Serialize)]
struct HeldRows {
    as_of_us: Option<i64>,
    rows: Vec<HeldRow>,
}

/// Identifier and JSON of a row, both written as text.
#[derive(Debug)]
struct HeldRow(Arc<str>, Bytes);

impl Serialize for HeldRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&*self.0, String::from_utf8_lossy(&self.1)).serialize(serializer)
    }
}

/// An action as it is served.
#[derive(Deserialize)]
struct Action<'a> {
    domain: String,
    #[serde(rename = "service")]
    name: String,
    #[serde(borrow)]
    definition: &'a RawValue,
}

/// Why a saved home cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SavedError {
    /// It is not of this layout.
    #[error("the saved mirror is of another layout or damaged: {0}")]
    Layout(#[from] postcard::Error),
    /// It cannot be packed or unpacked.
    #[error("the saved mirror cannot be unpacked: {0}")]
    Packing(#[from] std::io::Error),
    /// It is of another version of the program.
    #[error("the saved mirror has layout {0}, this program knows {VERSION}")]
    Version(u8),
}

impl Held {
    /// As bytes, from which [`Saved`] is read. They are packed on the way: unpacked, a home is as large again.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SavedError> {
        let packer = GzEncoder::new(Vec::new(), Compression::fast());
        Ok(postcard::to_io(self, packer)?.finish()?)
    }
}

impl Saved {
    /// From bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SavedError> {
        let mut plain = Vec::new();
        GzDecoder::new(bytes)
            .take(LARGEST)
            .read_to_end(&mut plain)?;
        match plain.first() {
            Some(&VERSION) => Ok(postcard::from_bytes(&plain[1..])?),
            Some(&other) => Err(SavedError::Version(other)),
            None => Err(postcard::Error::DeserializeUnexpectedEnd.into()),
        }
    }

    /// Entities in it.
    pub fn entities(&self) -> usize {
        self.states.rows.len()
    }
}

impl Replica {
    /// What is held, to be written; `None` before anything was heard.
    pub fn save(&self) -> Option<Held> {
        let inner = self.read();
        inner.states.as_of?;
        let classes = inner.classes.iter();
        Some(Held {
            version: VERSION,
            states: rows(&inner.states),
            classes: classes
                .map(|(class, listed)| (class_name(*class), rows(listed)))
                .collect(),
        })
    }

    /// Takes what was saved, all of it stale. Rows that are no JSON objects are left out.
    pub fn restore(&self, saved: Saved) {
        let states: Vec<StateRow> = saved
            .states
            .rows
            .into_iter()
            .filter(|(_, json)| is_object(json))
            .map(|(entity_id, json)| StateRow {
                entity_id,
                json: Some(json.into_bytes()),
                notes: NO_NOTES.to_vec(),
            })
            .collect();
        for (name, Rows { as_of_us, rows }) in saved.classes {
            let Some(class) = Class::ALL.into_iter().find(|it| class_name(*it) == name) else {
                continue;
            };
            let objects = rows
                .iter()
                .map(|(_, json)| json.as_str())
                .filter(|json| is_object(json));
            let Ok(registry) = class.parse(&as_listed(class, objects)) else {
                tracing::warn!(%class, "what was saved of it cannot be read");
                continue;
            };
            let as_of = Timestamp::from_micros(as_of_us.unwrap_or_default());
            self.replace_class(as_of, &registry);
            self.set_class_stale(class);
        }
        let mut inner = self.write();
        inner.states.as_of = saved.states.as_of_us.map(Timestamp::from_micros);
        inner.set_states(&states);
    }
}

fn rows(listed: &Listed) -> HeldRows {
    let rows = listed.table.all();
    HeldRows {
        as_of_us: listed.as_of.map(Timestamp::as_micros),
        rows: rows
            .map(|(id, row)| HeldRow(Arc::clone(id), Bytes::clone(&row.json)))
            .collect(),
    }
}

/// The rows, each a JSON object, in the form in which Home Assistant lists them.
pub(super) fn as_listed<'a>(class: Class, objects: impl Iterator<Item = &'a str>) -> String {
    if class != Class::Services {
        let objects: Vec<&str> = objects.collect();
        return format!("[{}]", objects.join(","));
    }
    let mut domains = BTreeMap::<_, BTreeMap<_, _>>::new();
    for json in objects {
        if let Ok(row) = serde_json::from_str::<Action<'_>>(json) {
            let domain = domains.entry(row.domain).or_default();
            domain.insert(row.name, row.definition);
        }
    }
    serde_json::to_string(&domains).unwrap_or_default()
}

fn is_object(json: &str) -> bool {
    json.starts_with('{') && json.ends_with('}') && serde_json::from_str::<IgnoredAny>(json).is_ok()
}

/// A name that stays when classes are added or put in another order.
fn class_name(class: Class) -> &'static str {
    match class {
        Class::Entities => "entities",
        Class::Devices => "devices",
        Class::Areas => "areas",
        Class::Floors => "floors",
        Class::Labels => "labels",
        Class::ConfigEntries => "config-entries",
        Class::Helpers => "helpers",
        Class::Services => "services",
    }
}

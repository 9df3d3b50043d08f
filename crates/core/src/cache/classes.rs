//! Built-in lives of namespaces named after a class of data.
//!
//! A namespace without settings of its own whose name is exactly a class takes
//! that life in memory and on disk, until other lives than the built-in ones are
//! set for all namespaces ([`super::Cache::configure`] without a name). Nothing
//! else about a namespace follows from its name.

const SECOND_US: i64 = 1_000_000;
const MINUTE_US: i64 = 60 * SECOND_US;

/// How long data of a class stays fresh. Registries change when a person edits
/// them, and their events invalidate them anyway; states of entities change by
/// themselves.
const LIVES_US: [(&str, i64); 9] = [
    ("devices", 30 * MINUTE_US),
    ("areas", 30 * MINUTE_US),
    ("services", 15 * MINUTE_US),
    ("helpers", 15 * MINUTE_US),
    ("scenes", 15 * MINUTE_US),
    ("entities", 5 * MINUTE_US),
    ("live", 15 * SECOND_US),
    ("recent", 300 * SECOND_US),
    ("static", 3_600 * SECOND_US),
];

/// The life in microseconds of the class of this name, if it is one.
pub(super) fn class_life(name: &str) -> Option<i64> {
    LIVES_US
        .iter()
        .find(|(class, _)| *class == name)
        .map(|(_, life_us)| *life_us)
}

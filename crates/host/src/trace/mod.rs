//! Traces: what Home Assistant reported and when, as a file to replay.
//!
//! A trace is JSON Lines. The first line is the header,
//! `{"weirhouse_trace":1,"source":"…","started":"RFC 3339"}`; every other line
//! is one write of one entity, `{"t":MS,"e":"sensor.x","s":"21.5"}`, with
//! `"a":{…}` where attributes changed. `t` counts milliseconds since the start,
//! may have a fraction, and never falls; a trace begins with the states that
//! were there, at `t` 0 with all their attributes. Fields this version does not
//! know are ignored.
//!
//! [`Reader`] and [`Writer`] know the format, [`replay`](replay::replay) feeds
//! a trace through an optimizer. Where the writes come from is not known here,
//! and no clock is read but to decide when to flush.

pub mod plan;
mod rates;
mod reader;
pub mod replay;
mod report;
mod writer;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

pub use rates::ChangeRates;
pub use reader::Reader;
pub use writer::Writer;

/// The version of the format written and read.
const FORMAT: u64 = 1;

/// Where a trace came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// In words, such as the address of a Home Assistant; may be empty.
    pub source: String,
    /// When `t` was 0, as RFC 3339 text; may be empty.
    pub started: String,
}

/// One write of one entity.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Time since the start of the trace, in whole microseconds.
    pub at: Duration,
    /// The entity, such as `sensor.porch_temperature`.
    pub entity: String,
    /// Its state as Home Assistant writes it.
    pub state: String,
    /// The attributes that changed, with their new values.
    pub attributes: Map<String, Value>,
}

/// What is wrong with a trace, and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The file cannot be opened.
    #[error("cannot open the trace {}: {source}; check the path and its permissions", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file cannot be created.
    #[error("cannot create the trace {}: {source}; name a file that does not exist yet, in a folder that does", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Reading failed half way.
    #[error("{}:{line}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What the operating system said.
        source: io::Error,
    },
    /// Writing failed; lines flushed before are in the file.
    #[error("cannot write the trace: {0}; check the free space")]
    Write(io::Error),
    /// The first line is no header of a version known here.
    #[error(
        "{}:1: expected a header {{\"weirhouse_trace\":{FORMAT},…}}: {reason}; is this a trace?",
        path.display()
    )]
    Header {
        /// The file.
        path: PathBuf,
        /// What stands there instead.
        reason: String,
    },
    /// A line is no entry. What came before it is good.
    #[error(
        "{}:{line}: expected {{\"t\":MS,\"e\":\"entity\",\"s\":\"state\"}}: {reason}",
        path.display()
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The last line ends in the middle, as when a recording was killed. What
    /// came before it is good.
    #[error("{}:{line}: the last line is cut short; everything before it counts", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
    },
}

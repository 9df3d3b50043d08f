//! Writing a trace, so that a recording killed at any moment stays readable.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::scenario::micros::Micros;

use super::{FORMAT, Header, TraceError};

/// Longest that a written line stays in memory while others follow.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// A trace being written.
///
/// Lines are buffered and flushed within a second as long as lines keep coming;
/// whoever records calls [`Writer::flush`] every second as well, for the case
/// that none does. Dropping the writer flushes too, but hides errors.
#[derive(Debug)]
pub struct Writer<W: Write> {
    output: BufWriter<W>,
    flushed: Instant,
    latest: Micros,
    entries: u64,
}

#[derive(Serialize)]
struct HeaderLine<'a> {
    weirhouse_trace: u64,
    source: &'a str,
    started: &'a str,
}

#[derive(Serialize)]
struct EntryLine<'a> {
    t: Micros,
    e: &'a str,
    s: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<&'a Map<String, Value>>,
}

impl Writer<File> {
    /// Creates a file, which must not exist, and writes the header.
    pub fn create(path: &Path, header: &Header) -> Result<Self, TraceError> {
        let file = File::create_new(path).map_err(|source| TraceError::Create {
            path: path.to_owned(),
            source,
        })?;
        Self::new(file, header)
    }
}

impl<W: Write> Writer<W> {
    /// Writes the header, and flushes it.
    pub fn new(output: W, header: &Header) -> Result<Self, TraceError> {
        let mut writer = Self {
            output: BufWriter::new(output),
            flushed: Instant::now(),
            latest: Micros(0),
            entries: 0,
        };
        writer.line(&HeaderLine {
            weirhouse_trace: FORMAT,
            source: &header.source,
            started: &header.started,
        })?;
        writer.flush()?;
        Ok(writer)
    }

    /// Writes one line: `at` counts from the start of the trace, `attributes`
    /// are those that changed. A time before the latest written counts as that.
    pub fn write(
        &mut self,
        at: Duration,
        entity: &str,
        state: &str,
        attributes: &Map<String, Value>,
    ) -> Result<(), TraceError> {
        let at = i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
        self.latest = self.latest.max(Micros(at));
        self.line(&EntryLine {
            t: self.latest,
            e: entity,
            s: state,
            a: (!attributes.is_empty()).then_some(attributes),
        })?;
        self.entries += 1;
        if self.flushed.elapsed() >= FLUSH_EVERY {
            self.flush()?;
        }
        Ok(())
    }

    /// Hands everything written to the operating system.
    pub fn flush(&mut self) -> Result<(), TraceError> {
        self.flushed = Instant::now();
        self.output.flush().map_err(TraceError::Write)
    }

    /// Entries written, the header not among them.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    fn line(&mut self, line: &impl Serialize) -> Result<(), TraceError> {
        serde_json::to_writer(&mut self.output, line)
            .map_err(io::Error::from)
            .and_then(|()| self.output.write_all(b"\n"))
            .map_err(TraceError::Write)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Entry, Reader};
    use super::*;

    fn header() -> Header {
        Header {
            source: "demo \"home\"".into(),
            started: "2026-01-01T00:00:00+00:00".into(),
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let attributes = serde_json::json!({"unit": "°C", "list": [1, null]});
        let attributes = attributes.as_object().unwrap();
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes, &header()).unwrap();
        writer
            .write(Duration::ZERO, "sensor.a", "21.50", attributes)
            .unwrap();
        writer
            .write(
                Duration::from_micros(1_234_567),
                "sensor.b",
                "say \"hi\"\n",
                &Map::new(),
            )
            .unwrap();
        writer
            .write(Duration::from_secs(1), "sensor.a", "late", &Map::new())
            .unwrap();
        assert_eq!(writer.entries(), 3);
        drop(writer);

        let text = std::str::from_utf8(&bytes).unwrap();
        assert_eq!(
            text.lines().nth(2),
            Some(r#"{"t":1234.567,"e":"sensor.b","s":"say \"hi\"\n"}"#)
        );
        let reader = Reader::new(&bytes[..], Path::new("a.trace")).unwrap();
        assert_eq!(reader.header(), &header());
        let entries: Vec<Entry> = reader.map(Result::unwrap).collect();
        assert_eq!(entries[0].attributes, *attributes);
        assert_eq!(entries[1].state, "say \"hi\"\n");
        assert_eq!(entries[2].at, Duration::from_micros(1_234_567));
    }

    #[test]
    fn lines_reach_the_file_within_a_second_of_writing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.trace");
        let mut writer = Writer::create(&path, &header()).unwrap();
        assert_eq!(Reader::open(&path).unwrap().count(), 0);
        writer
            .write(Duration::ZERO, "sensor.a", "1", &Map::new())
            .unwrap();
        std::thread::sleep(FLUSH_EVERY);
        writer
            .write(Duration::ZERO, "sensor.a", "2", &Map::new())
            .unwrap();
        // The writer is not dropped, as if the recording had been killed.
        std::mem::forget(writer);
        assert_eq!(Reader::open(&path).unwrap().flatten().count(), 2);
    }

    #[test]
    fn an_existing_file_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.trace");
        std::fs::write(&path, "precious").unwrap();
        let error = Writer::create(&path, &header()).unwrap_err();
        assert!(error.to_string().contains("does not exist yet"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    }
}

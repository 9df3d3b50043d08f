//! Reading a trace line by line.
//!
//! Nothing is held but the current line, so the length of a trace is no matter.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::scenario::micros::Micros;

use super::{Entry, FORMAT, Header, TraceError};

/// An open trace: an iterator over its entries, which ends after the first
/// error.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    path: PathBuf,
    header: Header,
    /// Lines read, the header included.
    line: u64,
    bytes: u64,
    latest: Micros,
    buffer: Vec<u8>,
    ended: bool,
}

#[derive(Deserialize)]
struct HeaderLine {
    weirhouse_trace: u64,
    #[serde(default)]
    source: String,
    #[serde(default)]
    started: String,
}

#[derive(Deserialize)]
struct EntryLine {
    t: Micros,
    e: String,
    s: String,
    #[serde(default)]
    a: Option<Map<String, Value>>,
}

impl Reader<BufReader<File>> {
    /// Opens a file and reads its header.
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let file = File::open(path).map_err(|source| TraceError::Open {
            path: path.to_owned(),
            source,
        })?;
        Self::new(BufReader::new(file), path)
    }
}

impl<R: BufRead> Reader<R> {
    /// Reads the header from `input`; `path` names it in errors.
    pub fn new(input: R, path: &Path) -> Result<Self, TraceError> {
        let mut reader = Self {
            input,
            path: path.to_owned(),
            header: Header::default(),
            line: 0,
            bytes: 0,
            latest: Micros(0),
            buffer: Vec::new(),
            ended: false,
        };
        reader.header = reader.read_header()?;
        Ok(reader)
    }

    /// What the first line says.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Bytes read so far, for a display of progress.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read_header(&mut self) -> Result<Header, TraceError> {
        let problem = |path: &Path, reason: String| TraceError::Header {
            path: path.to_owned(),
            reason,
        };
        if !self.read_line()? {
            return Err(problem(&self.path, "the file is empty".into()));
        }
        let line: HeaderLine = serde_json::from_slice(&self.buffer)
            .map_err(|error| problem(&self.path, error.to_string()))?;
        if line.weirhouse_trace != FORMAT {
            let reason = format!(
                "this one has version {}, and this program reads version {FORMAT}",
                line.weirhouse_trace
            );
            return Err(problem(&self.path, reason));
        }
        Ok(Header {
            source: line.source,
            started: line.started,
        })
    }

    /// Reads one line into the buffer; says whether there was one.
    fn read_line(&mut self) -> Result<bool, TraceError> {
        self.buffer.clear();
        self.line += 1;
        let read = self
            .input
            .read_until(b'\n', &mut self.buffer)
            .map_err(|source| TraceError::Read {
                path: self.path.clone(),
                line: self.line,
                source,
            })?;
        self.bytes += read as u64;
        Ok(read > 0)
    }

    fn next_entry(&mut self) -> Result<Option<Entry>, TraceError> {
        loop {
            if !self.read_line()? {
                return Ok(None);
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        match serde_json::from_slice::<EntryLine>(&self.buffer) {
            Ok(line) => self.entry(line).map(Some),
            Err(_) if self.buffer.last() != Some(&b'\n') => Err(TraceError::Truncated {
                path: self.path.clone(),
                line: self.line,
            }),
            Err(error) => Err(self.malformed(error.to_string())),
        }
    }

    fn entry(&mut self, line: EntryLine) -> Result<Entry, TraceError> {
        if line.t < self.latest {
            return Err(self.malformed(format!("`t` falls from {} to {}", self.latest, line.t)));
        }
        if line.t > Micros::LATEST {
            let latest = Micros::LATEST;
            return Err(self.malformed(format!("`t` is {}, beyond {latest}", line.t)));
        }
        self.latest = line.t;
        Ok(Entry {
            at: Duration::from_micros(line.t.0 as u64),
            entity: line.e,
            state: line.s,
            attributes: line.a.unwrap_or_default(),
        })
    }

    fn malformed(&self, reason: String) -> TraceError {
        TraceError::Malformed {
            path: self.path.clone(),
            line: self.line,
            reason,
        }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Entry, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.next_entry();
        self.ended = !matches!(next, Ok(Some(_)));
        next.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str =
        r#"{"weirhouse_trace":1,"source":"demo","started":"2026-01-01T00:00:00+00:00","by":"x"}"#;

    fn read(text: &str) -> Result<(Vec<Entry>, Option<String>), String> {
        let reader =
            Reader::new(text.as_bytes(), Path::new("a.trace")).map_err(|e| e.to_string())?;
        assert_eq!(reader.header().source, "demo");
        let mut entries = Vec::new();
        for entry in reader {
            match entry {
                Ok(entry) => entries.push(entry),
                Err(error) => return Ok((entries, Some(error.to_string()))),
            }
        }
        Ok((entries, None))
    }

    #[test]
    fn entries_are_typed_and_unknown_fields_ignored() {
        let text = format!(
            "{HEADER}\n{}\n\n{}\n{}",
            r#"{"t":0,"e":"sensor.a","s":"1","a":{"unit":"W"},"z":[1]}"#,
            r#"{"t":0.25,"e":"sensor.b","s":""}"#,
            r#"{"t":0.25,"e":"sensor.a","s":"2","a":null}"#,
        );
        let (entries, error) = read(&text).unwrap();
        assert_eq!(error, None);
        let told: Vec<_> = entries
            .iter()
            .map(|e| {
                (
                    e.at.as_micros(),
                    e.entity.as_str(),
                    e.state.as_str(),
                    e.attributes.len(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (0, "sensor.a", "1", 1),
                (250, "sensor.b", "", 0),
                (250, "sensor.a", "2", 0)
            ]
        );
    }

    #[test]
    fn errors_name_file_line_and_what_was_expected() {
        let good = r#"{"t":5,"e":"sensor.a","s":"1"}"#;
        for (line, said) in [
            (r#"{"t":6,"e":"sensor.a"}"#, "missing field `s`"),
            (
                r#"{"t":6,"e":"sensor.a","s":7}"#,
                "invalid type: integer `7`",
            ),
            (
                r#"{"t":"6","e":"sensor.a","s":"7"}"#,
                "a number of milliseconds",
            ),
            (
                r#"{"t":4.999,"e":"sensor.a","s":"7"}"#,
                "`t` falls from 5 to 4.999",
            ),
            (
                "{\"t\":6,\"e\":\"sensor.a\",\"s\":\"\u{1}\"}",
                "control character",
            ),
            (
                r#"{"t":1e13,"e":"sensor.a","s":"7"}"#,
                "`t` is 10000000000000, beyond 9007199254740.992",
            ),
            ("nonsense", "expected"),
        ] {
            let (entries, error) = read(&format!("{HEADER}\n{good}\n{line}\n{good}\n")).unwrap();
            let error = error.expect(line);
            assert_eq!(entries.len(), 1, "{line}");
            assert!(
                error.starts_with("a.trace:3: expected {\"t\":MS"),
                "{error}"
            );
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_cut_last_line_is_told_from_a_broken_one() {
        let good = r#"{"t":5,"e":"sensor.ä","s":"1"}"#;
        let text = format!("{HEADER}\n{good}\n{good}");
        let body = HEADER.len() + 1 + good.len() + 1;
        for cut in body + 1..text.len() {
            let mut reader = Reader::new(&text.as_bytes()[..cut], Path::new("a.trace")).unwrap();
            assert!(reader.next().unwrap().is_ok());
            let error = reader.next().unwrap().unwrap_err();
            assert!(
                matches!(error, TraceError::Truncated { line: 3, .. }),
                "{cut}: {error}"
            );
            assert!(reader.next().is_none());
        }
        assert_eq!(read(&text).unwrap().0.len(), 2);
        assert_eq!(read(&text[..body]).unwrap().0.len(), 1);
    }

    #[test]
    fn what_is_no_trace_is_refused() {
        for (text, said) in [
            ("", "empty"),
            ("\n", "EOF"),
            (
                "{\"t\":5,\"e\":\"a\",\"s\":\"1\"}\n",
                "missing field `weirhouse_trace`",
            ),
            (
                "{\"weirhouse_trace\":2}\n",
                "version 2, and this program reads version 1",
            ),
            ("\u{7f}ELF", "expected value"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with("a.trace:1: expected a header"), "{error}");
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}

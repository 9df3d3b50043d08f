//! From Home Assistant's events to the lines of a trace.
//!
//! Only writes that changed a state text or an attribute are lines. What is
//! removed from Home Assistant simply stops appearing.

use std::io::Write;
use std::time::Duration;

use serde_json::{Map, Value};
use weirhouse_hass::{Change, Kind, Mirror, Observation, Snapshot, State};

use super::withheld::without_secrets;
use crate::trace::{TraceError, Writer};

/// Writes one trace.
pub(super) struct Recorder<W: Write> {
    writer: Writer<W>,
    mirror: Mirror,
    /// Lines written after the first states.
    changes: u64,
}

impl<W: Write> Recorder<W> {
    /// Starts a trace with the states that are there.
    pub(super) fn start(writer: Writer<W>, states: Snapshot) -> Result<Self, TraceError> {
        let mut recorder = Self {
            writer,
            mirror: Mirror::new(),
            changes: 0,
        };
        recorder.snapshot(states, Duration::ZERO)?;
        recorder.changes = 0;
        recorder.writer.flush()?;
        Ok(recorder)
    }

    /// Takes the states after a reconnect; what differs by then is written.
    pub(super) fn snapshot(&mut self, states: Snapshot, at: Duration) -> Result<(), TraceError> {
        for seen in self.mirror.replace(states, at) {
            self.line(&seen, at)?;
        }
        Ok(())
    }

    /// Takes changes until `most` lines are written; says whether that is so.
    pub(super) fn changes(
        &mut self,
        changes: Vec<Change>,
        at: Duration,
        most: u64,
    ) -> Result<bool, TraceError> {
        for change in changes {
            if self.changes >= most {
                break;
            }
            if let Some(seen) = self.mirror.apply(change, at) {
                self.line(&seen, at)?;
            }
        }
        Ok(self.changes >= most)
    }

    /// Hands everything to the operating system.
    pub(super) fn finish(&mut self) -> Result<(), TraceError> {
        self.writer.flush()
    }

    /// Changes written.
    pub(super) fn written(&self) -> u64 {
        self.changes
    }

    /// Entities at the moment.
    pub(super) fn entities(&self) -> usize {
        self.mirror.len()
    }

    fn line(&mut self, seen: &Observation, at: Duration) -> Result<(), TraceError> {
        let Some(state) = self.mirror.get(&seen.entity_id) else {
            return Ok(());
        };
        let attributes = changed_attributes(seen, state);
        if !seen.state_changed && attributes.is_empty() && seen.kind != Kind::Added {
            return Ok(());
        }
        self.changes += 1;
        self.writer
            .write(at, &seen.entity_id, &state.state, &attributes)
    }
}

fn changed_attributes(seen: &Observation, state: &State) -> Map<String, Value> {
    let changed = seen.attributes_changed.iter().filter_map(|name| {
        let value = serde_json::from_str(state.attributes.get(name)?).ok()?;
        Some((name.to_string(), without_secrets(name, value)))
    });
    changed.collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::demo::{Home, Settings};
    use crate::trace::{Header, Reader};

    #[test]
    fn a_recorded_home_is_read_back_whole() {
        let settings = Settings::default();
        let mut home = Home::new(settings, weirhouse_hass::Timestamp::from_micros(0));
        let mut file = Vec::new();
        let writer = Writer::new(&mut file, &Header::default()).unwrap();
        let mut recorder = Recorder::start(writer, home.snapshot()).unwrap();
        let mut expected = 0;
        for second in 1..=60 {
            let at = Duration::from_secs(second);
            let changes = home.advance(at, usize::MAX);
            expected += changes.len();
            assert!(!recorder.changes(changes, at, u64::MAX).unwrap());
        }
        assert_eq!(recorder.written(), expected as u64);
        assert_eq!(recorder.entities(), settings.entities);
        recorder.finish().unwrap();
        drop(recorder);

        let reader = Reader::new(&file[..], Path::new("trace")).unwrap();
        let entries: Vec<_> = reader.collect::<Result<_, _>>().unwrap();
        assert_eq!(entries.len(), settings.entities + expected);
        let (first, rest) = entries.split_at(settings.entities);
        assert!(first.iter().all(|entry| entry.at.is_zero()));
        assert!(
            first
                .iter()
                .all(|entry| entry.attributes.contains_key("friendly_name"))
        );
        assert!(
            rest.iter()
                .all(|entry| !entry.attributes.contains_key("friendly_name"))
        );
    }

    #[test]
    fn stops_at_the_limit() {
        let mut home = Home::new(
            Settings::default(),
            weirhouse_hass::Timestamp::from_micros(0),
        );
        let writer = Writer::new(Vec::new(), &Header::default()).unwrap();
        let mut recorder = Recorder::start(writer, home.snapshot()).unwrap();
        let changes = home.advance(Duration::from_mins(1), usize::MAX);
        assert!(changes.len() > 10);
        assert!(recorder.changes(changes, Duration::ZERO, 10).unwrap());
        assert_eq!(recorder.written(), 10);
    }
}

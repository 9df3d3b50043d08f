//! The end of the log, for the page.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use utoipa::ToSchema;
use weirhouse_hass::Timestamp;

use crate::config::MODULES;
use crate::request;

/// Lines that are kept.
const MOST_LINES: usize = 200;

/// Most characters of a line.
const LONGEST_LINE: usize = 1_000;

static LINES: Mutex<Lines> = Mutex::new(Lines {
    next: 0,
    kept: VecDeque::new(),
});

struct Lines {
    /// The number of the next line.
    next: u64,
    kept: VecDeque<Line>,
}

/// The end of the log.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Tail {
    /// The number of the next line: with what to ask for what follows.
    pub next: u64,
    /// Oldest first.
    pub lines: Vec<Line>,
}

/// A line of the log.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Line {
    /// Lines are numbered from 0 on.
    pub number: u64,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// `error`, `warn` or `info`.
    pub level: &'static str,
    /// The part of the program it is from.
    pub module: &'static str,
    /// What it says, with its fields.
    pub text: String,
}

/// The last lines from this number on.
pub fn since(number: u64) -> Tail {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = lines.kept.iter().filter(|line| line.number >= number);
    Tail {
        next: lines.next,
        lines: kept.cloned().collect(),
    }
}

/// Keeps what is logged, but for what only developers ask for.
pub(crate) struct Keep;

impl<S: Subscriber> Layer<S> for Keep {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            _ => return,
        };
        let mut text = Text::default();
        event.record(&mut text);
        if let Some(id) = request::of_event(event) {
            let _ = write!(text.fields, " request_id={id}");
        }
        let target = event.metadata().target();
        let module = MODULES
            .iter()
            .find(|(_, path)| target.starts_with(path))
            .map_or("weirhouse", |(name, _)| name);
        push(level, module, text.finish());
    }
}

fn push(level: &'static str, module: &'static str, text: String) {
    let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let number = lines.next;
    lines.next += 1;
    if lines.kept.len() == MOST_LINES {
        lines.kept.pop_front();
    }
    lines.kept.push_back(Line {
        number,
        at: Timestamp::from_micros(now_us()),
        level,
        module,
        text,
    });
}

/// Microseconds since the Unix epoch; 0 where the clock is set before it.
fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_micros() as i64)
}

/// The message of an event, and its fields behind.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
    }
}

impl Text {
    fn finish(self) -> String {
        let mut text = self.message + &self.fields;
        if let Some((end, _)) = text.char_indices().nth(LONGEST_LINE) {
            text.truncate(end);
            text.push('…');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt as _;

    #[test]
    fn the_last_lines_are_kept_with_their_fields() {
        let before = since(0).next;
        tracing::subscriber::with_default(tracing_subscriber::registry().with(Keep), || {
            tracing::info!(target: "weirhouse::hub", version = "1.0", "connected");
            tracing::debug!("for developers");
            tracing::warn!(target: "elsewhere", "{}", "long ".repeat(1_000));
        });
        // Other tests may log meanwhile.
        let tail = since(before);
        let line = tail.lines.iter().find(|line| line.module == "hub").unwrap();
        assert_eq!(line.text, "connected version=1.0");
        assert_eq!(line.level, "info");
        let long = tail.lines.iter().find(|line| line.level == "warn").unwrap();
        assert_eq!(long.text.chars().count(), LONGEST_LINE + 1);
        assert!(
            tail.lines
                .iter()
                .all(|line| !line.text.contains("developers"))
        );
        for _ in 0..MOST_LINES {
            push("info", "test", String::new());
        }
        assert_eq!(since(0).lines.len(), MOST_LINES);
        assert!(since(since(0).next).lines.is_empty());
    }
}

//! The printed lines: answers and events.
//!
//! Every line is one JSON object whose keys stand in the order written here.

use std::io::{self, Write};

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use weirhouse_runner::Fault;

use super::micros::Micros;
use super::{Halt, ScenarioErrorKind};

/// What an operation answers.
pub(super) type Outcome = Result<Box<RawValue>, Problem>;

/// Why an operation gives no result.
#[derive(Debug)]
pub(super) enum Problem {
    /// Printed as an error; the run goes on.
    Refused { code: &'static str, message: String },
    /// Ends the run.
    Halt(Halt),
}

impl Problem {
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::Refused {
            code: "invalid-argument",
            message: message.into(),
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(_) => Self::Refused {
                code: fault.code(),
                message: fault.to_string(),
            },
            Fault::Trapped { .. } | Fault::Dead(_) => Self::Halt(fault.into()),
        }
    }
}

impl From<crate::store::StoreError> for Problem {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Refused {
            code: "store",
            message: error.to_string(),
        }
    }
}

impl From<Halt> for Problem {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        Self::optimizer(fault.to_string())
    }
}

/// Any result as JSON.
pub(super) fn answer(result: &impl Serialize) -> Outcome {
    to_raw_value(result).map_err(|error| {
        Problem::Halt(Halt {
            kind: ScenarioErrorKind::Io,
            message: format!("the answer cannot be written as JSON: {error}"),
        })
    })
}

/// `"ok"`
pub(super) fn ok() -> Outcome {
    answer(&"ok")
}

/// A float in its shortest form that reads back; whole ones as integers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number(pub(super) f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// Whole floats below are exact integers.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if self.0.fract() == 0.0 && self.0.abs() < EXACT {
            serializer.serialize_i64(self.0 as i64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

/// One printed line: the moment, one named content, perhaps another.
struct Line<'a, T, V> {
    at: Micros,
    name: &'a str,
    content: &'a T,
    values: Option<V>,
}

impl<T: Serialize, V: Serialize> Serialize for Line<'_, T, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("at", &self.at)?;
        map.serialize_entry(self.name, self.content)?;
        if let Some(values) = &self.values {
            map.serialize_entry("values", values)?;
        }
        map.end()
    }
}

#[derive(serde::Serialize)]
struct Error<'a> {
    code: &'a str,
    message: &'a str,
}

/// A publication that time caused.
#[derive(serde::Serialize)]
pub(super) struct Publication<'a> {
    pub(super) entity: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attribute: Option<&'a str>,
    pub(super) value: Option<&'a RawValue>,
    pub(super) reason: &'a str,
}

/// A delivery handed out to a sink.
#[derive(serde::Serialize)]
pub(super) struct Handed<'a> {
    pub(super) sink: &'a str,
    pub(super) number: u64,
    pub(super) attempt: u32,
    pub(super) entities: Vec<&'a str>,
}

/// Prints lines.
pub(super) struct Printer<'a> {
    output: &'a mut dyn Write,
    lines: u64,
}

impl<'a> Printer<'a> {
    pub(super) fn new(output: &'a mut dyn Write) -> Self {
        Self { output, lines: 0 }
    }

    /// How many lines were printed.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    pub(super) fn result(
        &mut self,
        at: Micros,
        op: &str,
        result: &impl Serialize,
    ) -> Result<(), Halt> {
        self.line(&Line {
            at,
            name: op,
            content: result,
            values: None::<()>,
        })
    }

    pub(super) fn error(&mut self, at: Micros, code: &str, message: &str) -> Result<(), Halt> {
        self.result(at, "error", &Error { code, message })
    }

    pub(super) fn publish(&mut self, at: Micros, event: &Publication<'_>) -> Result<(), Halt> {
        self.result(at, "publish", event)
    }

    /// A batch. `values` runs beside `entities`, null where one carries none,
    /// and is left out when none does.
    pub(super) fn flush(
        &mut self,
        at: Micros,
        entities: &[&str],
        values: &[Option<Box<RawValue>>],
    ) -> Result<(), Halt> {
        self.line(&Line {
            at,
            name: "flush",
            content: &entities,
            values: values.iter().any(Option::is_some).then_some(values),
        })
    }

    pub(super) fn refresh(&mut self, at: Micros, entity: &str) -> Result<(), Halt> {
        self.result(at, "refresh", &entity)
    }

    pub(super) fn deliver(&mut self, at: Micros, event: &Handed<'_>) -> Result<(), Halt> {
        self.result(at, "deliver", event)
    }

    /// A client of a stream that has something to take.
    pub(super) fn ready(&mut self, at: Micros, client: &str) -> Result<(), Halt> {
        self.result(at, "ready", &client)
    }

    /// Calls that run: a value, or several.
    pub(super) fn run(&mut self, at: Micros, values: &impl Serialize) -> Result<(), Halt> {
        self.result(at, "run", values)
    }

    fn line(&mut self, line: &impl Serialize) -> Result<(), Halt> {
        self.lines += 1;
        serde_json::to_writer(&mut *self.output, line)
            .map_err(io::Error::from)
            .and_then(|()| self.output.write_all(b"\n"))
            .map_err(|error| Halt::write(&error))
    }
}

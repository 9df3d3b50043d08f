//! Reading the fields of a table: each is named with what it takes, and what is
//! left over is unknown.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::document::{Node, Value};
use super::{Config, Fault, Origin};
use crate::quantity;

/// How alike a known name must be to be suggested, from 0 to 1.
const ALIKE: f64 = 0.75;

/// A table being read.
pub(super) struct Fields<'a> {
    file: &'a PathBuf,
    /// Where the table is, `api` or `rule[2]`; empty for the whole file.
    path: String,
    line: Option<usize>,
    entries: &'a BTreeMap<String, Node>,
    known: Vec<&'static str>,
    /// Where values that were found came from.
    origins: BTreeMap<String, Origin>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(
        file: &'a PathBuf,
        path: impl Into<String>,
        line: Option<usize>,
        entries: &'a BTreeMap<String, Node>,
    ) -> Self {
        Self {
            file,
            path: path.into(),
            line,
            entries,
            known: Vec::new(),
            origins: BTreeMap::new(),
        }
    }

    /// The value of a field, if it is there and `read` takes it; else a fault
    /// says what is accepted.
    pub(super) fn take<T>(
        &mut self,
        name: &'static str,
        faults: &mut Vec<Fault>,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<T> {
        self.known.push(name);
        let node = self.entries.get(name)?;
        let path = self.path_of(name);
        match read(&node.value) {
            Ok(value) => {
                self.note(name, node);
                Some(value)
            }
            Err(accepted) => {
                let given = node.value.shown();
                faults.push(self.fault(node.line, format!("`{path}` {accepted}, not {given}")));
                None
            }
        }
    }

    /// Notes where the value of a name came from, which may be one of a table within this one.
    pub(super) fn note(&mut self, name: &str, node: &Node) {
        let origin = Origin::File(self.file.clone(), node.line);
        self.origins.insert(self.path_of(name), origin);
    }

    /// Puts the value of a field in its place, if it is there and right.
    pub(super) fn set<T>(
        &mut self,
        name: &'static str,
        faults: &mut Vec<Fault>,
        target: &mut T,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) {
        if let Some(value) = self.take(name, faults, read) {
            *target = value;
        }
    }

    /// A table within this one.
    pub(super) fn table(
        &mut self,
        name: &'static str,
        faults: &mut Vec<Fault>,
    ) -> Option<Fields<'a>> {
        self.known.push(name);
        let node = self.entries.get(name)?;
        let path = self.path_of(name);
        if let Value::Table(entries) = &node.value {
            return Some(Fields::new(self.file, path, node.line, entries));
        }
        let given = node.value.shown();
        faults.push(self.fault(node.line, format!("`{path}` must be a table, not {given}")));
        None
    }

    /// A list of tables within this one; `None` where there is none.
    pub(super) fn tables(
        &mut self,
        name: &'static str,
        faults: &mut Vec<Fault>,
    ) -> Option<Vec<Fields<'a>>> {
        self.known.push(name);
        let node = self.entries.get(name)?;
        let Value::List(items) = &node.value else {
            let message = format!("`{name}` must be a list of tables: write [[{name}]]");
            faults.push(self.fault(node.line, message));
            return None;
        };
        let mut tables = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let path = format!("{}[{}]", self.path_of(name), index + 1);
            if let Value::Table(entries) = &item.value {
                tables.push(Fields::new(self.file, path, item.line, entries));
            } else {
                let given = item.value.shown();
                faults
                    .push(self.fault(item.line, format!("`{path}` must be a table, not {given}")));
            }
        }
        Some(tables)
    }

    /// Every field of a table whose names are not fixed.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'a str, &'a Node)> + use<'a> {
        self.entries
            .iter()
            .map(|(name, node)| (name.as_str(), node))
    }

    /// A file that is named here, if it is not named in full: in the folder of the file that names it, so that it is
    /// the same wherever the program was started.
    pub(super) fn beside(&self, path: &str) -> PathBuf {
        let beside = self.file.with_file_name(path);
        std::path::absolute(&beside).unwrap_or(beside)
    }

    /// A fault of a value that was taken.
    pub(super) fn wrong_value(&self, name: &str, message: impl std::fmt::Display) -> Fault {
        let line = self.entries.get(name).map_or(self.line, |node| node.line);
        self.fault(line, format!("`{}`: {message}", self.path_of(name)))
    }

    /// A fault of the whole table.
    pub(super) fn wrong(&self, message: &str) -> Fault {
        self.fault(self.line, format!("`{}` {message}", self.path))
    }

    /// Ends the reading: names what is unknown, and notes where the rest came
    /// from.
    pub(super) fn finish(mut self, config: &mut Config, faults: &mut Vec<Fault>) {
        for (name, node) in self.entries {
            if !self.known.contains(&name.as_str()) {
                let message = unknown(&self.path_of(name), name, &self.known);
                faults.push(self.fault(node.line, message));
            }
        }
        if let Some(line) = self.line.filter(|_| !self.path.is_empty()) {
            let origin = Origin::File(self.file.clone(), Some(line));
            self.origins.insert(self.path, origin);
        }
        config.origins.append(&mut self.origins);
    }

    /// Where the table is.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// A fault at a line of this file.
    pub(super) fn fault(&self, line: Option<usize>, message: String) -> Fault {
        Fault {
            file: self.file.clone(),
            line,
            message,
        }
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }
}

/// Says that a name is unknown, which are known, and which was perhaps meant.
fn unknown(path: &str, name: &str, known: &[&str]) -> String {
    let near = nearest(name, known)
        .map_or_else(String::new, |near| format!("; perhaps `{near}` is meant"));
    format!(
        "`{path}` is unknown{near}; accepted here: {}",
        known.join(", ")
    )
}

/// The known name that is most like this one, if any is much alike.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|known| (strsim::jaro_winkler(name, known), *known))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}

impl Value {
    /// How a wrong value is repeated to its writer.
    fn shown(&self) -> String {
        match self {
            Self::Text(text) if text.chars().count() > 60 => "that text".to_owned(),
            Self::Text(text) => format!("{text:?}"),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::List(_) => "a list".to_owned(),
            Self::Table(_) => "a table".to_owned(),
            Self::Other(what) => (*what).to_owned(),
        }
    }
}

/// Text.
pub(super) fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::Text(text) if !text.is_empty() => Ok(text.clone()),
        _ => Err("must be a text".to_owned()),
    }
}

/// One text or a list of them.
pub(super) fn texts(value: &Value) -> Result<Vec<String>, String> {
    let refused = |_| "must be a text or a list of texts".to_owned();
    match value {
        Value::List(items) => {
            let items = items.iter().map(|item| text(&item.value));
            items.collect::<Result<_, _>>().map_err(refused)
        }
        one => text(one).map(|text| vec![text]).map_err(refused),
    }
}

/// `true` or `false`.
pub(super) fn flag(value: &Value) -> Result<bool, String> {
    match value {
        Value::Flag(flag) => Ok(*flag),
        _ => Err("must be true or false".to_owned()),
    }
}

/// A whole number within bounds.
pub(super) fn whole<T: TryFrom<u64>>(from: u64, to: u64) -> impl Fn(&Value) -> Result<T, String> {
    move |value| {
        let number = match value {
            Value::Number(number) if number.fract() == 0.0 && *number >= 0.0 => *number as u64,
            _ => u64::MAX,
        };
        let within = (from..=to).contains(&number).then_some(number);
        within
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| format!("must be a whole number from {from} to {to}"))
    }
}

/// A threshold: a finite number, at least 0.
pub(super) fn threshold(value: &Value) -> Result<f64, String> {
    match value {
        Value::Number(number) if number.is_finite() && *number >= 0.0 => Ok(*number),
        _ => Err("must be a number of at least 0, such as 0.5".to_owned()),
    }
}

/// A share: a number, or a text with a percent sign.
pub(super) fn share(value: &Value) -> Result<f64, String> {
    let read = match value {
        Value::Text(text) => quantity::share(text).ok(),
        other => threshold(other).ok(),
    };
    read.ok_or_else(|| "must be a fraction such as 0.01, or a text such as \"1%\"".to_owned())
}

/// A finite number.
pub(super) fn number(value: &Value) -> Result<f64, String> {
    match value {
        Value::Number(number) if number.is_finite() => Ok(*number),
        _ => Err("must be a number".to_owned()),
    }
}

/// A list of numbers.
pub(super) fn numbers(value: &Value) -> Result<Vec<f64>, String> {
    let refused = "must be a list of numbers, such as [18, 24]";
    match value {
        Value::List(items) => {
            let items = items.iter().map(|item| number(&item.value));
            items
                .collect::<Result<_, _>>()
                .map_err(|_| refused.to_owned())
        }
        _ => Err(refused.to_owned()),
    }
}

/// A span of time, in microseconds.
pub(super) fn span_us(value: &Value) -> Result<i64, String> {
    span(value).map(|span| i64::try_from(span.as_micros()).unwrap_or(i64::MAX))
}

/// A number of bytes, or a text with a unit.
pub(super) fn bytes(value: &Value) -> Result<u64, String> {
    let read = match value {
        Value::Text(text) => quantity::bytes(text).ok(),
        other => whole(0, 1 << 50)(other).ok(),
    };
    read.ok_or_else(|| "must be a number of bytes, or a text such as \"16 MiB\"".to_owned())
}

/// A span of time in microseconds, or none at all.
pub(super) fn span_us_or_none(value: &Value) -> Result<i64, String> {
    match value {
        Value::Text(text) if text == "0s" => Ok(0),
        other => span_us(other).map_err(|accepted| format!("{accepted}, or \"0s\" for none")),
    }
}

/// A span of time.
pub(super) fn span(value: &Value) -> Result<Duration, String> {
    let read = match value {
        Value::Text(text) => quantity::span(text).ok(),
        _ => None,
    };
    read.ok_or_else(|| {
        "must be a span of time over zero with its unit, such as \"10s\" or \"15m\"".to_owned()
    })
}

/// One of some words.
pub(super) fn word<T: Copy>(words: &[(&str, T)]) -> impl Fn(&Value) -> Result<T, String> {
    move |value| {
        let found = match value {
            Value::Text(text) => words.iter().find(|(word, _)| word == text),
            _ => None,
        };
        found.map(|(_, meant)| *meant).ok_or_else(|| {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let near = match value {
                Value::Text(text) => nearest(text, &names),
                _ => None,
            };
            let near = near.map_or_else(String::new, |near| format!(" (perhaps \"{near}\")"));
            format!("must be one of {}{near}", quoted(&names))
        })
    }
}

fn quoted(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    quoted.join(", ")
}

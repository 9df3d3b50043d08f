//! A configuration file as a tree in which every value knows its line.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::Fault;

/// Longest file read, in bytes: any real one is far smaller.
const LONGEST_FILE: u64 = 1 << 20;

/// One file.
pub(super) struct Document {
    pub(super) path: PathBuf,
    pub(super) root: BTreeMap<String, Node>,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Counted from 1; unknown in JSON.
    pub(super) line: Option<usize>,
    pub(super) value: Value,
}

/// What TOML and JSON have in common.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Number(f64),
    Flag(bool),
    List(Vec<Node>),
    Table(BTreeMap<String, Node>),
    /// Something no setting takes; its name.
    Other(&'static str),
}

impl Document {
    pub(super) fn read(path: &Path) -> Result<Self, Fault> {
        let fault = |line, message| Fault {
            file: path.to_owned(),
            line,
            message,
        };
        let cannot = |error: std::io::Error| {
            fault(
                None,
                format!("it cannot be read: {error}; name a configuration file with --config"),
            )
        };
        let metadata = fs::metadata(path).map_err(cannot)?;
        if let Some(other) = other_than_file(metadata.file_type()) {
            let message = format!("it is {other}; put a file in its place, or remove it");
            return Err(fault(None, message));
        }
        let size = metadata.len();
        if size > LONGEST_FILE {
            let message = format!("it has {size} bytes, and at most {LONGEST_FILE} are read");
            return Err(fault(None, message));
        }
        let bytes = fs::read(path).map_err(cannot)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = valid.split(|byte| *byte == b'\n').count();
            fault(Some(line), "it is not UTF-8 text".to_owned())
        })?;
        let root = if path.extension().is_some_and(|it| it == "json") {
            json(&text).map_err(|(line, message)| fault(Some(line), message))?
        } else {
            toml(&text).map_err(|(line, message)| fault(line, message))?
        };
        Ok(Self {
            path: path.to_owned(),
            root,
        })
    }
}

/// What it is of what cannot be read as a file: a pipe would be waited for.
fn other_than_file(kind: fs::FileType) -> Option<&'static str> {
    if kind.is_dir() {
        Some("a folder")
    } else if kind.is_fifo() {
        Some("a pipe")
    } else if kind.is_socket() {
        Some("a socket")
    } else {
        None
    }
}

fn toml(text: &str) -> Result<BTreeMap<String, Node>, (Option<usize>, String)> {
    let lines = Lines::of(text);
    let parsed = DeTable::parse(text).map_err(|error| {
        let line = error.span().map(|span| lines.at(span.start));
        (line, error.message().to_owned())
    })?;
    Ok(table(parsed.get_ref(), &lines))
}

fn table(table: &DeTable<'_>, lines: &Lines) -> BTreeMap<String, Node> {
    table
        .iter()
        .map(|(key, value)| {
            let node = Node {
                line: Some(lines.at(key.span().start)),
                value: from_toml(value.get_ref(), lines),
            };
            (key.get_ref().to_string(), node)
        })
        .collect()
}

fn from_toml(value: &DeValue<'_>, lines: &Lines) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other("a number out of range"), |number| {
                Value::Number(number as f64)
            }),
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .map_or(Value::Other("a number out of range"), Value::Number),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| Node {
                    line: Some(lines.at(item.span().start)),
                    value: from_toml(item.get_ref(), lines),
                })
                .collect(),
        ),
        DeValue::Table(inner) => Value::Table(table(inner, lines)),
    }
}

fn json(text: &str) -> Result<BTreeMap<String, Node>, (usize, String)> {
    let parsed: serde_json::Value =
        serde_json::from_str(text).map_err(|error| (error.line(), error.to_string()))?;
    match from_json(parsed) {
        Some(Value::Table(root)) => Ok(root),
        _ => Err((1, "it is not a JSON object".to_owned())),
    }
}

/// `None` for null, which the Supervisor writes for what is not set.
fn from_json(value: serde_json::Value) -> Option<Value> {
    let node = |value| from_json(value).map(|value| Node { line: None, value });
    Some(match value {
        serde_json::Value::Null => return None,
        serde_json::Value::Bool(flag) => Value::Flag(flag),
        serde_json::Value::Number(number) => number
            .as_f64()
            .map_or(Value::Other("a number out of range"), Value::Number),
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Array(items) => {
            Value::List(items.into_iter().filter_map(node).collect())
        }
        serde_json::Value::Object(entries) => Value::Table(
            entries
                .into_iter()
                .filter_map(|(key, value)| Some((key, node(value)?)))
                .collect(),
        ),
    })
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self(breaks.map(|(at, _)| at + 1).collect())
    }

    /// The line of a byte, counted from 1.
    fn at(&self, byte: usize) -> usize {
        1 + self.0.partition_point(|start| *start <= byte)
    }
}

//! A plugin in a scenario.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;
use weirhouse_core::rule::{Combine, RuleSettings};

use super::{Harness, Timed};
use crate::Plugin;

/// What is wrong with a scenario.
#[derive(Debug)]
pub enum ScenarioError {
    /// It cannot be read.
    Read(PathBuf, std::io::Error),
    /// A line, and what is wrong with it.
    Malformed(PathBuf, usize, String),
}

impl std::fmt::Display for ScenarioError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Read(path, error) => write!(formatter, "cannot read {}: {error}", path.display()),
            Self::Malformed(path, line, message) => {
                write!(formatter, "{}:{line}: {message}", path.display())
            }
        }
    }
}

impl std::error::Error for ScenarioError {}

impl<P: Plugin> Harness<P> {
    /// Runs a file of `weirhouse scenario`, with the plugin asked about every
    /// state in it, whatever it claims, and gives the lines that come of it in
    /// the form of that command: what the plugin changes shows in a comparison
    /// of the two.
    ///
    /// It knows the lines that a plugin's advice has to do with: `configure`
    /// with `significance`, `rule`, `observe` of states, and `advance`; of the
    /// settings `absolute`, `percentage`, `mode`, `max_age` and `settle`.
    ///
    /// # Errors
    /// When the file cannot be read, or a line is none of these.
    ///
    /// # Panics
    /// As [`Harness::read`].
    pub fn scenario(&mut self, path: impl AsRef<Path>) -> Result<String, ScenarioError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ScenarioError::Read(path.to_owned(), error))?;
        let mut answers = String::new();
        for (number, line) in text.lines().enumerate() {
            self.line(line, &mut answers).map_err(|message| {
                ScenarioError::Malformed(path.to_owned(), number + 1, message)
            })?;
        }
        Ok(answers)
    }

    fn line(&mut self, line: &str, answers: &mut String) -> Result<(), String> {
        let mut line: BTreeMap<String, Box<RawValue>> = parsed(line)?;
        let at_ms: u64 = match line.remove("at") {
            None => 0,
            Some(at) => serde_json::from_str(at.get())
                .map_err(|_| "`at` must be whole milliseconds here")?,
        };
        for timed in self.pass(at_ms) {
            let known = self.known(&timed.entity_id);
            known.shown.clone_from(&known.written);
            answers.push_str(&published(&timed, &known.shown));
        }
        let Some((operation, arguments)) = line.pop_first().filter(|_| line.is_empty()) else {
            return Err("expected `at` and one operation".to_owned());
        };
        let arguments = arguments.get();
        let answer = match operation.as_str() {
            "configure" => self.configure(&parsed(arguments)?)?,
            "rule" => self.set_rule(&parsed(arguments)?)?,
            "observe" => self.observe(at_ms, &parsed(arguments)?),
            "advance" => OK.to_owned(),
            other => {
                return Err(format!(
                    "`{other}` has nothing to do with a plugin; there are `configure`, `rule`, `observe` and `advance`"
                ));
            }
        };
        let _ = writeln!(answers, "{{\"at\":{at_ms},\"{operation}\":{answer}}}");
        Ok(())
    }

    fn configure(&mut self, arguments: &Configure) -> Result<String, String> {
        if let Some(settings) = &arguments.significance {
            let rule = settings.rule();
            let set = self.optimizer.set_default_rule(&rule);
            set.map_err(|error| error.to_string())?;
            self.rule = rule;
        }
        Ok(OK.to_owned())
    }

    fn set_rule(&mut self, arguments: &Rule) -> Result<String, String> {
        let rule = Significance {
            absolute: arguments.absolute,
            percentage: arguments.percentage,
            mode: arguments.mode,
            max_age: arguments.max_age,
            settle: arguments.settle,
        }
        .rule();
        let known = self.known(&arguments.entity);
        known.tolerance = rule.absolute;
        let handle = known.handle;
        let set = self.optimizer.set_rule(&[handle], Some(&rule));
        set.map_err(|error| error.to_string())?;
        Ok(OK.to_owned())
    }

    fn observe(&mut self, at_ms: u64, arguments: &Observe) -> String {
        let Observe { entity, value } = arguments;
        let written = value.get();
        let state = match serde_json::from_str(written) {
            Ok(Json::String(text)) => text,
            // Space between the parts means nothing.
            Ok(structure @ (Json::Array(_) | Json::Object(_))) => structure.to_string(),
            _ => written.to_owned(),
        };
        let outcome = self.read(at_ms, entity, &state);
        let known = self.known(entity);
        written.clone_into(&mut known.written);
        let verdict = match outcome.published {
            // As it was written, unless it is another.
            Some(published) if published == state => {
                written.clone_into(&mut known.shown);
                "publish"
            }
            Some(published) => {
                known.shown = published;
                "publish"
            }
            None => "suppress",
        };
        let shown = if known.shown.is_empty() {
            "null"
        } else {
            &known.shown
        };
        let reason = outcome.reason;
        format!("{{\"verdict\":\"{verdict}\",\"reason\":\"{reason}\",\"published\":{shown}}}")
    }
}

const OK: &str = "\"ok\"";

/// What the plugin has to do with of `configure`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configure {
    significance: Option<Significance>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Significance {
    absolute: Option<f64>,
    percentage: Option<f64>,
    mode: Option<Mode>,
    max_age: Option<f64>,
    settle: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    entity: String,
    absolute: Option<f64>,
    percentage: Option<f64>,
    mode: Option<Mode>,
    max_age: Option<f64>,
    settle: Option<f64>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Mode {
    All,
    Any,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Observe {
    entity: String,
    value: Box<RawValue>,
}

impl Significance {
    fn rule(&self) -> RuleSettings {
        let us = |ms: f64| (ms * 1000.0) as i64;
        RuleSettings {
            absolute: self.absolute,
            percentage: self.percentage,
            combine: match self.mode {
                None | Some(Mode::All) => Combine::All,
                Some(Mode::Any) => Combine::Any,
            },
            max_age_us: self.max_age.map(us),
            settle_us: self.settle.map(us),
            ..RuleSettings::default()
        }
    }
}

fn parsed<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn published(timed: &Timed, value: &str) -> String {
    let entity = Json::from(&*timed.entity_id);
    format!(
        "{{\"at\":{},\"publish\":{{\"entity\":{entity},\"value\":{value},\"reason\":\"{}\"}}}}\n",
        timed.at_ms, timed.reason
    )
}

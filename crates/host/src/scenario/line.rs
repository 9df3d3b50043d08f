//! One line of a scenario, from text to an operation with its arguments.
//!
//! Everything that makes a line malformed is found here; whether the arguments
//! are in range is for the optimizer to say.

use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::arguments::{
    Ahead, AtMost, Clear, Configure, Counter, Delivered, Dirty, Entity, Event, Fail, Fulfil, Gauge,
    History, Invalidate, Key, Metric, Nothing, NothingThere, Observe, Put, Record, Register,
    Resize, RuleArguments, Sink, Undelivered, Unsink,
};
use super::context::{Offered, Wanted};
use super::flow_arguments::{
    Attempt, Begin, BreakerName, Call, Delays, End, Filter, Gate, Push, RetryWait, Take,
};
use super::learning::{Learning, Named, Readings};
use super::micros::Micros;
use super::planning::{Ask, Group, GroupName, Seen, Simulate};

/// When, and what.
#[derive(Debug)]
pub(super) struct Line {
    /// `None` only beside `configure`, which need not say it.
    pub(super) at: Option<Micros>,
    /// The name of the operation, which the answer repeats.
    pub(super) name: &'static str,
    pub(super) op: Op,
}

#[derive(Debug)]
pub(super) enum Op {
    Configure(Box<Configure>),
    Observe(Observe),
    Rule(Box<RuleArguments>),
    Reset(Entity),
    Put(Put),
    Get(Key),
    Delete(Key),
    Clear(Clear),
    Invalidate(Invalidate),
    Resize(Resize),
    CacheStats,
    Fetch(Key),
    Fulfil(Fulfil),
    Nothing(NothingThere),
    Fail(Fail),
    Ahead(Ahead),
    FetchStats,
    Event(Event),
    Restart,
    Dirty(Dirty),
    Drop(Entity),
    BatchStats,
    BatchPace,
    Sink(Sink),
    Unsink(Unsink),
    Delivered(Delivered),
    Undelivered(Undelivered),
    Sinks,
    Register(Register),
    Unregister(Entity),
    Group(Group),
    GroupStats(GroupName),
    Seen(Seen),
    Ask(Ask),
    Next(Entity),
    Simulate(Simulate),
    Record(Record),
    Metric(Metric),
    Counter(Counter),
    Gauge(Gauge),
    History(History),
    AtMost(AtMost),
    Summary,
    Slow,
    ResetMetrics,
    Line(Offered),
    Context(Wanted),
    Learning(Learning),
    Proposal(Named),
    Readings(Readings),
    Advance,
    Stop,
    /// What the wall clock reads from now on, counted from the zero of `at`.
    Wall(Micros),
    Call(Call),
    Push(Push),
    Pending,
    Take(Take),
    Filter(Filter),
    Attempt(Attempt),
    Begin(Begin),
    End(End),
    Breaker(BreakerName),
    ResetBreaker(BreakerName),
    Delays(Delays),
    Retry(RetryWait),
}

impl Line {
    /// Reads one line; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let Pairs(pairs) = serde_json::from_str(text).map_err(|error| problem(&error))?;
        let mut at = None;
        let mut op: Option<(String, Box<RawValue>)> = None;
        for (key, value) in pairs {
            if key == "at" {
                if at.replace(parse_at(&value)?).is_some() {
                    return Err("`at` stands twice".into());
                }
            } else if let Some((first, _)) = &op {
                return Err(format!(
                    "a line holds one operation, this one `{first}` and `{key}`"
                ));
            } else {
                op = Some((key, value));
            }
        }
        let (name, arguments) = op.ok_or("no operation beside `at`")?;
        let (name, op) = Op::parse(&name, &arguments)?;
        if at.is_none() && !matches!(op, Op::Configure(_)) {
            return Err(format!("`at` is missing beside `{name}`"));
        }
        Ok(Self { at, name, op })
    }
}

fn parse_at(value: &RawValue) -> Result<Micros, String> {
    match Micros::parse(value.get()) {
        Some(at) if (Micros(0)..=Micros::LATEST).contains(&at) => Ok(at),
        Some(_) => Err(format!(
            "`at` is {value}, outside 0 to {} ms",
            Micros::LATEST
        )),
        None => Err(format!("`at` is {value}, no number of milliseconds")),
    }
}

type Reader = fn(&RawValue) -> Result<Op, serde_json::Error>;

/// Every operation of the format, with how its arguments are read.
const OPERATIONS: &[(&str, Reader)] = &[
    ("configure", |args| {
        read(args, |a| Op::Configure(Box::new(a)))
    }),
    ("observe", |args| read(args, Op::Observe)),
    ("rule", |args| read(args, |a| Op::Rule(Box::new(a)))),
    ("reset", |args| read(args, Op::Reset)),
    ("put", |args| read(args, Op::Put)),
    ("get", |args| read(args, Op::Get)),
    ("delete", |args| read(args, Op::Delete)),
    ("clear", |args| read(args, Op::Clear)),
    ("invalidate", |args| read(args, Op::Invalidate)),
    ("resize", |args| read(args, Op::Resize)),
    ("cache_stats", |args| {
        read(args, |Nothing {}| Op::CacheStats)
    }),
    ("fetch", |args| read(args, Op::Fetch)),
    ("fulfil", |args| read(args, Op::Fulfil)),
    ("nothing", |args| read(args, Op::Nothing)),
    ("fail", |args| read(args, Op::Fail)),
    ("ahead", |args| read(args, Op::Ahead)),
    ("fetch_stats", |args| {
        read(args, |Nothing {}| Op::FetchStats)
    }),
    ("event", |args| read(args, Op::Event)),
    ("restart", |args| read(args, |Nothing {}| Op::Restart)),
    ("dirty", |args| read(args, Op::Dirty)),
    ("drop", |args| read(args, Op::Drop)),
    ("batch_stats", |args| {
        read(args, |Nothing {}| Op::BatchStats)
    }),
    ("batch_pace", |args| read(args, |Nothing {}| Op::BatchPace)),
    ("sink", |args| read(args, Op::Sink)),
    ("unsink", |args| read(args, Op::Unsink)),
    ("delivered", |args| read(args, Op::Delivered)),
    ("undelivered", |args| read(args, Op::Undelivered)),
    ("sinks", |args| read(args, |Nothing {}| Op::Sinks)),
    ("register", |args| read(args, Op::Register)),
    ("unregister", |args| read(args, Op::Unregister)),
    ("group", |args| read(args, Op::Group)),
    ("group_stats", |args| read(args, Op::GroupStats)),
    ("seen", |args| read(args, Op::Seen)),
    ("ask", |args| read(args, Op::Ask)),
    ("next", |args| read(args, Op::Next)),
    ("simulate", |args| read(args, Op::Simulate)),
    ("record", |args| read(args, Op::Record)),
    ("metric", |args| read(args, Op::Metric)),
    ("counter", |args| read(args, Op::Counter)),
    ("gauge", |args| read(args, Op::Gauge)),
    ("history", |args| read(args, Op::History)),
    ("at_most", |args| read(args, Op::AtMost)),
    ("summary", |args| read(args, |Nothing {}| Op::Summary)),
    ("slow", |args| read(args, |Nothing {}| Op::Slow)),
    ("reset_metrics", |args| {
        read(args, |Nothing {}| Op::ResetMetrics)
    }),
    ("line", |args| read(args, Op::Line)),
    ("context", |args| read(args, Op::Context)),
    ("learning", |args| read(args, Op::Learning)),
    ("proposal", |args| read(args, Op::Proposal)),
    ("readings", |args| read(args, Op::Readings)),
    ("advance", |args| read(args, |Nothing {}| Op::Advance)),
    ("stop", |args| read(args, |Nothing {}| Op::Stop)),
    ("wall", |args| read(args, Op::Wall)),
    ("call", |args| read(args, Op::Call)),
    ("push", |args| read(args, Op::Push)),
    ("pending", |args| read(args, |Nothing {}| Op::Pending)),
    ("take", |args| read(args, Op::Take)),
    ("filter", |args| read(args, Op::Filter)),
    ("attempt", |args| read(args, Op::Attempt)),
    ("begin", |args| read(args, Op::Begin)),
    ("end", |args| read(args, Op::End)),
    ("breaker", |args| read(args, Op::Breaker)),
    ("reset_breaker", |args| read(args, Op::ResetBreaker)),
    ("delays", |args| read(args, Op::Delays)),
    ("retry", |args| read(args, Op::Retry)),
];

fn read<T: DeserializeOwned>(
    arguments: &RawValue,
    op: impl FnOnce(T) -> Op,
) -> Result<Op, serde_json::Error> {
    serde_json::from_str(arguments.get()).map(op)
}

impl Op {
    fn parse(name: &str, arguments: &RawValue) -> Result<(&'static str, Self), String> {
        let Some((name, reader)) = OPERATIONS.iter().find(|(known, _)| *known == name) else {
            return Err(format!(
                "unknown operation `{name}`; the nearest is `{}`",
                nearest(name)
            ));
        };
        let op = reader(arguments).map_err(|error| format!("`{name}`: {}", reason(&error)))?;
        op.check()
            .map_err(|message| format!("`{name}`: {message}"))?;
        Ok((name, op))
    }

    /// What the types of the arguments cannot say.
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Configure(arguments) => match &arguments.significance {
                Some(rule) if rule.entity.is_some() || rule.attribute.is_some() => {
                    Err("`significance` is the rule of all entities; use `rule` for one")
                }
                _ => arguments.gate.as_ref().map_or(Ok(()), Gate::check),
            },
            Self::Rule(arguments) if arguments.entity.is_none() => Err("missing field `entity`"),
            Self::Register(arguments) => arguments.check(),
            _ => Ok(()),
        }
    }
}

fn nearest(name: &str) -> &'static str {
    let distance = |known: &&str| strsim::damerau_levenshtein(known, name);
    OPERATIONS
        .iter()
        .map(|(known, _)| *known)
        .min_by_key(distance)
        .unwrap_or_default()
}

/// The members of an object in their order, repeated ones included.
struct Pairs(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// A JSON error of a whole line, with its column.
fn problem(error: &serde_json::Error) -> String {
    format!("{} at column {}", reason(error), error.column())
}

/// A JSON error without its position, which serde counts within one line.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((reason, _)) => reason.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said() {
        for (line, said) in [
            ("", "EOF"),
            ("[1]", "expected an object"),
            (
                r#"{"at":1,"get":{"key":"a"}"#,
                "EOF while parsing an object at column 25",
            ),
            (r#"{"get":{"key":"a"}}"#, "`at` is missing beside `get`"),
            (r#"{"at":1}"#, "no operation"),
            (r#"{"at":1,"at":1,"get":{"key":"a"}}"#, "`at` stands twice"),
            (
                r#"{"at":"1","get":{"key":"a"}}"#,
                "no number of milliseconds",
            ),
            (r#"{"at":-1,"get":{"key":"a"}}"#, "outside 0 to"),
            (r#"{"at":1e300,"advance":{}}"#, "outside 0 to"),
            (
                r#"{"at":1,"get":{"key":"a"},"put":{}}"#,
                "one operation, this one `get` and `put`",
            ),
            (
                r#"{"at":1,"gte":{"key":"a"}}"#,
                "unknown operation `gte`; the nearest is `get`",
            ),
            (r#"{"at":1,"unregistr":{}}"#, "the nearest is `unregister`"),
            (
                r#"{"at":1,"get":{"key":1}}"#,
                "`get`: invalid type: integer `1`, expected a string",
            ),
            (r#"{"at":1,"get":{}}"#, "`get`: missing field `key`"),
            (
                r#"{"at":1,"get":{"key":"a","x":1}}"#,
                "`get`: unknown field `x`",
            ),
            (r#"{"at":1,"advance":null}"#, "`advance`: invalid type"),
            (r#"{"at":1,"call":3}"#, "`call`: invalid type"),
            (
                r#"{"at":1,"rule":{"absolute":1}}"#,
                "`rule`: missing field `entity`",
            ),
            (r#"{"at":1,"register":{"entity":"a"}}"#, "either `interval`"),
            (
                r#"{"at":1,"register":{"entity":"a","interval":1,"class":"gps"}}"#,
                "either `interval`",
            ),
            (
                r#"{"configure":{"significance":{"entity":"a"}}}"#,
                "use `rule` for one",
            ),
            (
                r#"{"configure":{"gate":{"kind":"throttle","wait":1}}}"#,
                "a throttle takes `rate` alone",
            ),
            (
                r#"{"configure":{"gate":{"kind":"debounce"}}}"#,
                "a debounce takes `wait`",
            ),
            (
                r#"{"configure":{"gate":{"kind":"batch","wait":1}}}"#,
                "a batch takes `size` and `wait`",
            ),
            (
                r#"{"configure":{"gate":{"kind":"throttle","rate":"fast"}}}"#,
                "expected a number",
            ),
        ] {
            let error = Line::parse(line).unwrap_err();
            assert!(error.contains(said), "{line}: {error}");
        }
    }

    #[test]
    fn every_operation_is_found_by_its_own_name() {
        for (name, _) in OPERATIONS {
            assert_eq!(nearest(name), *name);
        }
    }
}

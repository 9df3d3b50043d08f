//! Every operation of the format: its name, how its arguments are read, and
//! what it does to a session.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::arguments::{
    AtMost, Configure, Counter, Delivered, Dirty, Entity, Gauge, History, Metric, Nothing, Observe,
    Record, Register, RuleArguments, Sink, Undelivered, Unsink,
};
use super::cache_arguments::{
    Ahead, Clear, Event, Fail, Fulfil, Invalidate, Key, NothingThere, Put, Resize,
};
use super::context::{Offered, Wanted};
use super::flow_arguments::{
    Attempt, Begin, BreakerName, Call, Delays, End, Filter, Gate, Push, RetryWait, Take,
};
use super::learning::{Learning, Named, Readings};
use super::line::reason;
use super::micros::Micros;
use super::output::{Outcome, ok};
use super::planning::{Ask, Group, GroupName, Seen, Simulate};
use super::session::Session;
use super::shaping;

use Kind::{Act, Clock, Look, Setting};

/// What a line may do where others may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Acts, and may stand without `at`.
    Setting,
    /// Sets the wall clock; its `at` may fall.
    Clock,
    /// Refused after `stop`.
    Act,
    /// Only asks, or starts anew: allowed after `stop`, too.
    Look,
}

/// What a line does, with its arguments.
pub(super) type Deed = Box<dyn FnOnce(&mut Session<'_>) -> Outcome>;

/// Reads arguments; the error says what is wrong with them.
type Reader = fn(&RawValue) -> Result<Deed, String>;

const OPERATIONS: &[(&str, Kind, Reader)] = &[
    ("configure", Setting, |args| {
        checked(args, check_configure, |session, arguments| {
            session.configure(&arguments)
        })
    }),
    ("observe", Act, |args| {
        given(args, |session, arguments: Observe| {
            session.observe(arguments)
        })
    }),
    ("rule", Act, |args| {
        checked(args, check_rule, |session, arguments| {
            session.rule(arguments)
        })
    }),
    ("reset", Act, |args| {
        given(args, |session, arguments: Entity| session.reset(&arguments))
    }),
    ("put", Act, |args| {
        given(args, |session, arguments: Put| session.put(&arguments))
    }),
    ("get", Look, |args| {
        given(args, |session, arguments: Key| session.get(&arguments))
    }),
    ("delete", Act, |args| {
        given(args, |session, arguments: Key| session.delete(&arguments))
    }),
    ("clear", Act, |args| {
        given(args, |session, arguments: Clear| session.clear(&arguments))
    }),
    ("invalidate", Act, |args| {
        given(args, |session, arguments: Invalidate| {
            session.invalidate(&arguments)
        })
    }),
    ("resize", Act, |args| {
        given(args, |session, arguments: Resize| {
            session.resize(&arguments)
        })
    }),
    ("cache_stats", Look, |args| {
        given(args, |session, Nothing {}| session.cache_stats())
    }),
    ("fetch", Act, |args| {
        given(args, |session, arguments: Key| session.fetch(&arguments))
    }),
    ("fulfil", Act, |args| {
        given(args, |session, arguments: Fulfil| {
            session.fulfil(&arguments)
        })
    }),
    ("nothing", Act, |args| {
        given(args, |session, arguments: NothingThere| {
            session.nothing(&arguments)
        })
    }),
    ("fail", Act, |args| {
        given(args, |session, arguments: Fail| session.fail(&arguments))
    }),
    ("ahead", Act, |args| {
        given(args, |session, arguments: Ahead| session.ahead(&arguments))
    }),
    ("fetch_stats", Look, |args| {
        given(args, |session, Nothing {}| session.fetch_stats())
    }),
    ("event", Act, |args| {
        given(args, |session, arguments: Event| session.event(&arguments))
    }),
    ("restart", Look, |args| {
        given(args, |session, Nothing {}| session.restart())
    }),
    ("dirty", Act, |args| {
        given(args, |session, arguments: Dirty| session.dirty(arguments))
    }),
    ("drop", Act, |args| {
        given(args, |session, arguments: Entity| session.drop(&arguments))
    }),
    ("batch_stats", Look, |args| {
        given(args, |session, Nothing {}| session.batch_stats())
    }),
    ("batch_pace", Look, |args| {
        given(args, |session, Nothing {}| session.batch_pace())
    }),
    ("sink", Act, |args| {
        given(args, |session, arguments: Sink| session.sink(&arguments))
    }),
    ("unsink", Act, |args| {
        given(args, |session, arguments: Unsink| {
            session.unsink(&arguments)
        })
    }),
    ("delivered", Act, |args| {
        given(args, |session, arguments: Delivered| {
            session.delivered(&arguments)
        })
    }),
    ("undelivered", Act, |args| {
        given(args, |session, arguments: Undelivered| {
            session.undelivered(&arguments)
        })
    }),
    ("sinks", Look, |args| {
        given(args, |session, Nothing {}| session.sinks())
    }),
    ("register", Act, |args| {
        checked(args, Register::check, |session, arguments| {
            session.register(&arguments)
        })
    }),
    ("unregister", Act, |args| {
        given(args, |session, arguments: Entity| {
            session.unregister(&arguments)
        })
    }),
    ("group", Act, |args| {
        given(args, |session, arguments: Group| session.group(arguments))
    }),
    ("group_stats", Look, |args| {
        given(args, |session, arguments: GroupName| {
            session.group_stats(&arguments)
        })
    }),
    ("seen", Act, |args| {
        given(args, |session, arguments: Seen| session.seen(&arguments))
    }),
    ("ask", Act, |args| {
        given(args, |session, arguments: Ask| session.ask(&arguments))
    }),
    ("next", Look, |args| {
        given(args, |session, arguments: Entity| session.next(&arguments))
    }),
    ("simulate", Look, |args| {
        given(args, |session, arguments: Simulate| {
            session.simulate(arguments)
        })
    }),
    ("record", Act, |args| {
        given(args, |session, arguments: Record| {
            session.record(&arguments)
        })
    }),
    ("metric", Look, |args| {
        given(args, |session, arguments: Metric| {
            session.metric(&arguments)
        })
    }),
    ("counter", Act, |args| {
        given(args, |session, arguments: Counter| {
            session.counter(&arguments)
        })
    }),
    ("gauge", Act, |args| {
        given(args, |session, arguments: Gauge| session.gauge(&arguments))
    }),
    ("history", Look, |args| {
        given(args, |session, arguments: History| {
            session.history(&arguments)
        })
    }),
    ("at_most", Look, |args| {
        given(args, |session, arguments: AtMost| {
            session.at_most(&arguments)
        })
    }),
    ("summary", Look, |args| {
        given(args, |session, Nothing {}| session.summary())
    }),
    ("slow", Look, |args| {
        given(args, |session, Nothing {}| session.slow())
    }),
    ("reset_metrics", Act, |args| {
        given(args, |session, Nothing {}| session.reset_metrics())
    }),
    ("line", Act, |args| {
        given(args, |session, arguments: Offered| session.line(&arguments))
    }),
    ("context", Look, |args| {
        given(args, |session, arguments: Wanted| {
            session.context(&arguments)
        })
    }),
    ("client", Act, |args| {
        given(args, |session, arguments: shaping::Opened| {
            session.client(&arguments)
        })
    }),
    ("close_client", Act, |args| {
        given(args, |session, arguments: shaping::Named| {
            session.close_client(&arguments)
        })
    }),
    ("follow", Act, |args| {
        given(args, |session, arguments: shaping::Rows| {
            session.follow(&arguments)
        })
    }),
    ("unfollow", Act, |args| {
        given(args, |session, arguments: shaping::Rows| {
            session.unfollow(&arguments)
        })
    }),
    ("row", Act, |args| {
        given(args, |session, arguments: shaping::Row| {
            session.row(&arguments)
        })
    }),
    ("gone", Act, |args| {
        given(args, |session, arguments: shaping::Gone| {
            session.gone(&arguments)
        })
    }),
    ("mark", Act, |args| {
        given(args, |session, arguments: shaping::Rows| {
            session.mark(&arguments)
        })
    }),
    ("synchronized", Act, |args| {
        given(args, |session, arguments: shaping::Named| {
            session.synchronized(&arguments)
        })
    }),
    ("given", Act, |args| {
        given(args, |session, arguments: shaping::Wanted| {
            session.given(&arguments)
        })
    }),
    ("client_stats", Look, |args| {
        given(args, |session, arguments: shaping::Named| {
            session.client_stats(&arguments)
        })
    }),
    ("learning", Act, |args| {
        given(args, |session, arguments: Learning| {
            session.learning(&arguments)
        })
    }),
    ("proposal", Look, |args| {
        given(args, |session, arguments: Named| {
            session.proposal(&arguments)
        })
    }),
    ("readings", Act, |args| {
        given(args, |session, arguments: Readings| {
            session.readings(&arguments)
        })
    }),
    ("advance", Look, |args| given(args, |_, Nothing {}| ok())),
    ("stop", Look, |args| {
        given(args, |session, Nothing {}| session.stop())
    }),
    ("wall", Clock, |args| {
        given(args, |session, reading: Micros| session.set_wall(reading))
    }),
    ("call", Act, |args| {
        given(args, |session, arguments: Call| session.call(arguments))
    }),
    ("push", Act, |args| {
        given(args, |session, arguments: Push| session.push(arguments))
    }),
    ("pending", Look, |args| {
        given(args, |session, Nothing {}| session.pending())
    }),
    ("take", Act, |args| {
        given(args, |session, arguments: Take| session.take(&arguments))
    }),
    ("filter", Look, |args| {
        given(args, |session, arguments: Filter| session.filter(arguments))
    }),
    ("attempt", Act, |args| {
        given(args, |session, arguments: Attempt| {
            session.attempt(&arguments)
        })
    }),
    ("begin", Act, |args| {
        given(args, |session, arguments: Begin| session.begin(arguments))
    }),
    ("end", Act, |args| {
        given(args, |session, arguments: End| session.end(&arguments))
    }),
    ("breaker", Look, |args| {
        given(args, |session, arguments: BreakerName| {
            session.breaker_status(&arguments)
        })
    }),
    ("reset_breaker", Act, |args| {
        given(args, |session, arguments: BreakerName| {
            session.reset_breaker(&arguments)
        })
    }),
    ("delays", Look, |args| {
        given(args, |session, arguments: Delays| {
            session.delays(&arguments)
        })
    }),
    ("retry", Look, |args| {
        given(args, |session, arguments: RetryWait| {
            session.retry(&arguments)
        })
    }),
];

/// An operation that was found and whose arguments were read.
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) deed: Deed,
}

impl Operation {
    pub(super) fn parse(name: &str, arguments: &RawValue) -> Result<Self, String> {
        let known = OPERATIONS.iter().find(|(known, ..)| *known == name);
        let Some(&(name, kind, read)) = known else {
            return Err(format!(
                "unknown operation `{name}`; the nearest is `{}`",
                nearest(name)
            ));
        };
        let deed = read(arguments).map_err(|message| format!("`{name}`: {message}"))?;
        Ok(Self { name, kind, deed })
    }
}

/// An operation whose arguments need no more than their types.
fn given<T: DeserializeOwned + 'static>(
    arguments: &RawValue,
    perform: fn(&mut Session<'_>, T) -> Outcome,
) -> Result<Deed, String> {
    checked(arguments, |_| Ok(()), perform)
}

/// An operation with `check` for what the types of its arguments cannot say.
fn checked<T: DeserializeOwned + 'static>(
    arguments: &RawValue,
    check: fn(&T) -> Result<(), &'static str>,
    perform: fn(&mut Session<'_>, T) -> Outcome,
) -> Result<Deed, String> {
    let arguments: T = serde_json::from_str(arguments.get()).map_err(|error| reason(&error))?;
    check(&arguments)?;
    Ok(Box::new(move |session| perform(session, arguments)))
}

fn check_configure(arguments: &Configure) -> Result<(), &'static str> {
    match &arguments.significance {
        Some(rule) if rule.entity.is_some() || rule.attribute.is_some() => {
            Err("`significance` is the rule of all entities; use `rule` for one")
        }
        _ => arguments.gate.as_ref().map_or(Ok(()), Gate::check),
    }
}

fn check_rule(arguments: &RuleArguments) -> Result<(), &'static str> {
    match arguments.entity {
        Some(_) => Ok(()),
        None => Err("missing field `entity`"),
    }
}

fn nearest(name: &str) -> &'static str {
    let distance = |known: &&str| strsim::damerau_levenshtein(known, name);
    OPERATIONS
        .iter()
        .map(|(known, ..)| *known)
        .min_by_key(distance)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_found_by_its_own_name() {
        for (name, ..) in OPERATIONS {
            assert_eq!(nearest(name), *name);
        }
    }
}

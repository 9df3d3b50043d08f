//! Clients of a stream, and the rows they are given.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use weirhouse_runner::wit::shaping::{Profile, Scope, Significance};

use super::Halt;
use super::context::{Numbers, digest};
use super::micros::Micros;
use super::output::{Outcome, Problem, answer, ok};
use super::session::Session;
use super::settings::whole;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Opened {
    name: String,
    interval: Option<Micros>,
    absolute: Option<f64>,
    percentage: Option<f64>,
    #[serde(default = "yes")]
    attributes: bool,
    max_stale: Option<Micros>,
    capacity: Option<i64>,
    /// Every row without.
    entities: Option<Vec<String>>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    client: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rows {
    client: String,
    entities: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    entity: String,
    value: Box<RawValue>,
    #[serde(default)]
    attributes: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gone {
    entity: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    client: String,
    most: Option<i64>,
}

/// What makes rows ready answers.
#[derive(Serialize)]
struct Ready<'a> {
    ready: Vec<&'a str>,
}

#[derive(Serialize)]
struct Given<'a> {
    entity: &'a str,
    changes: u32,
}

/// What `given` answers.
#[derive(Serialize)]
struct Taken<'a> {
    given: Vec<Given<'a>>,
    dropped: u32,
    left: u32,
    waiting: u32,
}

/// What `client_stats` answers.
#[derive(Serialize)]
struct Totals {
    offered: u64,
    suppressed: u64,
    merged: u64,
    dropped: u64,
    withdrawn: u64,
    given: u64,
    waiting: u64,
}

/// Names of clients and of rows.
#[derive(Debug, Default)]
pub(super) struct Shaped {
    clients: BTreeMap<String, u32>,
    rows: Numbers,
}

impl Shaped {
    fn client(&self, name: &str) -> Result<u32, Problem> {
        let known = self.clients.get(name).copied();
        known.ok_or_else(|| Problem::invalid(format!("no client is called \"{name}\"")))
    }

    fn numbers(&mut self, entities: &[String]) -> Vec<u32> {
        entities.iter().map(|entity| self.rows.of(entity)).collect()
    }

    fn ready(&self, clients: &[u32]) -> Vec<&str> {
        let name = |number: &u32| {
            let mut known = self.clients.iter();
            known.find(|(_, known)| *known == number)
        };
        let found = clients.iter().filter_map(name);
        found.map(|(name, _)| name.as_str()).collect()
    }
}

impl Session<'_> {
    pub(super) fn client(&mut self, opened: &Opened) -> Outcome {
        if self.shaped.clients.contains_key(&opened.name) {
            return Err(Problem::invalid(format!(
                "client \"{}\" is open already",
                opened.name
            )));
        }
        let significance = match (opened.absolute, opened.percentage) {
            (None, None) => Significance::Any,
            (Some(least), None) => Significance::Absolute(least),
            (None, Some(fraction)) => Significance::Percentage(fraction),
            (Some(_), Some(_)) => {
                return Err(Problem::invalid(
                    "give `absolute` or `percentage`, not both",
                ));
            }
        };
        let capacity = opened.capacity;
        let profile = Profile {
            interval: opened.interval.map_or(0, |Micros(us)| us),
            significance,
            attributes: opened.attributes,
            max_stale: opened.max_stale.map(|Micros(us)| us),
            capacity: capacity.map_or(Ok(20_000), |most| whole("capacity", most))?,
        };
        let scope = match opened.entities {
            Some(_) => Scope::Listed,
            None => Scope::All,
        };
        let client = self.optimizer.shaping_open(profile, scope)?;
        if let Some(entities) = &opened.entities {
            let rows = self.shaped.numbers(entities);
            self.optimizer.shaping_follow(client, &rows)?;
        }
        self.shaped.clients.insert(opened.name.clone(), client);
        ok()
    }

    pub(super) fn close_client(&mut self, named: &Named) -> Outcome {
        let client = self.shaped.client(&named.client)?;
        self.optimizer.shaping_close(client)?;
        self.shaped.clients.remove(&named.client);
        ok()
    }

    pub(super) fn follow(&mut self, wanted: &Rows) -> Outcome {
        let client = self.shaped.client(&wanted.client)?;
        let rows = self.shaped.numbers(&wanted.entities);
        self.optimizer.shaping_follow(client, &rows)?;
        ok()
    }

    pub(super) fn unfollow(&mut self, wanted: &Rows) -> Outcome {
        let now = self.now();
        let client = self.shaped.client(&wanted.client)?;
        let rows = self.shaped.numbers(&wanted.entities);
        self.optimizer.shaping_unfollow(now, client, &rows)?;
        let ready = self.optimizer.shaping_poll_ready()?;
        self.answer_ready(&ready)
    }

    pub(super) fn row(&mut self, row: &Row) -> Outcome {
        let now = self.now();
        let number = self.shaped.rows.of(&row.entity);
        let text = row.value.get().trim_matches('"');
        let ready = self.optimizer.shaping_offer(
            now,
            &[number],
            &[text.parse().unwrap_or(f64::NAN)],
            &[digest(text)],
            &[digest(&row.attributes)],
        )?;
        self.answer_ready(&ready)
    }

    pub(super) fn gone(&mut self, gone: &Gone) -> Outcome {
        let now = self.now();
        let number = self.shaped.rows.of(&gone.entity);
        let ready = self.optimizer.shaping_remove(now, &[number])?;
        self.answer_ready(&ready)
    }

    pub(super) fn mark(&mut self, wanted: &Rows) -> Outcome {
        let now = self.now();
        let client = self.shaped.client(&wanted.client)?;
        let rows = self.shaped.numbers(&wanted.entities);
        self.optimizer.shaping_mark(now, client, &rows)?;
        let ready = self.optimizer.shaping_poll_ready()?;
        self.answer_ready(&ready)
    }

    pub(super) fn synchronized(&mut self, named: &Named) -> Outcome {
        let client = self.shaped.client(&named.client)?;
        self.optimizer.shaping_mark_synchronized(client)?;
        ok()
    }

    pub(super) fn given(&mut self, wanted: &Wanted) -> Outcome {
        let now = self.now();
        let client = self.shaped.client(&wanted.client)?;
        let most = wanted
            .most
            .map_or(Ok(u32::MAX), |most| whole("most", most))?;
        let taken = self.optimizer.shaping_take(now, client, most)?;
        let given = taken.rows.iter().zip(taken.changes);
        answer(&Taken {
            given: given
                .map(|(&row, changes)| Given {
                    entity: self.shaped.rows.name(row),
                    changes,
                })
                .collect(),
            dropped: taken.dropped,
            left: taken.left,
            waiting: taken.waiting,
        })
    }

    pub(super) fn client_stats(&mut self, named: &Named) -> Outcome {
        let client = self.shaped.client(&named.client)?;
        let totals = self.optimizer.shaping_client_totals(client)?;
        answer(&Totals {
            offered: totals.offered,
            suppressed: totals.suppressed,
            merged: totals.merged,
            dropped: totals.dropped,
            withdrawn: totals.withdrawn,
            given: totals.given,
            waiting: totals.waiting,
        })
    }

    /// Prints clients for which time has made rows ready.
    pub(super) fn print_ready(&mut self) -> Result<(), Halt> {
        let at = self.moment();
        let ready = self.optimizer.shaping_poll_ready()?;
        for client in self.shaped.ready(&ready) {
            self.printer.ready(at, client)?;
        }
        Ok(())
    }

    fn answer_ready(&self, ready: &[u32]) -> Outcome {
        answer(&Ready {
            ready: self.shaped.ready(ready),
        })
    }
}

//! Fetching what the cache has not: asking, and saying what came of a fetch.
//!
//! Leases are numbered in the order in which the scenario meets them, from 1.

use serde::Serialize;
use serde_json::value::RawValue;
use weirhouse_runner::wit::cache::Options;
use weirhouse_runner::wit::fetch::{Answer, Fulfilled, Lease, RescueFrom, Resumed};

use super::cache_arguments::{Ahead, Event, Fail, Fulfil, Key, NothingThere};
use super::caching::{MEDIA_TYPE, Miss, hit, json};
use super::micros::Micros;
use super::output::{Outcome, Problem, answer, ok};
use super::session::Session;
use super::settings::whole;

#[derive(Serialize)]
struct Stale<'a> {
    #[serde(rename = "stale")]
    value: &'a RawValue,
    #[serde(rename = "for")]
    past: Micros,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease: Option<usize>,
}

#[derive(Serialize)]
struct Nothing {
    nothing: Micros,
}

#[derive(Serialize)]
struct Leased {
    lease: usize,
}

#[derive(Serialize)]
struct Wait {
    wait: Micros,
}

#[derive(Serialize)]
struct Due<'a> {
    key: &'a str,
    ns: &'a str,
    lease: usize,
}

#[derive(Serialize)]
struct Statistics {
    stale: u64,
    nothing: u64,
    leases: u64,
    coalesced: u64,
    fulfilled: u64,
    failed: u64,
    rescued: u64,
    lapsed: u64,
    superseded: u64,
    ahead: u64,
}

impl Session<'_> {
    pub(super) fn fetch(&mut self, arguments: &Key) -> Outcome {
        let Key { key, ns } = arguments;
        let now = self.now();
        match self.optimizer.fetch_ask(now, ns, key)? {
            Answer::Fresh(entry) => hit("l1", entry.value),
            Answer::Stale((entry, lease)) => self.stale(entry.value, entry.stale_for, lease),
            Answer::Nothing(remaining) => answer(&Nothing {
                nothing: Micros(remaining),
            }),
            Answer::Fetch(lease) => self.leased(lease),
            Answer::Wait(at_most) => answer(&Wait {
                wait: Micros(at_most),
            }),
            Answer::Below => self.resume(key, ns),
        }
    }

    fn resume(&mut self, key: &str, ns: &str) -> Outcome {
        let now = self.now();
        let found = self.stored(ns, key)?;
        let resumed = self.optimizer.fetch_resume(now, ns, key, found.as_ref())?;
        let value = found.map(|found| found.value).unwrap_or_default();
        match resumed {
            Resumed::Fresh(_) => hit("l2", value),
            Resumed::Stale((stale_for, lease)) => self.stale(value, stale_for, lease),
            Resumed::Fetch(lease) => self.leased(lease),
            Resumed::Wait(at_most) => answer(&Wait {
                wait: Micros(at_most),
            }),
            // Nothing happens between the two calls here.
            Resumed::Again => Err(Problem::invalid("the optimizer was told meanwhile")),
        }
    }

    fn stale(&mut self, value: Vec<u8>, stale_for: i64, lease: Option<Lease>) -> Outcome {
        let lease = lease.map(|lease| self.number(lease));
        answer(&Stale {
            value: &json(value)?,
            past: Micros(stale_for),
            lease,
        })
    }

    fn leased(&mut self, lease: Lease) -> Outcome {
        let lease = self.number(lease);
        answer(&Leased { lease })
    }

    pub(super) fn fulfil(&mut self, arguments: &Fulfil) -> Outcome {
        let Fulfil {
            key,
            value,
            ns,
            lease,
        } = arguments;
        let now = self.now();
        let lease = self.lease(*lease)?;
        let options = Options {
            media_type: MEDIA_TYPE,
            memory_life: None,
            disk_life: None,
            stale: None,
        };
        let bytes = value.get().as_bytes();
        let fulfilled = self
            .optimizer
            .fetch_fulfil(now, ns, key, lease, bytes, options, &[])?;
        match fulfilled {
            Fulfilled::Kept(stamp) => {
                self.store_value(ns, key, bytes, stamp)?;
                ok()
            }
            Fulfilled::Superseded => answer(&"superseded"),
        }
    }

    pub(super) fn nothing(&mut self, arguments: &NothingThere) -> Outcome {
        let NothingThere {
            key,
            ns,
            lease,
            life,
        } = arguments;
        let now = self.now();
        let lease = self.lease(*lease)?;
        let life = life.map(|Micros(us)| us);
        let taken = self.optimizer.fetch_nothing(now, ns, key, lease, life)?;
        self.perform_removals()?;
        if taken { ok() } else { answer(&"superseded") }
    }

    pub(super) fn fail(&mut self, arguments: &Fail) -> Outcome {
        let Fail { key, ns, lease } = arguments;
        let now = self.now();
        let lease = self.lease(*lease)?;
        match self.optimizer.fetch_fail(now, ns, key, lease)? {
            RescueFrom::Memory(entry) => self.stale(entry.value, entry.stale_for, None),
            RescueFrom::Nothing => answer(&Miss { miss: true }),
            RescueFrom::Below => {
                let Some(found) = self.stored(ns, key)? else {
                    return answer(&Miss { miss: true });
                };
                match self.optimizer.fetch_rescue(now, ns, key, &found)? {
                    Some(stale_for) => self.stale(found.value, stale_for, None),
                    None => answer(&Miss { miss: true }),
                }
            }
        }
    }

    pub(super) fn ahead(&mut self, arguments: &Ahead) -> Outcome {
        let most = whole("most", arguments.most.unwrap_or(10))?;
        let now = self.now();
        let due = self.optimizer.fetch_poll_ahead(now, most)?;
        let due: Vec<_> = due
            .into_iter()
            .map(|due| (due.place, self.number(due.lease)))
            .collect();
        let listed: Vec<_> = due
            .iter()
            .map(|(place, lease)| Due {
                key: &place.key,
                ns: &place.namespace,
                lease: *lease,
            })
            .collect();
        answer(&listed)
    }

    pub(super) fn event(&mut self, arguments: &Event) -> Outcome {
        let now = self.now();
        let cleared = self
            .optimizer
            .removals_clear_affected(now, &arguments.event_type)?;
        self.perform_removals()?;
        answer(&cleared)
    }

    pub(super) fn fetch_stats(&mut self) -> Outcome {
        let totals = self.optimizer.fetch_totals(None)?;
        answer(&Statistics {
            stale: totals.stale_memory_hits + totals.stale_disk_hits,
            nothing: totals.negative_hits,
            leases: totals.leases,
            coalesced: totals.coalesced,
            fulfilled: totals.fulfilled,
            failed: totals.failed,
            rescued: totals.rescued,
            lapsed: totals.lapsed,
            superseded: totals.superseded,
            ahead: totals.refreshed_ahead,
        })
    }

    /// The scenario's number of a lease.
    fn number(&mut self, lease: Lease) -> usize {
        self.leases.push(lease.id);
        self.leases.len()
    }

    /// The lease of such a number.
    fn lease(&self, number: usize) -> Result<u64, Problem> {
        let lease = number
            .checked_sub(1)
            .and_then(|index| self.leases.get(index));
        lease.copied().ok_or_else(|| {
            Problem::invalid(format!(
                "lease {number} was never given; there are {}",
                self.leases.len()
            ))
        })
    }
}

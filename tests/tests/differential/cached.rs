//! Keys that are asked for, fetched and removed between the readings, and the
//! store of a host that keeps what it is told to.

use std::collections::BTreeMap;
use std::fmt::Debug;

use anyhow::{Result, ensure};
use weirhouse_runner::Optimizer;
use weirhouse_runner::wit::cache::{Options, Stamp, Stored};
use weirhouse_runner::wit::fetch::{
    Ahead, Answer, Fulfilled, Lease, OwnPolicy, RescueFrom, Resumed,
};
use weirhouse_runner::wit::types::Instant;

use super::Random;

/// What happens between two windows of readings.
const OPERATIONS: usize = 4;

/// Few enough keys that they meet again, in namespaces with and without a
/// policy; `areas` is dropped by an event of its own.
const NAMESPACES: [&str; 3] = ["weather", "areas", "live"];
const KEYS: usize = 40;

/// Shorter than most lives, so that entries grow stale and leave.
const SECOND_US: i64 = 1_000_000;

/// A store as a host has it.
#[derive(Default)]
pub(super) struct Store {
    held: BTreeMap<(String, String), Stored>,
    /// Leases given out and not settled.
    leases: Vec<(String, String, u64)>,
}

/// Sets what the namespaces are fetched by.
pub(super) fn prepare(optimizer: &mut dyn Optimizer) -> Result<()> {
    let own = OwnPolicy {
        while_revalidate: Some(20 * SECOND_US),
        if_error: Some(60 * SECOND_US),
        negative_life: Some(5 * SECOND_US),
        lease: Some(3 * SECOND_US),
        refresh_ahead: Some(Ahead {
            share: 0.5,
            least_reads: 2,
        }),
    };
    Ok(optimizer.fetch_set_own_policy("weather", own)?)
}

/// What one optimizer answers to what happens at one moment.
pub(super) fn feed(
    optimizer: &mut dyn Optimizer,
    now: Instant,
    store: &mut Store,
    said: &mut Vec<u8>,
) -> Result<()> {
    let mut random = Random(now.mono);
    for _ in 0..OPERATIONS {
        let namespace = NAMESPACES[random.below(NAMESPACES.len())];
        let key = format!("k{}", random.below(KEYS));
        match random.below(16) {
            0..=5 => ask(optimizer, now, store, (namespace, &key), said)?,
            6..=9 => settle(optimizer, now, store, &mut random, said)?,
            10 => {
                let tags = [format!("t{}", random.below(3))];
                let options = lives(1 + random.below(30));
                let stamp = optimizer.cache_put_tagged(
                    now,
                    namespace,
                    &key,
                    key.as_bytes(),
                    options,
                    &tags,
                )?;
                note(said, stamp);
                store.keep(namespace, &key, &tags, stamp);
            }
            11 => note(said, optimizer.cache_delete(now, namespace, &key)?),
            12 => note(said, optimizer.cache_invalidate(now, namespace, "k1*")?),
            13 => note(said, optimizer.cache_invalidate_tag(now, None, "t1")?),
            14 => {
                let event = "area_registry_updated";
                note(said, optimizer.removals_clear_affected(now, event)?);
            }
            _ => {
                for due in optimizer.fetch_poll_ahead(now, 5)? {
                    note(said, &due);
                    store.leased(&due.place.namespace, &due.place.key, &due.lease);
                }
                // Told late, and at times not at all before the next ones.
                let removals = optimizer.removals_poll(50)?;
                note(said, &removals);
                if let (Some(last), true) = (removals.last(), random.below(4) > 0) {
                    note(said, optimizer.removals_acknowledge(last.sequence)?);
                }
            }
        }
    }
    Ok(())
}

/// The totals in the end, which are worth comparing only if all of it happened.
pub(super) fn end(optimizer: &mut dyn Optimizer, said: &mut Vec<u8>) -> Result<()> {
    let fetches = optimizer.fetch_totals(None)?;
    let removals = optimizer.removal_totals()?;
    let cached = optimizer.cache_totals(None)?;
    ensure!(
        fetches.stale_disk_hits > 0
            && fetches.negative_hits > 0
            && fetches.coalesced > 0
            && fetches.fulfilled > 0
            && fetches.refreshed_ahead > 0,
        "{fetches:?}"
    );
    note(said, (fetches, removals, cached));
    Ok(())
}

fn ask(
    optimizer: &mut dyn Optimizer,
    now: Instant,
    store: &mut Store,
    (namespace, key): (&str, &str),
    said: &mut Vec<u8>,
) -> Result<()> {
    let answer = optimizer.fetch_ask(now, namespace, key)?;
    note(said, &answer);
    let lease = match answer {
        Answer::Fetch(lease) | Answer::Stale((_, Some(lease))) => Some(lease),
        Answer::Fresh(_) => {
            let ahead = optimizer.fetch_lease_ahead(now, namespace, key)?;
            note(said, ahead);
            ahead
        }
        Answer::Below => {
            let found = store.held.get(&place(namespace, key));
            let resumed = optimizer.fetch_resume(now, namespace, key, found)?;
            note(said, resumed);
            match resumed {
                Resumed::Fetch(lease) | Resumed::Stale((_, Some(lease))) => Some(lease),
                _ => None,
            }
        }
        _ => None,
    };
    if let Some(lease) = lease {
        store.leased(namespace, key, &lease);
    }
    Ok(())
}

/// Ends one of the latest fetches, well or not; the others lapse.
fn settle(
    optimizer: &mut dyn Optimizer,
    now: Instant,
    store: &mut Store,
    random: &mut Random,
    said: &mut Vec<u8>,
) -> Result<()> {
    let Some(newest) = store.leases.len().checked_sub(1) else {
        return Ok(());
    };
    let back = random.below(newest.min(5) + 1);
    let (namespace, key, lease) = store.leases.swap_remove(newest - back);
    match random.below(6) {
        0 => {
            let nothing = optimizer.fetch_nothing(now, &namespace, &key, lease, None)?;
            note(said, nothing);
        }
        1 => {
            let from = optimizer.fetch_fail(now, &namespace, &key, lease)?;
            note(said, &from);
            if let (RescueFrom::Below, Some(found)) =
                (from, store.held.get(&place(&namespace, &key)))
            {
                note(said, optimizer.fetch_rescue(now, &namespace, &key, found)?);
            }
        }
        _ => {
            let options = lives(1 + random.below(30));
            let value = key.as_bytes();
            let fulfilled =
                optimizer.fetch_fulfil(now, &namespace, &key, lease, value, options, &[])?;
            note(said, fulfilled);
            if let Fulfilled::Kept(stamp) = fulfilled {
                store.keep(&namespace, &key, &[], stamp);
            }
        }
    }
    Ok(())
}

impl Store {
    /// A removal that the store is told of is the optimizer's to remember: here
    /// nothing is ever removed, so that it has to.
    fn keep(&mut self, namespace: &str, key: &str, tags: &[String], stamp: Option<Stamp>) {
        if let Some(stamp) = stamp {
            let stored = Stored {
                value: key.as_bytes().to_vec(),
                media_type: 0,
                tags: tags.to_vec(),
                stamp,
            };
            self.held.insert(place(namespace, key), stored);
        }
    }

    fn leased(&mut self, namespace: &str, key: &str, lease: &Lease) {
        let (namespace, key) = place(namespace, key);
        self.leases.push((namespace, key, lease.id));
    }
}

/// Every other entry leaves memory before its life ends.
fn lives(seconds: usize) -> Options {
    let disk_us = SECOND_US * seconds.cast_signed() as i64;
    let parts = 1 + seconds.cast_signed() as i64 % 2;
    Options {
        media_type: 0,
        memory_life: Some(disk_us / parts),
        disk_life: Some(disk_us),
        stale: None,
    }
}

fn place(namespace: &str, key: &str) -> (String, String) {
    (namespace.to_owned(), key.to_owned())
}

fn note(said: &mut Vec<u8>, answer: impl Debug) {
    said.extend(format!("{answer:?}").into_bytes());
}

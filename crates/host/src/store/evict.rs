//! Choosing what leaves a [`super::RedbStore`]: the oldest writes, or what
//! ended before a date. How much and which date is the caller's business.
//!
//! Both walk an index of the file and pass over what the overlay mentions,
//! then take the overlay's own writes into account. Rows that belong to no
//! record any more, left by damage, are dropped on the way.

use std::ops::ControlFlow;

use super::shared::{Shared, State, shines_through};
use super::{StoreError, Usage};

/// A record about to be removed.
struct Victim {
    ns: String,
    key: String,
    weight: u64,
}

/// Removes the oldest writes until `target` is met; says how many.
pub(super) fn trim(shared: &Shared, state: &mut State, target: Usage) -> Result<u64, StoreError> {
    let mut left = state.usage;
    let mut trimmed_to = state.trimmed_to;
    let mut victims = Vec::new();
    let mut orphans = Vec::new();
    let mut damaged = Vec::new();
    if !left.fits(target) {
        shared.read(state, |view, overlay| {
            view.oldest(trimmed_to, |row| {
                if left.fits(target) {
                    return Ok(ControlFlow::Break(()));
                }
                trimmed_to = row.seq;
                if overlay.has_stale_row(row.seq) || !shines_through(overlay, &row.ns, &row.key) {
                    return Ok(ControlFlow::Continue(()));
                }
                left.subtract(row.weight);
                match view.summary(&row.ns, &row.key)? {
                    Some(Ok(summary)) if summary.header.seq == row.seq => {
                        victims.push(Victim {
                            ns: row.ns,
                            key: row.key,
                            weight: row.weight,
                        });
                    }
                    Some(Err(damage)) => {
                        damaged.push((row.ns.clone(), row.key.clone(), damage));
                        orphans.push(row);
                    }
                    _ => orphans.push(row),
                }
                Ok(ControlFlow::Continue(()))
            })
        })?;
    }
    state.trimmed_to = trimmed_to;
    for row in orphans {
        let seq = shared.next(state);
        state.overlay.drop_row(row.seq, seq);
        state.usage.subtract(row.weight);
    }
    for (ns, key, damage) in damaged {
        shared.remove_damaged(state, &ns, &key, damage, None);
    }
    let mut pending: Vec<_> = state
        .overlay
        .puts()
        .map(|put| (put.seq, put.ns, put.key, put.record))
        .collect();
    pending.sort_unstable_by_key(|(seq, ..)| *seq);
    for (_, ns, key, record) in pending {
        if left.fits(target) {
            break;
        }
        let weight = record.weight(ns, key);
        left.subtract(weight);
        victims.push(Victim {
            ns: ns.to_owned(),
            key: key.to_owned(),
            weight,
        });
    }
    Ok(remove(shared, state, victims))
}

/// Removes at most `at_most` records that ended before a date, earliest end
/// first; says how many.
pub(super) fn sweep(
    shared: &Shared,
    state: &mut State,
    expired_before_us: i64,
    at_most: usize,
) -> Result<u64, StoreError> {
    let mut ended = Vec::new();
    shared.read(state, |view, overlay| {
        view.ended(expired_before_us, |end, row| {
            if ended.len() >= at_most {
                return Ok(ControlFlow::Break(()));
            }
            if !shines_through(overlay, &row.ns, &row.key) {
                return Ok(ControlFlow::Continue(()));
            }
            if let Some(Ok(summary)) = view.summary(&row.ns, &row.key)?
                && summary.header.seq == row.seq
            {
                let victim = Victim {
                    ns: row.ns,
                    key: row.key,
                    weight: row.weight,
                };
                ended.push(((end, row.seq), victim));
            }
            Ok(ControlFlow::Continue(()))
        })
    })?;
    for put in state.overlay.puts() {
        let end = put.record.stamp.expires_at_us();
        if end < expired_before_us {
            let victim = Victim {
                ns: put.ns.to_owned(),
                key: put.key.to_owned(),
                weight: put.record.weight(put.ns, put.key),
            };
            ended.push(((end, put.seq), victim));
        }
    }
    ended.sort_by_key(|(order, _)| *order);
    let victims = ended.into_iter().take(at_most).map(|(_, victim)| victim);
    let victims = victims.collect();
    Ok(remove(shared, state, victims))
}

fn remove(shared: &Shared, state: &mut State, victims: Vec<Victim>) -> u64 {
    let count = victims.len() as u64;
    for victim in victims {
        let seq = shared.next(state);
        state.overlay.remove(&victim.ns, &victim.key, seq);
        state.usage.subtract(victim.weight);
    }
    count
}

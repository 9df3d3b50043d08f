//! What each client of a stream gets, and when.

use weirhouse_core::shaping as core;

use crate::wit::exports::weirhouse::core::shaping::{
    Error, Guest, Instant, Profile, Scope, Significance, Statistics, Taken, Totals,
};
use crate::{Component, with};

impl Guest for Component {
    fn open(profile: Profile, scope: Scope) -> Result<u32, Error> {
        let (settings, scope) = (settings(&profile), scope_of(scope));
        Ok(with(|optimizer| optimizer.shaping.open(&settings, scope))?)
    }

    fn close(client: u32) -> Result<(), Error> {
        Ok(with(|optimizer| optimizer.shaping.close(client))?)
    }

    fn follow(client: u32, rows: Vec<u32>) -> Result<Vec<u32>, Error> {
        Ok(with(|optimizer| optimizer.shaping.follow(client, &rows))?)
    }

    fn unfollow(now: Instant, client: u32, rows: Vec<u32>) -> Result<(), Error> {
        Ok(with(|optimizer| {
            optimizer.unfollow_rows(now.into(), client, &rows)
        })?)
    }

    fn offer(
        now: Instant,
        rows: Vec<u32>,
        numbers: Vec<f64>,
        states: Vec<u64>,
        attributes: Vec<u64>,
    ) -> Result<Vec<u32>, Error> {
        let changes = core::Changes {
            rows: &rows,
            numbers: &numbers,
            states: &states,
            attributes: &attributes,
        };
        Ok(with(|optimizer| {
            optimizer.offer_rows(now.into(), &changes)
        })?)
    }

    fn remove(now: Instant, rows: Vec<u32>) -> Result<Vec<u32>, Error> {
        Ok(with(|optimizer| optimizer.remove_rows(now.into(), &rows))?)
    }

    fn mark(now: Instant, client: u32, rows: Vec<u32>) -> Result<(), Error> {
        Ok(with(|optimizer| {
            optimizer.mark_rows(now.into(), client, &rows)
        })?)
    }

    fn mark_synchronized(client: u32) -> Result<(), Error> {
        Ok(with(|optimizer| {
            optimizer.shaping.mark_synchronized(client)
        })?)
    }

    fn take(now: Instant, client: u32, most: u32) -> Result<Taken, Error> {
        let next = with(|optimizer| optimizer.take_rows(now.into(), client, most))?;
        Ok(taken(next))
    }

    fn poll_ready() -> Vec<u32> {
        with(|optimizer| optimizer.shaping.poll_ready())
    }

    fn client_totals(client: u32) -> Result<Totals, Error> {
        let of_client = with(|optimizer| optimizer.shaping.client_totals(client))?;
        Ok(totals(of_client))
    }

    fn all_totals() -> Statistics {
        let (clients, all) = with(|optimizer| optimizer.shaping.totals());
        Statistics {
            clients,
            totals: totals(all),
        }
    }
}

fn settings(profile: &Profile) -> core::ProfileSettings {
    core::ProfileSettings {
        interval_us: profile.interval,
        significance: match profile.significance {
            Significance::Any => core::Significance::Any,
            Significance::Absolute(least) => core::Significance::Absolute(least),
            Significance::Percentage(fraction) => core::Significance::Percentage(fraction),
        },
        attributes: profile.attributes,
        max_stale_us: profile.max_stale,
        capacity: profile.capacity,
    }
}

fn scope_of(scope: Scope) -> core::Scope {
    match scope {
        Scope::All => core::Scope::All,
        Scope::Listed => core::Scope::Listed,
    }
}

fn taken(taken: core::Taken) -> Taken {
    Taken {
        rows: taken.rows,
        changes: taken.changes,
        dropped: taken.dropped,
        left: taken.left,
        waiting: taken.waiting,
    }
}

fn totals(totals: core::Totals) -> Totals {
    Totals {
        offered: totals.offered,
        suppressed: totals.suppressed,
        merged: totals.merged,
        dropped: totals.dropped,
        withdrawn: totals.withdrawn,
        given: totals.given,
        waiting: totals.waiting,
    }
}

//! What each client of a stream gets, and when.

use weirhouse_core::shaping as core;
use weirhouse_runner::operations::Shaping;
use weirhouse_runner::wit::shaping::{Profile, Scope, Significance, Statistics, Taken, Totals};
use weirhouse_runner::wit::types::Instant;

use super::{Answer, Native, instant, refused};

impl Shaping for Native {
    fn shaping_open(&mut self, profile: Profile, scope: Scope) -> Answer<u32> {
        let opened = self.0.shaping.open(&settings(&profile), scope_of(scope));
        opened.map_err(refused)
    }

    fn shaping_close(&mut self, client: u32) -> Answer<()> {
        self.0.shaping.close(client).map_err(refused)
    }

    fn shaping_follow(&mut self, client: u32, rows: &[u32]) -> Answer<Vec<u32>> {
        self.0.shaping.follow(client, rows).map_err(refused)
    }

    fn shaping_unfollow(&mut self, now: Instant, client: u32, rows: &[u32]) -> Answer<()> {
        let unfollowed = self.0.unfollow_rows(instant(now), client, rows);
        unfollowed.map_err(refused)
    }

    fn shaping_offer(
        &mut self,
        now: Instant,
        rows: &[u32],
        numbers: &[f64],
        states: &[u64],
        attributes: &[u64],
    ) -> Answer<Vec<u32>> {
        let changes = core::Changes {
            rows,
            numbers,
            states,
            attributes,
        };
        self.0.offer_rows(instant(now), &changes).map_err(refused)
    }

    fn shaping_remove(&mut self, now: Instant, rows: &[u32]) -> Answer<Vec<u32>> {
        self.0.remove_rows(instant(now), rows).map_err(refused)
    }

    fn shaping_mark(&mut self, now: Instant, client: u32, rows: &[u32]) -> Answer<()> {
        self.0
            .mark_rows(instant(now), client, rows)
            .map_err(refused)
    }

    fn shaping_mark_synchronized(&mut self, client: u32) -> Answer<()> {
        self.0.shaping.mark_synchronized(client).map_err(refused)
    }

    fn shaping_take(&mut self, now: Instant, client: u32, most: u32) -> Answer<Taken> {
        let next = self.0.take_rows(instant(now), client, most);
        next.map(taken).map_err(refused)
    }

    fn shaping_poll_ready(&mut self) -> Answer<Vec<u32>> {
        Ok(self.0.shaping.poll_ready())
    }

    fn shaping_client_totals(&mut self, client: u32) -> Answer<Totals> {
        let of_client = self.0.shaping.client_totals(client);
        of_client.map(totals).map_err(refused)
    }

    fn shaping_all_totals(&mut self) -> Answer<Statistics> {
        let (clients, all) = self.0.shaping.totals();
        Ok(Statistics {
            clients,
            totals: totals(all),
        })
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

//! Fetching what no level of the cache has fresh.

use weirhouse_core::cache;
use weirhouse_runner::operations::Fetch;
use weirhouse_runner::wit::cache::{Options, Stored};
use weirhouse_runner::wit::fetch::{
    Ahead, Answer as Asked, Due, Fulfilled, Lease, OwnPolicy, Policy, RescueFrom, Resumed,
    StaleEntry, Totals,
};
use weirhouse_runner::wit::types::Instant;

use super::cache::{entry, native_options, native_stored, place, stale_lives, wit_stamp};
use super::{Answer, Native, refused};

impl Fetch for Native {
    fn fetch_set_policy(&mut self, policy: Policy) -> Answer<()> {
        let policy = cache::Policy {
            stale: stale_lives(policy.stale),
            negative_life_us: policy.negative_life,
            lease_us: policy.lease,
            refresh_ahead: policy.refresh_ahead.map(refresh_ahead),
        };
        self.0.cache.set_policy(policy).map_err(refused)
    }

    fn fetch_set_own_policy(&mut self, namespace: &str, own: OwnPolicy) -> Answer<()> {
        let own = cache::OwnPolicy {
            while_revalidate_us: own.while_revalidate,
            if_error_us: own.if_error,
            negative_life_us: own.negative_life,
            lease_us: own.lease,
            refresh_ahead: own.refresh_ahead.map(refresh_ahead),
        };
        let cache = &mut self.0.cache;
        cache.set_own_policy(namespace, own).map_err(refused)
    }

    fn fetch_ask(&mut self, now: Instant, namespace: &str, key: &str) -> Answer<Asked> {
        self.try_cache(now, |cache, now| {
            Ok(match cache.ask(now, namespace, key).map_err(refused)? {
                cache::Answer::Fresh(found) => Asked::Fresh(entry(found)),
                cache::Answer::Stale(found, leased) => {
                    Asked::Stale((stale(found), leased.map(lease)))
                }
                cache::Answer::Nothing(remaining_us) => Asked::Nothing(remaining_us),
                cache::Answer::Below => Asked::Below,
                cache::Answer::Fetch(leased) => Asked::Fetch(lease(leased)),
                cache::Answer::Wait(at_most_us) => Asked::Wait(at_most_us),
            })
        })
    }

    fn fetch_resume(
        &mut self,
        now: Instant,
        namespace: &str,
        key: &str,
        found: Option<&Stored>,
    ) -> Answer<Resumed> {
        let found = found.map(native_stored);
        let resumed = self
            .try_cache(now, |cache, now| cache.resume(now, namespace, key, found))
            .map_err(refused)?;
        Ok(match resumed {
            cache::Resumed::Fresh(remaining_us) => Resumed::Fresh(remaining_us),
            cache::Resumed::Stale(stale_for_us, leased) => {
                Resumed::Stale((stale_for_us, leased.map(lease)))
            }
            cache::Resumed::Fetch(leased) => Resumed::Fetch(lease(leased)),
            cache::Resumed::Wait(at_most_us) => Resumed::Wait(at_most_us),
            cache::Resumed::Again => Resumed::Again,
        })
    }

    fn fetch_fulfil(
        &mut self,
        now: Instant,
        namespace: &str,
        key: &str,
        lease: u64,
        value: &[u8],
        options: Options,
        tags: &[String],
    ) -> Answer<Fulfilled> {
        let options = native_options(options, tags);
        let fulfilled = self
            .try_cache(now, |cache, now| {
                cache.fulfil(now, namespace, key, lease, value.to_vec(), options)
            })
            .map_err(refused)?;
        Ok(match fulfilled {
            cache::Fulfilled::Kept(stamp) => Fulfilled::Kept(stamp.map(wit_stamp)),
            cache::Fulfilled::Superseded => Fulfilled::Superseded,
        })
    }

    fn fetch_nothing(
        &mut self,
        now: Instant,
        namespace: &str,
        key: &str,
        lease: u64,
        life: Option<i64>,
    ) -> Answer<bool> {
        self.try_cache(now, |cache, now| {
            cache.nothing(now, namespace, key, lease, life)
        })
        .map_err(refused)
    }

    fn fetch_fail(
        &mut self,
        now: Instant,
        namespace: &str,
        key: &str,
        lease: u64,
    ) -> Answer<RescueFrom> {
        self.try_cache(now, |cache, now| {
            let rescue = cache.fail(now, namespace, key, lease).map_err(refused)?;
            Ok(match rescue {
                cache::Rescue::Value(found) => RescueFrom::Memory(stale(found)),
                cache::Rescue::Below => RescueFrom::Below,
                cache::Rescue::Nothing => RescueFrom::Nothing,
            })
        })
    }

    fn fetch_rescue(
        &mut self,
        now: Instant,
        namespace: &str,
        key: &str,
        found: &Stored,
    ) -> Answer<Option<i64>> {
        let found = native_stored(found);
        self.try_cache(now, |cache, now| cache.rescue(now, namespace, key, &found))
            .map_err(refused)
    }

    fn fetch_lease_ahead(
        &mut self,
        now: Instant,
        namespace: &str,
        key: &str,
    ) -> Answer<Option<Lease>> {
        let granted = self
            .try_cache(now, |cache, now| cache.lease_ahead(now, namespace, key))
            .map_err(refused)?;
        Ok(granted.map(lease))
    }

    fn fetch_poll_ahead(&mut self, now: Instant, most: u32) -> Answer<Vec<Due>> {
        let due = self.cache(now, |cache, now| cache.poll_ahead(now, most));
        Ok(due
            .into_iter()
            .map(|due| Due {
                place: place(due.place),
                lease: lease(due.lease),
            })
            .collect())
    }

    fn fetch_totals(&mut self, namespace: Option<&str>) -> Answer<Totals> {
        let totals = self.0.cache.fetch_totals(namespace);
        Ok(Totals {
            stale_memory_hits: totals.stale_memory_hits,
            stale_disk_hits: totals.stale_disk_hits,
            negative_hits: totals.negative_hits,
            leases: totals.leases,
            coalesced: totals.coalesced,
            fulfilled: totals.fulfilled,
            nothing: totals.nothing,
            failed: totals.failed,
            rescued: totals.rescued,
            lapsed: totals.lapsed,
            superseded: totals.superseded,
            refreshed_ahead: totals.refreshed_ahead,
        })
    }
}

fn lease(lease: cache::Lease) -> Lease {
    Lease {
        id: lease.id,
        life: lease.life_us,
    }
}

fn stale(stale: cache::Stale<'_>) -> StaleEntry {
    StaleEntry {
        value: stale.value.to_vec(),
        media_type: stale.media_type,
        stale_for: stale.stale_for_us,
    }
}

fn refresh_ahead(Ahead { share, least_reads }: Ahead) -> cache::RefreshAhead {
    cache::RefreshAhead { share, least_reads }
}

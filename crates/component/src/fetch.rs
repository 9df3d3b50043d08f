//! Fetching what no level of the cache has fresh.

use weirhouse_core::cache;

use crate::cache::{at, parts, try_at, with_tags};
use crate::wit::exports::weirhouse::core::cache::{Entry, Place, Stamp};
use crate::wit::exports::weirhouse::core::fetch::{
    Ahead, Answer, Due, Error, Fulfilled, Guest, Instant, Lease, Options, OwnPolicy, Policy,
    RescueFrom, Resumed, StaleEntry, Stored, Totals,
};
use crate::{Component, with};

impl Guest for Component {
    fn set_policy(policy: Policy) -> Result<(), Error> {
        Ok(with(|optimizer| optimizer.cache.set_policy(policy.into()))?)
    }

    fn set_own_policy(namespace: String, own: OwnPolicy) -> Result<(), Error> {
        Ok(with(|optimizer| {
            optimizer.cache.set_own_policy(&namespace, own.into())
        })?)
    }

    fn ask(now: Instant, place: String, namespace_length: u32) -> Result<Answer, Error> {
        let (namespace, key) = parts(&place, namespace_length)?;
        try_at(now, |cache, now| {
            Ok(match cache.ask(now, namespace, key)? {
                cache::Answer::Fresh(entry) => Answer::Fresh(Entry::from(entry)),
                cache::Answer::Stale(stale, lease) => {
                    Answer::Stale((stale.into(), lease.map(Lease::from)))
                }
                cache::Answer::Nothing(remaining_us) => Answer::Nothing(remaining_us),
                cache::Answer::Below => Answer::Below,
                cache::Answer::Fetch(lease) => Answer::Fetch(lease.into()),
                cache::Answer::Wait(at_most_us) => Answer::Wait(at_most_us),
            })
        })
    }

    fn resume(
        now: Instant,
        place: String,
        namespace_length: u32,
        found: Option<Stored>,
    ) -> Result<Resumed, Error> {
        let (namespace, key) = parts(&place, namespace_length)?;
        let found = found.map(cache::Stored::from);
        let resumed = try_at(now, |cache, now| cache.resume(now, namespace, key, found))?;
        Ok(match resumed {
            cache::Resumed::Fresh(remaining_us) => Resumed::Fresh(remaining_us),
            cache::Resumed::Stale(stale_for_us, lease) => {
                Resumed::Stale((stale_for_us, lease.map(Lease::from)))
            }
            cache::Resumed::Fetch(lease) => Resumed::Fetch(lease.into()),
            cache::Resumed::Wait(at_most_us) => Resumed::Wait(at_most_us),
            cache::Resumed::Again => Resumed::Again,
        })
    }

    fn fulfil(
        now: Instant,
        place: String,
        namespace_length: u32,
        lease: u64,
        value: Vec<u8>,
        options: Options,
        tags: Vec<String>,
    ) -> Result<Fulfilled, Error> {
        let (namespace, key) = parts(&place, namespace_length)?;
        let options = with_tags(options, tags);
        let fulfilled = try_at(now, |cache, now| {
            cache.fulfil(now, namespace, key, lease, value, options)
        })?;
        Ok(match fulfilled {
            cache::Fulfilled::Kept(stamp) => Fulfilled::Kept(stamp.map(Stamp::from)),
            cache::Fulfilled::Superseded => Fulfilled::Superseded,
        })
    }

    fn nothing(
        now: Instant,
        place: String,
        namespace_length: u32,
        lease: u64,
        life: Option<i64>,
    ) -> Result<bool, Error> {
        let (namespace, key) = parts(&place, namespace_length)?;
        Ok(try_at(now, |cache, now| {
            cache.nothing(now, namespace, key, lease, life)
        })?)
    }

    fn fail(
        now: Instant,
        place: String,
        namespace_length: u32,
        lease: u64,
    ) -> Result<RescueFrom, Error> {
        let (namespace, key) = parts(&place, namespace_length)?;
        try_at(now, |cache, now| {
            Ok(match cache.fail(now, namespace, key, lease)? {
                cache::Rescue::Value(stale) => RescueFrom::Memory(stale.into()),
                cache::Rescue::Below => RescueFrom::Below,
                cache::Rescue::Nothing => RescueFrom::Nothing,
            })
        })
    }

    fn rescue(
        now: Instant,
        place: String,
        namespace_length: u32,
        found: Stored,
    ) -> Result<Option<i64>, Error> {
        let (namespace, key) = parts(&place, namespace_length)?;
        let found = cache::Stored::from(found);
        Ok(try_at(now, |cache, now| {
            cache.rescue(now, namespace, key, &found)
        })?)
    }

    fn poll_ahead(now: Instant, most: u32) -> Vec<Due> {
        let due = at(now, |cache, now| cache.poll_ahead(now, most));
        due.into_iter()
            .map(|due| Due {
                place: Place::from(due.place),
                lease: due.lease.into(),
            })
            .collect()
    }

    fn lease_ahead(
        now: Instant,
        place: String,
        namespace_length: u32,
    ) -> Result<Option<Lease>, Error> {
        let (namespace, key) = parts(&place, namespace_length)?;
        let lease = try_at(now, |cache, now| cache.lease_ahead(now, namespace, key))?;
        Ok(lease.map(Lease::from))
    }

    fn statistics(namespace: Option<String>) -> Totals {
        let totals = with(|optimizer| optimizer.cache.fetch_totals(namespace.as_deref()));
        Totals {
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
        }
    }
}

impl From<Policy> for cache::Policy {
    fn from(policy: Policy) -> Self {
        Self {
            stale: policy.stale.into(),
            negative_life_us: policy.negative_life,
            lease_us: policy.lease,
            refresh_ahead: policy.refresh_ahead.map(cache::RefreshAhead::from),
        }
    }
}

impl From<OwnPolicy> for cache::OwnPolicy {
    fn from(own: OwnPolicy) -> Self {
        Self {
            while_revalidate_us: own.while_revalidate,
            if_error_us: own.if_error,
            negative_life_us: own.negative_life,
            lease_us: own.lease,
            refresh_ahead: own.refresh_ahead.map(cache::RefreshAhead::from),
        }
    }
}

impl From<Ahead> for cache::RefreshAhead {
    fn from(Ahead { share, least_reads }: Ahead) -> Self {
        Self { share, least_reads }
    }
}

impl From<cache::Lease> for Lease {
    fn from(lease: cache::Lease) -> Self {
        Self {
            id: lease.id,
            life: lease.life_us,
        }
    }
}

impl From<cache::Stale<'_>> for StaleEntry {
    fn from(stale: cache::Stale<'_>) -> Self {
        Self {
            value: stale.value.to_vec(),
            media_type: stale.media_type,
            stale_for: stale.stale_for_us,
        }
    }
}

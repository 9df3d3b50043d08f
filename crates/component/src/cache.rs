//! Two levels of cache.

use weirhouse_core::{Instant as CoreInstant, Now, Optimizer, cache};

use crate::wit::exports::weirhouse::core::cache::{
    Admitted, Entry, Error, Eviction, Guest, Instant, LevelTotals, Levels, Lookup, Options,
    OwnSettings, Place, Settings, StaleLives, Stamp, Stored, Totals, Usage,
};
use crate::{Component, with};

/// Runs one call of the cache at the moment `now`, one that is never refused.
pub(crate) fn at<T>(now: Instant, call: impl FnOnce(&mut cache::Cache, Now) -> T) -> T {
    with(|optimizer: &mut Optimizer| {
        let now = optimizer.moment(CoreInstant::from(now));
        call(&mut optimizer.cache, now)
    })
}

/// Runs one call of the cache at the moment `now` that may be refused.
pub(crate) fn try_at<T, E>(
    now: Instant,
    call: impl FnOnce(&mut cache::Cache, Now) -> Result<T, E>,
) -> Result<T, E> {
    with(|optimizer: &mut Optimizer| {
        optimizer.try_at(CoreInstant::from(now), |optimizer, now| {
            call(&mut optimizer.cache, now)
        })
    })
}

/// Namespace and key of a place, which cross as one text.
pub(crate) fn parts(place: &str, namespace_length: u32) -> Result<(&str, &str), Error> {
    place
        .split_at_checked(namespace_length as usize)
        .ok_or_else(|| {
            Error::InvalidArgument(format!(
                "namespace-length is {namespace_length}; it must be at most the {} bytes of place, \
                 and the end of a character",
                place.len()
            ))
        })
}

impl Guest for Component {
    fn configure(mono: u64, settings: Settings) -> Result<(), Error> {
        Ok(with(|optimizer| {
            optimizer.cache.configure(mono, settings.into())
        })?)
    }

    fn configure_own(mono: u64, namespace: String, own: OwnSettings) -> Result<(), Error> {
        Ok(with(|optimizer| {
            optimizer.cache.configure_own(mono, &namespace, own.into())
        })?)
    }

    fn resize(mono: u64, namespace: Option<String>, capacity: u32) -> Result<(), Error> {
        Ok(with(|optimizer| {
            optimizer.cache.resize(mono, namespace.as_deref(), capacity)
        })?)
    }

    fn get(now: Instant, place: String, namespace_length: u32) -> Result<Lookup, Error> {
        let (namespace, key) = parts(&place, namespace_length)?;
        try_at(now, |cache, now| {
            Ok(match cache.get(now, namespace, key)? {
                cache::Lookup::Hit(entry) => Lookup::Hit(entry.into()),
                cache::Lookup::Below => Lookup::Below,
                cache::Lookup::Miss => Lookup::Miss,
            })
        })
    }

    fn admit(
        now: Instant,
        place: String,
        namespace_length: u32,
        found: Option<Stored>,
    ) -> Result<Admitted, Error> {
        let (namespace, key) = parts(&place, namespace_length)?;
        let found = found.map(cache::Stored::from);
        let admitted = try_at(now, |cache, now| cache.admit(now, namespace, key, found))?;
        Ok(admitted.into())
    }

    fn warm(
        now: Instant,
        place: String,
        namespace_length: u32,
        found: Stored,
    ) -> Result<Admitted, Error> {
        let (namespace, key) = parts(&place, namespace_length)?;
        let found = cache::Stored::from(found);
        let admitted = try_at(now, |cache, now| cache.warm(now, namespace, key, found))?;
        Ok(admitted.into())
    }

    fn put(
        now: Instant,
        joined: Vec<u8>,
        namespace_length: u32,
        key_length: u32,
        options: Options,
    ) -> Result<Option<Stamp>, Error> {
        Self::put_tagged(
            now,
            joined,
            namespace_length,
            key_length,
            options,
            Vec::new(),
        )
    }

    fn put_tagged(
        now: Instant,
        joined: Vec<u8>,
        namespace_length: u32,
        key_length: u32,
        options: Options,
        tags: Vec<String>,
    ) -> Result<Option<Stamp>, Error> {
        let joined = cache::Joined::split(joined, namespace_length, key_length)?;
        let options = with_tags(options, tags);
        let stamp = try_at(now, |cache, now| cache.put_joined(now, joined, options))?;
        Ok(stamp.map(Stamp::from))
    }

    fn forget(now: Instant, place: String, namespace_length: u32) -> Result<(), Error> {
        let (namespace, key) = parts(&place, namespace_length)?;
        Ok(try_at(now, |cache, now| cache.forget(now, namespace, key))?)
    }

    fn delete(now: Instant, place: String, namespace_length: u32) -> Result<bool, Error> {
        let (namespace, key) = parts(&place, namespace_length)?;
        Ok(try_at(now, |cache, now| cache.delete(now, namespace, key))?)
    }

    fn clear(now: Instant, namespace: Option<String>) -> Vec<Place> {
        places(at(now, |cache, now| cache.clear(now, namespace.as_deref())))
    }

    fn invalidate(now: Instant, namespace: String, pattern: String) -> Result<Vec<Place>, Error> {
        Ok(places(try_at(now, |cache, now| {
            cache.invalidate(now, &namespace, &pattern)
        })?))
    }

    fn invalidate_tag(now: Instant, namespace: Option<String>, tag: String) -> Vec<Place> {
        places(at(now, |cache, now| {
            cache.invalidate_tag(now, namespace.as_deref(), &tag)
        }))
    }

    fn matching(pattern: String, keys: Vec<String>) -> Result<Vec<u8>, Error> {
        Ok(with(|optimizer| optimizer.cache.matching(&pattern, &keys))?)
    }

    fn alive(now: Instant, put_at: Vec<i64>, lives: Vec<i64>) -> Result<Vec<u8>, Error> {
        Ok(try_at(now, |cache, now| cache.alive(now, &put_at, &lives))?)
    }

    fn set_disk_bounds(bounds: Usage) -> Result<(), Error> {
        with(|optimizer| optimizer.cache.set_disk_bounds(bounds.into()));
        Ok(())
    }

    fn trim(held: Usage) -> Option<Usage> {
        with(|optimizer| optimizer.cache.trim(held.into()))
            .map(|cache::Usage { entries, bytes }| Usage { entries, bytes })
    }

    fn sweep_before(now: Instant) -> i64 {
        at(now, |cache, now| cache.sweep_before(now))
    }

    fn note_removed(evicted: u64, expired: u64) {
        with(|optimizer| optimizer.cache.note_removed(evicted, expired));
    }

    fn statistics(namespace: Option<String>) -> Totals {
        let totals = with(|optimizer| optimizer.cache.totals(namespace.as_deref()));
        Totals {
            memory: level(totals.memory),
            memory_entries: totals.memory_entries,
            memory_bytes: totals.memory_bytes,
            disk: level(totals.disk),
            hit_rate: totals.hit_rate,
        }
    }

    fn hottest(most: u32) -> Vec<Place> {
        places(with(|optimizer| optimizer.cache.hottest(most)))
    }
}

fn level(totals: cache::LevelTotals) -> LevelTotals {
    LevelTotals {
        hits: totals.hits,
        misses: totals.misses,
        evictions: totals.evictions,
        expirations: totals.expirations,
    }
}

fn places(places: Vec<cache::Place>) -> Vec<Place> {
    places.into_iter().map(Place::from).collect()
}

impl From<Settings> for cache::Settings {
    fn from(settings: Settings) -> Self {
        Self {
            capacity: settings.capacity,
            max_bytes: settings.max_bytes,
            max_value_bytes: settings.max_value_bytes,
            memory_life_us: settings.memory_life,
            disk_life_us: settings.disk_life,
            levels: settings.levels.into(),
            eviction: settings.eviction.into(),
        }
    }
}

impl From<OwnSettings> for cache::OwnSettings {
    fn from(own: OwnSettings) -> Self {
        Self {
            capacity: own.capacity,
            max_bytes: own.max_bytes,
            max_value_bytes: own.max_value_bytes,
            memory_life_us: own.memory_life,
            disk_life_us: own.disk_life,
            levels: own.levels.map(cache::Levels::from),
            eviction: own.eviction.map(cache::Eviction::from),
        }
    }
}

impl From<Levels> for cache::Levels {
    fn from(levels: Levels) -> Self {
        match levels {
            Levels::Both => Self::Both,
            Levels::MemoryOnly => Self::MemoryOnly,
        }
    }
}

impl From<Eviction> for cache::Eviction {
    fn from(eviction: Eviction) -> Self {
        match eviction {
            Eviction::Lru => Self::Lru,
            Eviction::WTinyLfu => Self::WTinyLfu,
        }
    }
}

impl From<Stamp> for cache::Stamp {
    fn from(stamp: Stamp) -> Self {
        Self {
            put_at_us: stamp.put_at,
            life_us: stamp.life,
            memory_life_us: stamp.memory_life,
            stale: stamp.stale.into(),
        }
    }
}

impl From<cache::Stamp> for Stamp {
    fn from(stamp: cache::Stamp) -> Self {
        Self {
            put_at: stamp.put_at_us,
            life: stamp.life_us,
            memory_life: stamp.memory_life_us,
            stale: StaleLives {
                while_revalidate: stamp.stale.while_revalidate_us,
                if_error: stamp.stale.if_error_us,
            },
        }
    }
}

impl From<Stored> for cache::Stored {
    fn from(stored: Stored) -> Self {
        Self {
            value: stored.value,
            media_type: stored.media_type,
            tags: stored.tags,
            stamp: stored.stamp.into(),
        }
    }
}

/// Options and tags, which cross apart.
pub(crate) fn with_tags(options: Options, tags: Vec<String>) -> cache::Options {
    cache::Options {
        media_type: options.media_type,
        memory_life_us: options.memory_life,
        disk_life_us: options.disk_life,
        tags,
        stale: options.stale.map(cache::StaleLives::from),
    }
}

impl From<Usage> for cache::Usage {
    fn from(Usage { entries, bytes }: Usage) -> Self {
        Self { entries, bytes }
    }
}

impl From<StaleLives> for cache::StaleLives {
    fn from(lives: StaleLives) -> Self {
        Self {
            while_revalidate_us: lives.while_revalidate,
            if_error_us: lives.if_error,
        }
    }
}

impl From<cache::Entry<'_>> for Entry {
    fn from(entry: cache::Entry<'_>) -> Self {
        Self {
            value: entry.value.to_vec(),
            media_type: entry.media_type,
            remaining: entry.remaining_us,
        }
    }
}

impl From<cache::Admitted> for Admitted {
    fn from(admitted: cache::Admitted) -> Self {
        match admitted {
            cache::Admitted::Hit(remaining_us) => Self::Hit(remaining_us),
            cache::Admitted::Miss => Self::Miss,
            cache::Admitted::Remove => Self::Remove,
        }
    }
}

impl From<cache::Place> for Place {
    fn from(cache::Place { namespace, key }: cache::Place) -> Self {
        Self { namespace, key }
    }
}

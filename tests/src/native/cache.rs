//! Two levels of cache.

use weirhouse_core as core;
use weirhouse_core::Now;
use weirhouse_runner::operations::Cache;
use weirhouse_runner::wit::cache::{
    Admitted, Entry, Eviction, LevelTotals, Levels, Lookup, Options, OwnSettings, Place, Settings,
    StaleLives, Stamp, Stored, Totals, Usage,
};
use weirhouse_runner::wit::types::Instant;

use super::{Answer, Native, instant, refused};

impl Native {
    pub(super) fn cache<T>(
        &mut self,
        now: Instant,
        call: impl FnOnce(&mut core::cache::Cache, Now) -> T,
    ) -> T {
        let now = self.0.moment(instant(now));
        call(&mut self.0.cache, now)
    }

    pub(super) fn try_cache<T, E>(
        &mut self,
        now: Instant,
        call: impl FnOnce(&mut core::cache::Cache, Now) -> Result<T, E>,
    ) -> Result<T, E> {
        self.0.try_at(instant(now), |optimizer, now| {
            call(&mut optimizer.cache, now)
        })
    }
}

impl Cache for Native {
    fn cache_configure(&mut self, mono: u64, settings: Settings) -> Answer<()> {
        let settings = core::cache::Settings {
            capacity: settings.capacity,
            max_bytes: settings.max_bytes,
            max_value_bytes: settings.max_value_bytes,
            memory_life_us: settings.memory_life,
            disk_life_us: settings.disk_life,
            levels: levels(settings.levels),
            eviction: eviction(settings.eviction),
        };
        self.0.cache.configure(mono, settings).map_err(refused)
    }

    fn cache_configure_own(&mut self, mono: u64, namespace: &str, own: OwnSettings) -> Answer<()> {
        let own = core::cache::OwnSettings {
            capacity: own.capacity,
            max_bytes: own.max_bytes,
            max_value_bytes: own.max_value_bytes,
            memory_life_us: own.memory_life,
            disk_life_us: own.disk_life,
            levels: own.levels.map(levels),
            eviction: own.eviction.map(eviction),
        };
        let cache = &mut self.0.cache;
        cache.configure_own(mono, namespace, own).map_err(refused)
    }

    fn cache_resize(&mut self, mono: u64, namespace: Option<&str>, capacity: u32) -> Answer<()> {
        self.0
            .cache
            .resize(mono, namespace, capacity)
            .map_err(refused)
    }

    fn cache_get(&mut self, now: Instant, namespace: &str, key: &str) -> Answer<Lookup> {
        self.try_cache(now, |cache, now| {
            Ok(match cache.get(now, namespace, key).map_err(refused)? {
                core::cache::Lookup::Hit(found) => Lookup::Hit(entry(found)),
                core::cache::Lookup::Below => Lookup::Below,
                core::cache::Lookup::Miss => Lookup::Miss,
            })
        })
    }

    fn cache_admit(
        &mut self,
        now: Instant,
        namespace: &str,
        key: &str,
        found: Option<&Stored>,
    ) -> Answer<Admitted> {
        let found = found.map(native_stored);
        self.try_cache(now, |cache, now| cache.admit(now, namespace, key, found))
            .map(admitted)
            .map_err(refused)
    }

    fn cache_warm(
        &mut self,
        now: Instant,
        namespace: &str,
        key: &str,
        found: &Stored,
    ) -> Answer<Admitted> {
        self.try_cache(now, |cache, now| {
            cache.warm(now, namespace, key, native_stored(found))
        })
        .map(admitted)
        .map_err(refused)
    }

    fn cache_put(
        &mut self,
        now: Instant,
        namespace: &str,
        key: &str,
        value: &[u8],
        options: Options,
    ) -> Answer<Option<Stamp>> {
        self.cache_put_tagged(now, namespace, key, value, options, &[])
    }

    fn cache_put_tagged(
        &mut self,
        now: Instant,
        namespace: &str,
        key: &str,
        value: &[u8],
        options: Options,
        tags: &[String],
    ) -> Answer<Option<Stamp>> {
        let options = native_options(options, tags);
        let joined = [value, namespace.as_bytes(), key.as_bytes()].concat();
        let lengths = [namespace, key].map(|name| name.len() as u32);
        let stamp = self
            .try_cache(now, |cache, now| {
                let joined = core::cache::Joined::split(joined, lengths[0], lengths[1])?;
                cache.put_joined(now, joined, options)
            })
            .map_err(refused)?;
        Ok(stamp.map(wit_stamp))
    }

    fn cache_forget(&mut self, now: Instant, namespace: &str, key: &str) -> Answer<()> {
        self.try_cache(now, |cache, now| cache.forget(now, namespace, key))
            .map_err(refused)
    }

    fn cache_delete(&mut self, now: Instant, namespace: &str, key: &str) -> Answer<bool> {
        self.try_cache(now, |cache, now| cache.delete(now, namespace, key))
            .map_err(refused)
    }

    fn cache_clear(&mut self, now: Instant, namespace: Option<&str>) -> Answer<Vec<Place>> {
        Ok(places(
            self.cache(now, |cache, now| cache.clear(now, namespace)),
        ))
    }

    fn cache_invalidate(
        &mut self,
        now: Instant,
        namespace: &str,
        pattern: &str,
    ) -> Answer<Vec<Place>> {
        self.try_cache(now, |cache, now| cache.invalidate(now, namespace, pattern))
            .map(places)
            .map_err(refused)
    }

    fn cache_invalidate_tag(
        &mut self,
        now: Instant,
        namespace: Option<&str>,
        tag: &str,
    ) -> Answer<Vec<Place>> {
        Ok(places(self.cache(now, |cache, now| {
            cache.invalidate_tag(now, namespace, tag)
        })))
    }

    fn cache_matching(&mut self, pattern: &str, keys: &[String]) -> Answer<Vec<u8>> {
        self.0.cache.matching(pattern, keys).map_err(refused)
    }

    fn cache_alive(&mut self, now: Instant, put_at: &[i64], lives: &[i64]) -> Answer<Vec<u8>> {
        self.try_cache(now, |cache, now| cache.alive(now, put_at, lives))
            .map_err(refused)
    }

    fn cache_set_disk_bounds(&mut self, bounds: Usage) -> Answer<()> {
        self.0.cache.set_disk_bounds(usage(bounds));
        Ok(())
    }

    fn cache_trim(&mut self, held: Usage) -> Answer<Option<Usage>> {
        let target = self.0.cache.trim(usage(held));
        Ok(target.map(|core::cache::Usage { entries, bytes }| Usage { entries, bytes }))
    }

    fn cache_sweep_before(&mut self, now: Instant) -> Answer<i64> {
        Ok(self.cache(now, |cache, now| cache.sweep_before(now)))
    }

    fn cache_note_removed(&mut self, evicted: u64, expired: u64) -> Answer<()> {
        self.0.cache.note_removed(evicted, expired);
        Ok(())
    }

    fn cache_totals(&mut self, namespace: Option<&str>) -> Answer<Totals> {
        let totals = self.0.cache.totals(namespace);
        Ok(Totals {
            memory: level(totals.memory),
            memory_entries: totals.memory_entries,
            memory_bytes: totals.memory_bytes,
            disk: level(totals.disk),
            hit_rate: totals.hit_rate,
        })
    }

    fn cache_hottest(&mut self, most: u32) -> Answer<Vec<Place>> {
        Ok(places(self.0.cache.hottest(most)))
    }
}

fn levels(levels: Levels) -> core::cache::Levels {
    match levels {
        Levels::Both => core::cache::Levels::Both,
        Levels::MemoryOnly => core::cache::Levels::MemoryOnly,
    }
}

fn eviction(eviction: Eviction) -> core::cache::Eviction {
    match eviction {
        Eviction::Lru => core::cache::Eviction::Lru,
        Eviction::WTinyLfu => core::cache::Eviction::WTinyLfu,
    }
}

fn usage(Usage { entries, bytes }: Usage) -> core::cache::Usage {
    core::cache::Usage { entries, bytes }
}

fn places(places: Vec<core::cache::Place>) -> Vec<Place> {
    places.into_iter().map(place).collect()
}

pub(super) fn place(core::cache::Place { namespace, key }: core::cache::Place) -> Place {
    Place { namespace, key }
}

pub(super) fn entry(entry: core::cache::Entry<'_>) -> Entry {
    Entry {
        value: entry.value.to_vec(),
        media_type: entry.media_type,
        remaining: entry.remaining_us,
    }
}

fn admitted(admitted: core::cache::Admitted) -> Admitted {
    match admitted {
        core::cache::Admitted::Hit(remaining_us) => Admitted::Hit(remaining_us),
        core::cache::Admitted::Miss => Admitted::Miss,
        core::cache::Admitted::Remove => Admitted::Remove,
    }
}

pub(super) fn stale_lives(lives: StaleLives) -> core::cache::StaleLives {
    core::cache::StaleLives {
        while_revalidate_us: lives.while_revalidate,
        if_error_us: lives.if_error,
    }
}

pub(super) fn native_options(options: Options, tags: &[String]) -> core::cache::Options {
    core::cache::Options {
        media_type: options.media_type,
        memory_life_us: options.memory_life,
        disk_life_us: options.disk_life,
        tags: tags.to_vec(),
        stale: options.stale.map(stale_lives),
    }
}

pub(super) fn wit_stamp(stamp: core::cache::Stamp) -> Stamp {
    Stamp {
        put_at: stamp.put_at_us,
        life: stamp.life_us,
        memory_life: stamp.memory_life_us,
        stale: StaleLives {
            while_revalidate: stamp.stale.while_revalidate_us,
            if_error: stamp.stale.if_error_us,
        },
    }
}

fn level(totals: core::cache::LevelTotals) -> LevelTotals {
    LevelTotals {
        hits: totals.hits,
        misses: totals.misses,
        evictions: totals.evictions,
        expirations: totals.expirations,
    }
}

pub(super) fn native_stored(stored: &Stored) -> core::cache::Stored {
    core::cache::Stored {
        value: stored.value.clone(),
        media_type: stored.media_type,
        tags: stored.tags.clone(),
        stamp: core::cache::Stamp {
            put_at_us: stored.stamp.put_at,
            life_us: stored.stamp.life,
            memory_life_us: stored.stamp.memory_life,
            stale: stale_lives(stored.stamp.stale),
        },
    }
}

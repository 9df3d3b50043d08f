//! How the cache is kept: all of it, and what namespaces have of their own.

use weirhouse_runner::wit::cache::{
    Eviction, Levels, OwnSettings, Settings as Cache, StaleLives, Usage,
};
use weirhouse_runner::wit::fetch::{Ahead, OwnPolicy, Policy};

use super::fields::{Fields, bytes, share, span_us, span_us_or_none, text, whole, word};
use super::{Config, Fault};
use crate::hub::Namespace;

/// Most of what is counted: far beyond sense, within every type.
const MANY: u64 = u32::MAX as u64;

/// The optimizer's own bounds on the second level, `cache.set-disk-bounds`.
pub(super) const DEFAULT_DISK: Usage = Usage {
    entries: 50_000,
    bytes: 64 << 20,
};

/// The optimizer's own, `cache.settings`.
pub(super) const DEFAULT_CACHE: Cache = Cache {
    capacity: 100,
    max_bytes: 16 << 20,
    max_value_bytes: 1 << 20,
    memory_life: 300_000_000,
    disk_life: 3_600_000_000,
    levels: Levels::Both,
    eviction: Eviction::Lru,
};

/// The optimizer's own, `fetch.policy`.
pub(super) const DEFAULT_FETCH: Policy = Policy {
    stale: StaleLives {
        while_revalidate: 0,
        if_error: 0,
    },
    negative_life: None,
    lease: 30_000_000,
    refresh_ahead: None,
};

/// Reads that make a value worth fetching ahead: more than one or two.
const LEAST_READS: u32 = 3;

pub(super) const LEVELS: [(&str, Levels); 2] =
    [("both", Levels::Both), ("memory-only", Levels::MemoryOnly)];
pub(super) const EVICTIONS: [(&str, Eviction); 2] =
    [("lru", Eviction::Lru), ("w-tiny-lfu", Eviction::WTinyLfu)];

/// `[cache]`.
pub(super) fn cache(config: &mut Config, mut fields: Fields<'_>, faults: &mut Vec<Fault>) {
    let kept = kept(&mut fields, faults);
    let cache = config.hub.cache.get_or_insert(DEFAULT_CACHE);
    put(&mut cache.capacity, kept.capacity);
    put(&mut cache.max_bytes, kept.max_bytes);
    put(&mut cache.max_value_bytes, kept.max_value_bytes);
    put(&mut cache.memory_life, kept.memory_life);
    put(&mut cache.disk_life, kept.disk_life);
    put(&mut cache.levels, kept.levels);
    put(&mut cache.eviction, kept.eviction);
    let disk = config.hub.disk_bounds.get_or_insert(DEFAULT_DISK);
    fields.set("disk_entries", faults, &mut disk.entries, whole(0, MANY));
    fields.set("disk_bytes", faults, &mut disk.bytes, bytes);
    let policy = config.hub.fetch.get_or_insert(DEFAULT_FETCH);
    let fetched = fetched(&mut fields, faults, policy.refresh_ahead);
    put(&mut policy.stale.while_revalidate, fetched.while_revalidate);
    put(&mut policy.stale.if_error, fetched.if_error);
    if let Some(life) = fetched.negative_life {
        policy.negative_life = Some(life).filter(|life| *life > 0);
    }
    put(&mut policy.lease, fetched.lease);
    policy.refresh_ahead = fetched.refresh_ahead.filter(|ahead| ahead.share > 0.0);
    fields.finish(config, faults);
}

/// All `[[namespace]]`.
pub(super) fn namespaces(
    config: &mut Config,
    tables: Vec<Fields<'_>>,
    faults: &mut Vec<Fault>,
) -> Vec<Namespace> {
    let mut namespaces: Vec<Namespace> = Vec::with_capacity(tables.len());
    for mut fields in tables {
        let name = fields.take("name", faults, text);
        let kept = kept(&mut fields, faults);
        let fetched = fetched(&mut fields, faults, None);
        match name {
            Some(name) if namespaces.iter().any(|other| other.name == name) => {
                let message = format!("another [[namespace]] is called {name:?} already");
                faults.push(fields.wrong_value("name", message));
            }
            Some(name) => namespaces.push(Namespace {
                name,
                kept,
                fetched,
            }),
            None => faults.push(fields.wrong("must have a `name`, such as \"weather\"")),
        }
        fields.finish(config, faults);
    }
    namespaces
}

/// What is said of how values are kept.
fn kept(fields: &mut Fields<'_>, faults: &mut Vec<Fault>) -> OwnSettings {
    OwnSettings {
        capacity: fields.take("entries", faults, whole(0, MANY)),
        max_bytes: fields.take("bytes", faults, bytes),
        max_value_bytes: fields.take("value_bytes", faults, bytes),
        memory_life: fields.take("memory_life", faults, span_us),
        disk_life: fields.take("disk_life", faults, span_us),
        levels: fields.take("levels", faults, word(&LEVELS)),
        eviction: fields.take("eviction", faults, word(&EVICTIONS)),
    }
}

/// What is said of how values are fetched that the cache has not.
fn fetched(
    fields: &mut Fields<'_>,
    faults: &mut Vec<Fault>,
    ahead_before: Option<Ahead>,
) -> OwnPolicy {
    OwnPolicy {
        while_revalidate: fields.take("stale_while_revalidate", faults, span_us_or_none),
        if_error: fields.take("stale_if_error", faults, span_us_or_none),
        negative_life: fields.take("negative_life", faults, span_us_or_none),
        lease: fields.take("lease", faults, span_us),
        refresh_ahead: ahead(fields, faults, ahead_before),
    }
}

/// Both keys of fetching ahead make one setting.
fn ahead(fields: &mut Fields<'_>, faults: &mut Vec<Fault>, before: Option<Ahead>) -> Option<Ahead> {
    let share = fields.take("refresh_ahead", faults, share);
    let reads = fields.take("refresh_ahead_reads", faults, whole(0, MANY));
    let least_reads = before.map_or(LEAST_READS, |ahead| ahead.least_reads);
    let ahead = share.map(|share| Ahead { share, least_reads }).or(before);
    if ahead.is_none() && reads.is_some() {
        faults.push(fields.wrong_value(
            "refresh_ahead_reads",
            "means nothing without `refresh_ahead`, such as 0.2 for the last fifth of a life",
        ));
    }
    ahead.map(|ahead| Ahead {
        least_reads: reads.unwrap_or(ahead.least_reads),
        ..ahead
    })
}

fn put<T>(target: &mut T, said: Option<T>) {
    if let Some(said) = said {
        *target = said;
    }
}

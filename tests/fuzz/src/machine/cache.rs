//! The cache, its fetches and its removals.

use weirhouse_core::cache::{
    self, Answer, Eviction, Joined, Levels, OwnPolicy, OwnSettings, Part, Policy, RefreshAhead,
    Resumed, Settings, StaleLives, Stamp, Stored, Usage,
};

use super::{Machine, Outcome, pick};
use crate::argument::{Length, Name, names};
use crate::operation::{Cache, Fetch, Options, Record, Removals};

impl Machine {
    pub(super) fn cache(&mut self, call: &Cache) -> Outcome {
        let now = self.now();
        let cache = &mut self.optimizer.cache;
        match call {
            Cache::Configure {
                namespace,
                capacity,
                max_bytes,
                memory_life,
                disk_life,
                memory_only,
                w_tiny_lfu,
            } => {
                let settings = Settings {
                    capacity: capacity.0,
                    max_bytes: u64::from(max_bytes.0),
                    max_value_bytes: 64,
                    memory_life_us: memory_life.0,
                    disk_life_us: disk_life.0,
                    levels: if *memory_only {
                        Levels::MemoryOnly
                    } else {
                        Levels::Both
                    },
                    eviction: if *w_tiny_lfu {
                        Eviction::WTinyLfu
                    } else {
                        Eviction::Lru
                    },
                };
                match namespace {
                    None => cache.configure(now.mono_us, settings)?,
                    // A life of 0 would be refused: some have none of their own.
                    Some(namespace) => {
                        let own = OwnSettings {
                            memory_life_us: (memory_life.0 != 0).then_some(memory_life.0),
                            ..settings.into()
                        };
                        cache.configure_own(now.mono_us, &namespace.0, own)?;
                    }
                }
            }
            Cache::Resize(namespace, capacity) => {
                cache.resize(now.mono_us, text(namespace), capacity.0)?
            }
            Cache::Get(namespace, key) => {
                cache.get(now, &namespace.0, &key.0)?;
            }
            Cache::Admit(namespace, key, found) => {
                let found = found.as_ref().map(|record| stored(now.dated_us, record));
                cache.admit(now, &namespace.0, &key.0, found)?;
            }
            Cache::Warm(namespace, key, record) => {
                cache.warm(now, &namespace.0, &key.0, stored(now.dated_us, record))?;
            }
            Cache::Put(namespace, key, value, with) => {
                let (namespace, key) = (namespace.0.as_bytes(), key.0.as_bytes());
                let joined = [value, namespace, key].concat();
                // Now and then lengths that fall anywhere, or nowhere.
                let off = value.get(7).map_or(0, |off| u32::from(*off));
                let lengths = (namespace.len() as u32 + off, key.len() as u32);
                let joined = Joined::split(joined, lengths.0, lengths.1)?;
                cache.put_joined(now, joined, options(with))?;
            }
            Cache::Fill(namespace, count) => {
                for number in 0..*count {
                    let key = number.to_string();
                    let put = cache.put(now, &namespace.0, &key, vec![number], Default::default());
                    // A longer key may be refused after a shorter one was taken.
                    if number == 0 {
                        put?;
                    }
                }
            }
            Cache::Forget(namespace, key) => cache.forget(now, &namespace.0, &key.0)?,
            Cache::Delete(namespace, key) => {
                cache.delete(now, &namespace.0, &key.0)?;
            }
            Cache::Clear(namespace) => {
                cache.clear(now, text(namespace));
            }
            Cache::Invalidate(namespace, pattern) => {
                cache.invalidate(now, &namespace.0, &pattern.0)?;
            }
            Cache::InvalidateTag(namespace, tag) => {
                cache.invalidate_tag(now, text(namespace), &tag.0);
            }
            Cache::ClearAffected(event) => {
                cache.clear_affected(now, &event.0);
            }
            Cache::Matching(pattern, keys) => {
                cache.matching(&pattern.0, &names(keys))?;
            }
            Cache::Alive(put_at, lives) => {
                let lives: Vec<_> = lives.iter().map(|life| life.0).collect();
                cache.alive(now, put_at, &lives)?;
            }
            Cache::DiskBounds(entries, bytes) => cache.set_disk_bounds(Usage {
                entries: *entries,
                bytes: *bytes,
            }),
            Cache::Trim(entries, bytes) => {
                cache.trim(Usage {
                    entries: *entries,
                    bytes: *bytes,
                });
            }
            Cache::SweepBefore => {
                cache.sweep_before(now);
            }
            Cache::NoteRemoved(evicted, expired) => {
                // Sums of what a store can hold stay far below the bound.
                cache.note_removed(evicted >> 32, expired >> 32);
            }
            Cache::Totals(namespace) => {
                let totals = cache.totals(text(namespace));
                assert!((0.0..=1.0).contains(&totals.hit_rate));
                cache.fetch_totals(text(namespace));
                cache.removal_totals();
            }
            Cache::Hottest(most) => {
                cache.hottest(most.0);
            }
            Cache::CacheKey(parts) => {
                let parts: Vec<_> = parts
                    .iter()
                    .map(|(kind, one, other)| match kind % 3 {
                        0 => Part::Positional(one.0.clone()),
                        1 => Part::Named {
                            name: one.0.clone(),
                            value: other.0.clone(),
                        },
                        _ => Part::Symmetric(one.0.clone(), other.0.clone()),
                    })
                    .collect();
                cache::cache_key(&parts)?;
            }
        }
        Ok(())
    }

    pub(super) fn fetch(&mut self, call: &Fetch) -> Outcome {
        let now = self.now();
        let lease = |back: &u8| pick(&self.leases, *back).unwrap_or_default();
        let cache = &mut self.optimizer.cache;
        match call {
            Fetch::Policy {
                namespace,
                stale,
                negative_life,
                lease,
                ahead,
            } => {
                let stale = stale_lives(*stale);
                let negative_life_us = negative_life.map(|life| life.0);
                let refresh_ahead = ahead.map(|(share, reads)| RefreshAhead {
                    share: share.0,
                    least_reads: reads.0,
                });
                match namespace {
                    None => cache.set_policy(Policy {
                        stale,
                        negative_life_us,
                        lease_us: lease.0,
                        refresh_ahead,
                    })?,
                    Some(namespace) => {
                        let own = OwnPolicy {
                            while_revalidate_us: Some(stale.while_revalidate_us),
                            if_error_us: None,
                            negative_life_us,
                            lease_us: Some(lease.0),
                            refresh_ahead,
                        };
                        cache.set_own_policy(&namespace.0, own)?;
                    }
                }
            }
            Fetch::Ask(namespace, key) => {
                let begun = match cache.ask(now, &namespace.0, &key.0)? {
                    Answer::Fetch(lease) => Some(lease),
                    Answer::Stale(_, lease) => lease,
                    _ => None,
                };
                self.leases.extend(begun.map(|lease| lease.id));
            }
            Fetch::Resume(namespace, key, found) => {
                let found = found.as_ref().map(|record| stored(now.dated_us, record));
                let begun = match cache.resume(now, &namespace.0, &key.0, found)? {
                    Resumed::Fetch(lease) => Some(lease),
                    Resumed::Stale(_, lease) => lease,
                    _ => None,
                };
                self.leases.extend(begun.map(|lease| lease.id));
            }
            Fetch::Fulfil(namespace, key, back, value, with) => {
                let lease = lease(back);
                let with = options(with);
                cache.fulfil(now, &namespace.0, &key.0, lease, value.clone(), with)?;
            }
            Fetch::Nothing(namespace, key, back, life) => {
                let life_us = life.map(|life| life.0);
                cache.nothing(now, &namespace.0, &key.0, lease(back), life_us)?;
            }
            Fetch::Fail(namespace, key, back) => {
                cache.fail(now, &namespace.0, &key.0, lease(back))?;
            }
            Fetch::Rescue(namespace, key, record) => {
                cache.rescue(now, &namespace.0, &key.0, &stored(now.dated_us, record))?;
            }
            Fetch::PollAhead(most) => {
                let ahead = cache.poll_ahead(now, most.0);
                self.leases.extend(ahead.iter().map(|ahead| ahead.lease.id));
            }
            Fetch::LeaseAhead(namespace, key) => {
                let begun = cache.lease_ahead(now, &namespace.0, &key.0)?;
                self.leases.extend(begun.map(|lease| lease.id));
            }
        }
        Ok(())
    }

    pub(super) fn removals(&mut self, call: &Removals) -> Outcome {
        let now = self.now();
        let cache = &mut self.optimizer.cache;
        match call {
            Removals::Poll(most) => {
                let removals = cache.poll_removals(most.0);
                self.removals
                    .extend(removals.iter().map(|removal| removal.sequence));
            }
            Removals::Acknowledge(back) => {
                let sequence = pick(&self.removals, *back).unwrap_or_default();
                cache.acknowledge_removals(sequence)?;
            }
            Removals::AcknowledgeAny(sequence) => {
                cache.acknowledge_removals(*sequence)?;
            }
            Removals::Removed(before_us, put_at_us) => {
                cache.removed(now, *before_us, put_at_us);
            }
        }
        Ok(())
    }
}

fn text(name: &Option<Name>) -> Option<&str> {
    name.as_ref().map(|name| name.0.as_str())
}

fn stale_lives((while_revalidate, if_error): (Length, Length)) -> StaleLives {
    StaleLives {
        while_revalidate_us: while_revalidate.0,
        if_error_us: if_error.0,
    }
}

fn options(options: &Options) -> cache::Options {
    cache::Options {
        media_type: 0,
        memory_life_us: options.memory_life.map(|life| life.0),
        disk_life_us: options.disk_life.map(|life| life.0),
        tags: names(&options.tags),
        stale: options.stale.map(stale_lives),
    }
}

fn stored(dated_us: i64, record: &Record) -> Stored {
    let age = record.age.map(|age| dated_us.saturating_sub(age.0));
    Stored {
        value: record.value.clone(),
        media_type: 0,
        tags: names(&record.tags),
        stamp: Stamp {
            put_at_us: age.unwrap_or(record.put_at),
            life_us: record.life.0,
            memory_life_us: record.memory_life.0,
            stale: stale_lives((record.while_revalidate, record.if_error)),
        },
    }
}

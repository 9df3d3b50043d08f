//! Fetching against a slow and obvious model: at most one lease on a key, a
//! failure never remembered, nothing never a value, stale never past its limit.
//!
//! The namespace is one that only memory keeps, so that every answer follows
//! from what was said to the cache.

use alloc::collections::BTreeMap;
use alloc::format;

use proptest::prelude::*;

use super::*;

const NAMESPACE: &str = "porch";
const LIFE_US: i64 = 6;
const STALE: StaleLives = StaleLives {
    while_revalidate_us: 5,
    if_error_us: 8,
};
const LEASE_US: i64 = 4;
const NEGATIVE_US: i64 = 3;

#[derive(Debug, Clone, Copy)]
enum Step {
    Advance(u64),
    Ask(u8),
    Put(u8),
    Delete(u8),
    Fulfil(prop::sample::Index),
    FindNothing(prop::sample::Index),
    Fail(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || 0..2_u8;
    let fetch = any::<prop::sample::Index>;
    let step = prop_oneof![
        6 => (0..7_u64).prop_map(Step::Advance),
        8 => key().prop_map(Step::Ask),
        1 => key().prop_map(Step::Put),
        1 => key().prop_map(Step::Delete),
        4 => fetch().prop_map(Step::Fulfil),
        1 => fetch().prop_map(Step::FindNothing),
        2 => fetch().prop_map(Step::Fail),
    ];
    prop::collection::vec(step, 1..100)
}

#[derive(Debug, Clone, Copy)]
struct Fetch {
    key: u8,
    lease: u64,
    /// When it began, among all that happened.
    began: u64,
    until_us: i64,
}

/// What is known of one key.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// A value's number and date.
    value: Option<(u64, i64)>,
    nothing_until_us: i64,
    /// What happened up to here is outdated.
    since: u64,
    /// The lease given last, unless it was settled or voided.
    leased: Option<u64>,
}

struct Pair {
    cache: Cache,
    now_us: i64,
    /// Numbers what happens; a value's number is its content.
    happened: u64,
    known: BTreeMap<u8, Known>,
    fetches: Vec<Fetch>,
}

impl Pair {
    fn new() -> Self {
        let mut cache = Cache::new();
        let settings = Settings {
            levels: Levels::MemoryOnly,
            memory_life_us: LIFE_US,
            ..Settings::default()
        };
        let policy = Policy {
            stale: STALE,
            negative_life_us: Some(NEGATIVE_US),
            lease_us: LEASE_US,
            refresh_ahead: None,
        };
        cache.configure(0, settings).expect("proper settings");
        cache.set_policy(policy).expect("proper policy");
        Self {
            cache,
            now_us: 0,
            happened: 0,
            known: BTreeMap::new(),
            fetches: Vec::new(),
        }
    }

    fn now(&self) -> Now {
        Now {
            mono_us: self.now_us.unsigned_abs(),
            dated_us: EPOCH_US + self.now_us,
        }
    }

    fn next(&mut self) -> u64 {
        self.happened += 1;
        self.happened
    }

    fn known(&self, key: u8) -> Known {
        self.known.get(&key).copied().unwrap_or_default()
    }

    /// The fetch that holds the lease on a key.
    fn holder(&self, key: u8) -> Option<Fetch> {
        let lease = self.known(key).leased?;
        let fetch = self.fetches.iter().find(|fetch| fetch.lease == lease)?;
        (fetch.until_us > self.now_us).then_some(*fetch)
    }

    fn begin(&mut self, key: u8, lease: Lease) -> Result<(), TestCaseError> {
        prop_assert!(self.holder(key).is_none(), "two leases on one key");
        prop_assert_eq!(lease.life_us, LEASE_US);
        let began = self.next();
        let fetch = Fetch {
            key,
            lease: lease.id,
            began,
            until_us: self.now_us + LEASE_US,
        };
        let mut known = self.known(key);
        known.leased = Some(lease.id);
        // Of the fetches that can still be taken, four are remembered.
        let mut takeable: Vec<u64> = self
            .fetches
            .iter()
            .filter(|fetch| fetch.key == key && fetch.began > known.since)
            .map(|fetch| fetch.began)
            .collect();
        takeable.sort_unstable();
        if let [oldest, _, _, _, ..] = takeable[..] {
            known.since = known.since.max(oldest);
        }
        self.known.insert(key, known);
        self.fetches.push(fetch);
        Ok(())
    }

    fn ask(&mut self, key: u8) -> Result<(), TestCaseError> {
        let known = self.known(key);
        let now = self.now();
        let name = format!("k{key}");
        let holder = self.holder(key);
        let number = |value: &[u8]| u64::from_le_bytes(value.try_into().expect("a number"));
        let answer = self.cache.ask(now, NAMESPACE, &name).expect("proper key");
        // How long the value has lived past its life; under 0 while it is fresh.
        let past_us = known
            .value
            .map(|(_, put_us)| self.now_us - put_us - LIFE_US);
        let granted = match answer {
            Answer::Fresh(entry) => {
                prop_assert_eq!(Some(number(entry.value)), known.value.map(|(n, _)| n));
                prop_assert_eq!(Some(-entry.remaining_us), past_us);
                prop_assert!(entry.remaining_us > 0);
                None
            }
            Answer::Stale(stale, lease) => {
                prop_assert_eq!(Some(number(stale.value)), known.value.map(|(n, _)| n));
                prop_assert_eq!(Some(stale.stale_for_us), past_us);
                prop_assert!((0..STALE.while_revalidate_us).contains(&stale.stale_for_us));
                prop_assert_eq!(lease.is_none(), holder.is_some());
                lease
            }
            Answer::Nothing(remaining_us) => {
                prop_assert_eq!(remaining_us, known.nothing_until_us - self.now_us);
                prop_assert!(remaining_us > 0 && known.value.is_none());
                None
            }
            Answer::Fetch(_) | Answer::Wait(_) => {
                prop_assert!(past_us.is_none_or(|past_us| past_us >= STALE.while_revalidate_us));
                prop_assert!(known.nothing_until_us <= self.now_us);
                match (answer, holder) {
                    (Answer::Fetch(lease), None) => Some(lease),
                    (Answer::Wait(at_most_us), Some(holder)) => {
                        prop_assert_eq!(at_most_us, holder.until_us - self.now_us);
                        None
                    }
                    other => panic!("{other:?}"),
                }
            }
            Answer::Below => panic!("nothing is below"),
        };
        granted.map_or(Ok(()), |lease| self.begin(key, lease))
    }

    /// Takes a fetch out; says whether its result is to be taken.
    fn settle(&mut self, index: prop::sample::Index) -> Option<(Fetch, bool)> {
        if self.fetches.is_empty() {
            return None;
        }
        let fetch = self.fetches.remove(index.index(self.fetches.len()));
        let known = self.known.entry(fetch.key).or_default();
        if known.leased == Some(fetch.lease) {
            known.leased = None;
        }
        Some((fetch, fetch.began > known.since))
    }

    fn perform(&mut self, step: Step) -> Result<(), TestCaseError> {
        let now = self.now();
        match step {
            Step::Advance(by_us) => self.now_us += by_us.cast_signed(),
            Step::Ask(key) => self.ask(key)?,
            Step::Put(key) => {
                let number = self.next();
                let value = number.to_le_bytes().to_vec();
                let name = format!("k{key}");
                let put = self
                    .cache
                    .put(now, NAMESPACE, &name, value, Options::default());
                prop_assert_eq!(put, Ok(None));
                let known = Known {
                    value: Some((number, self.now_us)),
                    since: number,
                    ..Known::default()
                };
                self.known.insert(key, known);
            }
            Step::Delete(key) => {
                let past = self
                    .known(key)
                    .value
                    .map(|(_, put_us)| self.now_us - put_us);
                let fresh = past.is_some_and(|age_us| age_us < LIFE_US);
                let deleted = self.cache.delete(now, NAMESPACE, &format!("k{key}"));
                prop_assert_eq!(deleted, Ok(fresh));
                let since = self.next();
                let known = Known {
                    since,
                    ..Known::default()
                };
                self.known.insert(key, known);
            }
            Step::Fulfil(index) => {
                let Some((fetch, newest)) = self.settle(index) else {
                    return Ok(());
                };
                let name = format!("k{}", fetch.key);
                let value = fetch.began.to_le_bytes().to_vec();
                let options = Options::default();
                let kept = self
                    .cache
                    .fulfil(now, NAMESPACE, &name, fetch.lease, value, options);
                let expected = if newest {
                    Fulfilled::Kept(None)
                } else {
                    Fulfilled::Superseded
                };
                prop_assert_eq!(kept, Ok(expected));
                if newest {
                    let known = self.known.entry(fetch.key).or_default();
                    known.value = Some((fetch.began, self.now_us));
                    known.nothing_until_us = 0;
                    known.since = fetch.began;
                }
            }
            Step::FindNothing(index) => {
                let Some((fetch, newest)) = self.settle(index) else {
                    return Ok(());
                };
                let name = format!("k{}", fetch.key);
                let taken = self.cache.nothing(now, NAMESPACE, &name, fetch.lease, None);
                prop_assert_eq!(taken, Ok(newest));
                if newest {
                    let known = self.known.entry(fetch.key).or_default();
                    known.value = None;
                    known.nothing_until_us = self.now_us + NEGATIVE_US;
                    known.since = fetch.began;
                }
            }
            Step::Fail(index) => {
                let Some((fetch, _)) = self.settle(index) else {
                    return Ok(());
                };
                let name = format!("k{}", fetch.key);
                let past_us = self
                    .known(fetch.key)
                    .value
                    .map(|(_, put_us)| self.now_us - put_us - LIFE_US)
                    .filter(|past_us| *past_us < STALE.if_error_us);
                let rescue = self.cache.fail(now, NAMESPACE, &name, fetch.lease);
                let served = match rescue {
                    Ok(Rescue::Value(stale)) => Some(stale.stale_for_us),
                    Ok(Rescue::Nothing) => None,
                    other => panic!("{other:?}"),
                };
                prop_assert_eq!(served, past_us.map(|past_us| past_us.max(0)));
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn fetching_does_what_the_slow_model_does(steps in steps()) {
        let mut pair = Pair::new();
        for step in steps {
            pair.perform(step)?;
        }
    }
}

//! Nothing that was removed comes back, and nothing old replaces something
//! newer, over a store that performs what it is told late and loses in a crash
//! what it has not committed.

use alloc::collections::BTreeMap;
use alloc::format;

use proptest::prelude::*;

use crate::entities::Entities;
use crate::snapshot::Section as _;

use super::*;

type Name = (u8, u8);

const MOST_STEPS: i32 = 150;
/// What an instance takes to start. Removals and writes in turn, all in one
/// microsecond, are dated a microsecond apart: no instance starts so soon that
/// its clock is behind the dates of the one before.
const STARTING_US: i64 = MOST_STEPS as i64;

fn place((namespace, key): Name) -> Place {
    Place::new(&format!("n{namespace}"), &format!("k{key}"))
}

/// `held` is what a read sees, `durable` what a crash leaves.
#[derive(Debug, Default)]
struct Store {
    held: BTreeMap<Place, Stored>,
    durable: BTreeMap<Place, Stored>,
    /// Removals that were handed out and not performed yet.
    told: Vec<Removal>,
    /// The latest removal performed in `held`, and for good.
    performed: u64,
    performed_for_good: u64,
}

impl Store {
    fn perform(&mut self, cache: &Cache, now: Now) {
        for removal in core::mem::take(&mut self.told) {
            self.held.retain(|place, record| {
                let put_at_us = record.stamp.put_at_us;
                !is_in_scope(&removal.scope, place, &record.tags)
                    || cache.removed(now, removal.before_us, &[put_at_us]) == [0]
            });
            self.performed = removal.sequence;
        }
    }

    fn commit(&mut self) {
        self.durable = self.held.clone();
        self.performed_for_good = self.performed;
    }

    /// Starts anew with what is durable.
    fn open_again(&mut self) {
        *self = Self {
            held: self.durable.clone(),
            durable: core::mem::take(&mut self.durable),
            ..Self::default()
        };
    }
}

fn is_in_scope(scope: &Scope, place: &Place, tags: &[String]) -> bool {
    match scope {
        Scope::Key(removed) => removed == place,
        // The only patterns here end in the last character of a key.
        Scope::Glob { namespace, pattern } => {
            *namespace == place.namespace && pattern.chars().last() == place.key.chars().last()
        }
        Scope::Tag { namespace, tag } => {
            let confined = namespace.as_ref();
            confined.is_none_or(|ns| *ns == place.namespace) && tags.contains(tag)
        }
        Scope::Namespace(namespace) => *namespace == place.namespace,
        Scope::All => true,
    }
}

#[derive(Debug, Clone)]
enum Step {
    Advance(u64),
    Put(Name, u8),
    Get(Name),
    /// Reads the store for a get that is answered later.
    BeginRead(Name),
    EndRead,
    Warm(Name),
    /// Gets a lease, if it can; the fetch sees the world of this moment.
    Ask(Name, u8),
    Fulfil(prop::sample::Index),
    FindNothing(prop::sample::Index),
    Evict(Name),
    Remove(Removing),
    Poll(u32),
    Perform,
    Commit,
    Acknowledge,
    Snapshot,
    Crash,
    Restart,
}

#[derive(Debug, Clone)]
enum Removing {
    Key(Name),
    Glob(u8, u8),
    Tag(Option<u8>, u8),
    Namespace(u8),
    All,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    use Step as S;
    let name = || (0..2_u8, 0..3_u8);
    let fetch = any::<prop::sample::Index>;
    let removing = prop_oneof![
        6 => name().prop_map(Removing::Key),
        1 => (0..2_u8, 0..3_u8).prop_map(|(ns, digit)| Removing::Glob(ns, digit)),
        1 => (prop::option::of(0..2_u8), 0..2_u8).prop_map(|(ns, tag)| Removing::Tag(ns, tag)),
        1 => (0..2_u8).prop_map(Removing::Namespace),
        1 => Just(Removing::All),
    ];
    let step = prop_oneof![
        4 => (0..3_u64).prop_map(S::Advance),
        6 => (name(), 0..2_u8).prop_map(|(name, tag)| S::Put(name, tag)),
        6 => name().prop_map(S::Get),
        3 => name().prop_map(S::BeginRead),
        3 => Just(S::EndRead),
        1 => name().prop_map(S::Warm),
        5 => (name(), 0..2_u8).prop_map(|(name, tag)| S::Ask(name, tag)),
        4 => fetch().prop_map(S::Fulfil),
        1 => fetch().prop_map(S::FindNothing),
        4 => name().prop_map(S::Evict),
        7 => removing.prop_map(S::Remove),
        4 => (1..4_u32).prop_map(S::Poll),
        3 => Just(S::Perform),
        3 => Just(S::Commit),
        3 => Just(S::Acknowledge),
        1 => Just(S::Snapshot),
        1 => Just(S::Crash),
        1 => Just(S::Restart),
    ];
    prop::collection::vec(step, 1..=MOST_STEPS as usize)
}

/// A value that was written or is being fetched; its number is its content.
#[derive(Debug, Clone)]
struct Write {
    place: Place,
    tags: Vec<String>,
    /// The removal that took it away.
    removed_by: Option<u64>,
}

#[derive(Debug, Clone)]
struct Fetch {
    place: Place,
    lease: u64,
    number: usize,
}

#[derive(Default)]
struct World {
    cache: Cache,
    store: Store,
    mono_us: u64,
    passed_us: i64,
    writes: Vec<Write>,
    /// The number last written under each place.
    latest: BTreeMap<Place, usize>,
    reading: Vec<(Place, Option<Stored>)>,
    fetching: Vec<Fetch>,
    snapshot: (u64, Vec<Removal>),
}

impl World {
    fn now(&self) -> Now {
        Now {
            mono_us: self.mono_us,
            dated_us: EPOCH_US + self.passed_us,
        }
    }

    fn write(&mut self, name: Name, tag: u8) -> usize {
        self.writes.push(Write {
            place: place(name),
            tags: vec![format!("t{tag}")],
            removed_by: None,
        });
        self.writes.len() - 1
    }

    fn options(&self, number: usize) -> Options {
        Options {
            tags: self.writes[number].tags.clone(),
            ..Options::default()
        }
    }

    /// Stores a write, or takes note that it was superseded.
    fn keep(&mut self, number: usize, stamp: Option<Stamp>) -> Result<(), TestCaseError> {
        let Write {
            place,
            tags,
            removed_by,
        } = self.writes[number].clone();
        let latest = self.latest.insert(place.clone(), number);
        prop_assert!(latest < Some(number), "{number} replaced {latest:?}");
        prop_assert_eq!(removed_by, None, "{} came after its removal", number);
        let record = Stored {
            value: number.to_le_bytes().to_vec(),
            media_type: 0,
            tags,
            stamp: stamp.expect("both levels"),
        };
        self.store.held.insert(place, record);
        Ok(())
    }

    fn check(&self, value: &[u8]) -> Result<(), TestCaseError> {
        let number = usize::from_le_bytes(value.try_into().expect("a number was put"));
        let write = &self.writes[number];
        prop_assert_eq!(write.removed_by, None, "{:?} came back", write);
        Ok(())
    }

    fn admit(&mut self, place: &Place, found: Option<Stored>) -> Result<(), TestCaseError> {
        let Place { namespace, key } = place;
        let admitted = self
            .cache
            .admit(self.now(), namespace, key, found.clone())
            .expect("proper record");
        // A record that was to be removed stays: that is the harder case.
        if let (Admitted::Hit(_), Some(record)) = (admitted, found) {
            self.check(&record.value)?;
        }
        Ok(())
    }

    fn remove(&mut self, removing: &Removing) {
        let now = self.now();
        let ns = |namespace: u8| format!("n{namespace}");
        match removing {
            Removing::Key(name) => {
                let Place { namespace, key } = place(*name);
                self.cache
                    .delete(now, &namespace, &key)
                    .expect("proper key");
            }
            Removing::Glob(namespace, digit) => {
                let pattern = format!("*{digit}");
                self.cache
                    .invalidate(now, &ns(*namespace), &pattern)
                    .expect("proper glob");
            }
            Removing::Tag(namespace, tag) => {
                let namespace = namespace.map(ns);
                self.cache
                    .invalidate_tag(now, namespace.as_deref(), &format!("t{tag}"));
            }
            Removing::Namespace(namespace) => {
                self.cache.clear(now, Some(&ns(*namespace)));
            }
            Removing::All => {
                self.cache.clear(now, None);
            }
        }
        let (latest, pending) = self.cache.removals.save(self.now());
        let decided = pending.last().expect("it is pending");
        assert_eq!(decided.sequence, latest);
        self.note_removed(|_, write| is_in_scope(&decided.scope, &write.place, &write.tags));
    }

    /// The removal just decided takes writes away.
    fn note_removed(&mut self, is_removed: impl Fn(usize, &Write) -> bool) {
        let (latest, pending) = self.cache.removals.save(self.now());
        let handed_out = self
            .store
            .told
            .last()
            .map_or(self.store.performed, |last| last.sequence);
        let is_pending = |by: u64| pending.iter().any(|removal| removal.sequence == by);
        for (number, write) in self.writes.iter_mut().enumerate() {
            // A removal that nobody was told of is part of this one from now on.
            let counts = write
                .removed_by
                .is_some_and(|by| by <= handed_out || is_pending(by));
            if !counts && is_removed(number, write) {
                write.removed_by = Some(latest);
            }
        }
    }

    /// A new instance knows the removals of the snapshot only.
    fn start(&mut self) {
        self.cache = open();
        let (latest, pending) = self.snapshot.clone();
        let removals = (latest, pending);
        assert_eq!(Removals::verify(&removals, &Entities::default()), Ok(()));
        self.cache.removals.load(self.now(), removals);
        self.store.open_again();
        self.mono_us = 0;
        self.passed_us += STARTING_US;
        self.reading.clear();
        self.fetching.clear();
    }

    fn perform(&mut self, step: Step) -> Result<(), TestCaseError> {
        let now = self.now();
        match step {
            Step::Advance(by_us) => {
                self.mono_us += by_us;
                self.passed_us += by_us.cast_signed();
            }
            Step::Put(name, tag) => {
                let number = self.write(name, tag);
                let Place { namespace, key } = place(name);
                let value = number.to_le_bytes().to_vec();
                let options = self.options(number);
                let stamp = self.cache.put(now, &namespace, &key, value, options);
                self.keep(number, stamp.expect("proper put"))?;
            }
            Step::Get(name) => {
                let place = place(name);
                match self.cache.get(now, &place.namespace, &place.key) {
                    Ok(Lookup::Hit(entry)) => {
                        let value = entry.value.to_vec();
                        self.check(&value)?;
                    }
                    Ok(Lookup::Below) => {
                        let found = self.store.held.get(&place).cloned();
                        self.admit(&place, found)?;
                    }
                    Ok(Lookup::Miss) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            Step::BeginRead(name) => {
                let place = place(name);
                let found = self.store.held.get(&place).cloned();
                self.reading.push((place, found));
            }
            Step::EndRead => {
                if let Some((place, found)) = self.reading.pop() {
                    self.admit(&place, found)?;
                }
            }
            Step::Warm(name) => {
                let place = place(name);
                if let Some(record) = self.store.held.get(&place).cloned() {
                    let Place { namespace, key } = &place;
                    let warmed = self.cache.warm(now, namespace, key, record.clone());
                    if let Ok(Admitted::Hit(_)) = warmed {
                        self.check(&record.value)?;
                    }
                }
            }
            Step::Evict(name) => {
                let Place { namespace, key } = place(name);
                self.cache
                    .forget(now, &namespace, &key)
                    .expect("proper key");
            }
            Step::Remove(removing) => self.remove(&removing),
            Step::Ask(name, tag) => self.ask(name, tag)?,
            Step::Fulfil(index) => self.fulfil(index)?,
            Step::FindNothing(index) => self.find_nothing(index)?,
            upkeep => self.keep_up(upkeep),
        }
        Ok(())
    }

    fn ask(&mut self, name: Name, tag: u8) -> Result<(), TestCaseError> {
        let now = self.now();
        let place = place(name);
        let Place { namespace, key } = &place;
        let mut lease = None;
        match self.cache.ask(now, namespace, key).expect("proper key") {
            Answer::Fresh(entry) => {
                let value = entry.value.to_vec();
                self.check(&value)?;
            }
            Answer::Below => {
                let found = self.store.held.get(&place).cloned();
                let value = found.as_ref().map(|record| record.value.clone());
                match self.cache.resume(now, namespace, key, found) {
                    Ok(Resumed::Fresh(_)) => self.check(&value.expect("it was found"))?,
                    Ok(Resumed::Fetch(granted)) => lease = Some(granted),
                    Ok(Resumed::Wait(_)) => {}
                    other => panic!("{other:?}"),
                }
            }
            Answer::Fetch(granted) => lease = Some(granted),
            Answer::Stale(..) => panic!("nothing is stale here"),
            Answer::Nothing(_) | Answer::Wait(_) => {}
        }
        if let Some(Lease { id, .. }) = lease {
            let number = self.write(name, tag);
            self.fetching.push(Fetch {
                place,
                lease: id,
                number,
            });
        }
        Ok(())
    }

    fn fulfil(&mut self, index: prop::sample::Index) -> Result<(), TestCaseError> {
        if self.fetching.is_empty() {
            return Ok(());
        }
        let fetch = self.fetching.remove(index.index(self.fetching.len()));
        let Place { namespace, key } = &fetch.place;
        let value = fetch.number.to_le_bytes().to_vec();
        let options = self.options(fetch.number);
        let now = self.now();
        let outcome = self
            .cache
            .fulfil(now, namespace, key, fetch.lease, value, options)
            .expect("proper value");
        if let Fulfilled::Kept(stamp) = outcome {
            self.keep(fetch.number, stamp)?;
        }
        Ok(())
    }

    fn find_nothing(&mut self, index: prop::sample::Index) -> Result<(), TestCaseError> {
        if self.fetching.is_empty() {
            return Ok(());
        }
        let fetch = self.fetching.remove(index.index(self.fetching.len()));
        let Place { namespace, key } = &fetch.place;
        let now = self.now();
        let taken = self
            .cache
            .nothing(now, namespace, key, fetch.lease, Some(2))
            .expect("proper life");
        if taken {
            let latest = self.latest.get(&fetch.place).copied();
            prop_assert!(latest < Some(fetch.number), "{latest:?} was newer");
            // A fetch that began later knows better.
            self.note_removed(|number, write| write.place == fetch.place && number <= fetch.number);
        }
        Ok(())
    }

    fn keep_up(&mut self, step: Step) {
        let now = self.now();
        match step {
            Step::Poll(most) => self.store.told.extend(self.cache.poll_removals(most)),
            Step::Perform => self.store.perform(&self.cache, now),
            Step::Commit => self.store.commit(),
            Step::Acknowledge => {
                // What was read before the removals were performed is too late.
                self.reading.clear();
                self.cache
                    .acknowledge_removals(self.store.performed_for_good)
                    .expect("they were handed out");
            }
            Step::Snapshot => self.snapshot = self.cache.removals.save(self.now()),
            Step::Crash => {
                let (known, for_good) = (self.snapshot.0, self.store.performed_for_good);
                for write in &mut self.writes {
                    // A removal that neither snapshot nor disk has is lost.
                    write.removed_by = write
                        .removed_by
                        .filter(|sequence| *sequence <= known.max(for_good))
                        .map(|_| 0);
                }
                self.start();
            }
            Step::Restart => {
                self.snapshot = self.cache.removals.save(self.now());
                self.store.commit();
                self.start();
            }
            other => panic!("{other:?} is performed elsewhere"),
        }
    }
}

/// Entries are evicted and leases lapse all the time.
fn open() -> Cache {
    let mut cache = limited(2);
    let policy = Policy {
        lease_us: 3,
        ..Policy::default()
    };
    cache.set_policy(policy).expect("proper policy");
    cache
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]
    #[test]
    fn nothing_removed_comes_back_and_nothing_old_replaces_what_is_newer(steps in steps()) {
        let mut world = World { cache: open(), ..World::default() };
        for step in steps {
            world.perform(step)?;
        }
    }
}

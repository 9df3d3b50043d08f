//! What all gates share: the calls of every key on their own, and timers for
//! those that wait.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec::Vec;

use super::{Item, Key};
use crate::Error;

/// Most calls that wait in one gate. Beyond it calls are refused rather than
/// lost.
pub(super) const MOST_WAITING: usize = 100_000;

/// Most keys that one gate remembers. Beyond it calls are refused, for a key
/// forgotten early could run too soon.
const MOST_KEYS: usize = 100_000;

/// A call with its place among all calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) order: u64,
    pub(super) item: Item,
}

/// When a key needs attention: first by time, then in the order of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due {
    pub(super) at_us: u64,
    pub(super) order: u64,
}

/// What came of calls and of time.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Calls that run together, by the order of their first, with their key.
    pub(super) runs: Vec<(Due, Key, Vec<Item>)>,
    /// Calls that will never run, because a later one does in their place.
    pub(super) superseded: Vec<Item>,
}

/// How one kind of gate treats the calls of one key.
pub(super) trait Policy {
    /// What is remembered of a key; one with nothing to remember has none.
    type State: Clone;

    /// Takes a call, and lists in `now` what runs because of it at once.
    fn call(
        &self,
        state: Option<Self::State>,
        now_us: u64,
        call: Call,
        now: &mut Passed,
    ) -> Option<Self::State>;

    /// Does what is due; [`Policy::due`] says that something is.
    fn tick(&self, state: Self::State, now_us: u64, now: &mut Passed) -> Option<Self::State>;

    /// Settings changed: times a state in which nothing waits by the present
    /// ones. What waits keeps its time.
    fn retime(&self, state: &mut Self::State);

    /// When this key needs attention next.
    fn due(state: &Self::State) -> Due;

    /// The calls that wait, in the runs they would make, oldest first.
    fn waiting(state: Self::State) -> Vec<Vec<Call>>;

    /// How many calls wait.
    fn count(state: &Self::State) -> usize;
}

/// What a policy lets through or gives up.
#[derive(Debug, Default)]
pub(super) struct Passed {
    pub(super) runs: Vec<Vec<Call>>,
    pub(super) superseded: Vec<Item>,
}

/// What is left in a gate once everything due is done.
struct Left {
    waiting: usize,
    /// Keys of which nothing is remembered any more.
    forgotten: BTreeSet<Key>,
}

/// One gate.
#[derive(Debug, Clone)]
pub(super) struct Keyed<P: Policy> {
    policy: P,
    states: BTreeMap<Key, P::State>,
    timers: BTreeSet<(Due, Key)>,
    waiting: usize,
}

impl<P: Policy> Keyed<P> {
    pub(super) fn new(policy: P) -> Self {
        Self {
            policy,
            states: BTreeMap::new(),
            timers: BTreeSet::new(),
            waiting: 0,
        }
    }

    /// Changes the policy for the calls to come.
    pub(super) fn configure(&mut self, policy: P) {
        self.policy = policy;
        self.timers.clear();
        for (&key, state) in &mut self.states {
            self.policy.retime(state);
            self.timers.insert((P::due(state), key));
        }
    }

    /// Checks that there is room at `now_us` for so many calls, which are of
    /// these keys. Changes nothing: what is due by then is taken as done.
    pub(super) fn check_room(
        &self,
        now_us: u64,
        calls: usize,
        keys: impl Iterator<Item = Key> + Clone,
    ) -> Result<(), Error> {
        let (waiting, remembered) = (self.waiting, self.states.len());
        if waiting.max(remembered).saturating_add(calls) <= MOST_WAITING.min(MOST_KEYS) {
            return Ok(());
        }
        let left = self.left_at(now_us);
        if left.waiting.saturating_add(calls) > MOST_WAITING {
            return Err(Error::TooLarge(format!(
                "at most {MOST_WAITING} calls wait in a gate; {} do, {calls} more are too many",
                left.waiting
            )));
        }
        let remembered = remembered - left.forgotten.len();
        let known = |key: &Key| self.states.contains_key(key) && !left.forgotten.contains(key);
        let new = keys.filter(|key| !known(key)).collect::<BTreeSet<_>>();
        if remembered + new.len() > MOST_KEYS {
            return Err(Error::TooLarge(format!(
                "at most {MOST_KEYS} keys are remembered in a gate; {remembered} are, {} more are too many",
                new.len()
            )));
        }
        Ok(())
    }

    /// What a tick at `now_us` would leave.
    fn left_at(&self, now_us: u64) -> Left {
        let mut left = Left {
            waiting: self.waiting,
            forgotten: BTreeSet::new(),
        };
        let due = self
            .timers
            .iter()
            .take_while(|(due, _)| due.at_us <= now_us);
        for (_, key) in due {
            let Some(state) = self.states.get(key) else {
                continue;
            };
            left.waiting -= P::count(state);
            let state = state.clone();
            match self.policy.tick(state, now_us, &mut Passed::default()) {
                Some(state) => left.waiting += P::count(&state),
                None => {
                    left.forgotten.insert(*key);
                }
            }
        }
        left
    }

    pub(super) fn call(&mut self, now_us: u64, key: Key, call: Call, effects: &mut Effects) {
        let mut passed = Passed::default();
        let state = self.take(key);
        if let Some(state) = self.policy.call(state, now_us, call, &mut passed) {
            self.put(key, state);
        }
        effects.add(now_us, key, passed);
    }

    pub(super) fn deadline_us(&self) -> Option<u64> {
        self.timers.first().map(|(due, _)| due.at_us)
    }

    /// Does what is due at or before `now_us`.
    pub(super) fn tick(&mut self, now_us: u64, effects: &mut Effects) {
        while let Some(&(due, key)) = self.timers.first()
            && due.at_us <= now_us
        {
            let mut passed = Passed::default();
            let state = self
                .take(key)
                .and_then(|state| self.policy.tick(state, now_us, &mut passed));
            if let Some(state) = state {
                self.put(key, state);
            }
            effects.add(due.at_us, key, passed);
        }
    }

    /// Runs everything that waits, in the order of calls; keys are forgotten.
    pub(super) fn flush(&mut self, now_us: u64, effects: &mut Effects) {
        self.timers.clear();
        self.waiting = 0;
        for (key, state) in core::mem::take(&mut self.states) {
            let passed = Passed {
                runs: P::waiting(state),
                ..Passed::default()
            };
            effects.add(now_us, key, passed);
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    fn take(&mut self, key: Key) -> Option<P::State> {
        let state = self.states.remove(&key)?;
        self.timers.remove(&(P::due(&state), key));
        self.waiting -= P::count(&state);
        Some(state)
    }

    fn put(&mut self, key: Key, state: P::State) {
        self.timers.insert((P::due(&state), key));
        self.waiting += P::count(&state);
        self.states.insert(key, state);
    }
}

impl Effects {
    fn add(&mut self, at_us: u64, key: Key, passed: Passed) {
        self.superseded.extend(passed.superseded);
        for run in passed.runs {
            let order = run.first().map_or(0, |call| call.order);
            let items = run.iter().map(|call| call.item).collect();
            self.runs.push((Due { at_us, order }, key, items));
        }
    }
}

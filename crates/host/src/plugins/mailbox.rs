//! What waits for a plugin: readings, refreshed entities, questions, orders.

use std::collections::{HashSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use weirhouse_runner::plugin::wit::ttl::{Entry, Lifetime};

use super::actor::Order;

/// Most readings in one call.
const MOST_IN_BATCH: usize = 256;

/// A reading that waits for advice.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub(crate) entity_id: Box<str>,
    pub(crate) text: String,
    /// When it came, in milliseconds since the epoch.
    pub(crate) at_ms: u64,
}

/// Where a plugin is asked.
#[derive(Default)]
pub struct Mailbox {
    inbox: Mutex<Inbox>,
    wake: Condvar,
}

#[derive(Default)]
pub(super) struct Inbox {
    pub(super) readings: VecDeque<Waiting>,
    pub(super) refreshed: Vec<Box<str>>,
    pub(super) entries: Vec<(Entry, oneshot::Sender<Option<Lifetime>>)>,
    pub(super) orders: Vec<Order>,
}

impl Mailbox {
    /// Leaves a reading to be judged.
    pub(crate) fn push(&self, waiting: Waiting) {
        self.lock().readings.push_back(waiting);
        self.wake.notify_one();
    }

    /// Tells that an entity was refreshed.
    pub(crate) fn push_refreshed(&self, entity_id: Box<str>) {
        self.lock().refreshed.push(entity_id);
        self.wake.notify_one();
    }

    /// Asks how long an entry is to live; the answer is dropped if there is
    /// none.
    pub(crate) fn ask(&self, entry: Entry) -> oneshot::Receiver<Option<Lifetime>> {
        let (answer, asked) = oneshot::channel();
        self.lock().entries.push((entry, answer));
        self.wake.notify_one();
        asked
    }

    pub(super) fn order(&self, order: Order) {
        self.lock().orders.push(order);
        self.wake.notify_one();
    }

    /// Takes the readings that nobody took.
    pub(crate) fn drain(&self) -> Vec<Waiting> {
        self.lock().readings.drain(..).collect()
    }

    /// Takes what there is, waiting for it at most so long.
    pub(super) fn wait(&self, longest: Duration) -> Inbox {
        let inbox = self.lock();
        let empty = |it: &mut Inbox| {
            it.readings.is_empty()
                && it.refreshed.is_empty()
                && it.entries.is_empty()
                && it.orders.is_empty()
        };
        let waited = self.wake.wait_timeout_while(inbox, longest, empty);
        let (mut inbox, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut inbox)
    }

    /// Puts readings back, before those that came meanwhile.
    pub(super) fn put_back(&self, readings: VecDeque<Waiting>) {
        let mut inbox = self.lock();
        for waiting in readings.into_iter().rev() {
            inbox.readings.push_front(waiting);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first reading of each entity, up to a batch; the others stay.
pub(super) fn first_of_each(readings: &mut VecDeque<Waiting>) -> Vec<Waiting> {
    let mut batch = Vec::new();
    let mut left = VecDeque::new();
    let mut taken = HashSet::new();
    for waiting in readings.drain(..) {
        // Once one of an entity is left, all later ones of it are.
        if batch.len() < MOST_IN_BATCH && taken.insert(waiting.entity_id.clone()) {
            batch.push(waiting);
        } else {
            taken.insert(waiting.entity_id.clone());
            left.push_back(waiting);
        }
    }
    *readings = left;
    batch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_has_one_reading_of_each_entity_and_the_rest_keeps_its_order() {
        let waiting = |entity_id: &str, text: &str| Waiting {
            entity_id: entity_id.into(),
            text: text.to_owned(),
            at_ms: 0,
        };
        let given = [("a", "1"), ("b", "1"), ("a", "2"), ("c", "1"), ("a", "3")];
        let mut readings = given.map(|(entity, text)| waiting(entity, text)).into();
        let texts = |readings: &mut dyn Iterator<Item = &Waiting>| -> Vec<String> {
            readings
                .map(|it| format!("{}{}", it.entity_id, it.text))
                .collect()
        };
        let batch = first_of_each(&mut readings);
        assert_eq!(texts(&mut batch.iter()), ["a1", "b1", "c1"]);
        assert_eq!(texts(&mut readings.iter()), ["a2", "a3"]);
    }
}

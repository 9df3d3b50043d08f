//! When to ask a source again: intervals on a grid that does not drift.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec::Vec;

use crate::Error;
use crate::time::length;

/// What kind of source it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Class {
    Gps,
    Walk,
    Feeding,
    Health,
    Weather,
    Other,
}

/// How restless it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Volatility {
    High,
    Medium,
    Low,
}

/// The interval of a class at a volatility, in microseconds: the class's own,
/// halved when restless, doubled when calm.
pub fn interval_us(class: Class, volatility: Volatility) -> u64 {
    let seconds: u64 = match class {
        Class::Gps => 30,
        Class::Walk | Class::Other => 60,
        Class::Feeding => 300,
        Class::Health | Class::Weather => 900,
    };
    let medium_us = seconds * 1_000_000;
    match volatility {
        Volatility::High => medium_us / 2,
        Volatility::Medium => medium_us,
        Volatility::Low => medium_us * 2,
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    interval_us: u64,
    due_us: u64,
    /// Place in the order of registration.
    order: u64,
    /// Due already, and not polled yet.
    listed: bool,
}

/// Refreshes by entity, each on its own grid.
#[derive(Default)]
pub struct Schedule {
    entries: BTreeMap<u32, Entry>,
    /// The same by time: due, order of registration, entity.
    queue: BTreeSet<(u64, u64, u32)>,
    registered: u64,
    /// The shortest interval that is taken.
    shortest_us: u64,
    outbox: Vec<u32>,
}

impl Schedule {
    /// Sets the shortest interval that is taken from now on; 0 takes any.
    pub fn set_shortest(&mut self, interval_us: i64) -> Result<(), Error> {
        self.shortest_us = length("shortest interval", interval_us, true)?;
        Ok(())
    }

    /// Refreshes `entity` every `interval_us`, first one interval from now.
    pub fn register(&mut self, now_us: u64, entity: u32, interval_us: i64) -> Result<(), Error> {
        let interval_us = length("interval", interval_us, false)?;
        if interval_us < self.shortest_us {
            return Err(Error::InvalidArgument(format!(
                "interval must be at least {} s, not {} s",
                self.shortest_us as f64 / 1e6,
                interval_us as f64 / 1e6
            )));
        }
        let order = if let Some(old) = self.entries.get(&entity) {
            self.queue.remove(&(old.due_us, old.order, entity));
            old.order
        } else {
            self.registered += 1;
            self.registered
        };
        let due_us = now_us + interval_us;
        let listed = self.outbox.contains(&entity);
        self.entries.insert(
            entity,
            Entry {
                interval_us,
                due_us,
                order,
                listed,
            },
        );
        self.queue.insert((due_us, order, entity));
        Ok(())
    }

    /// Ends the refreshes of an entity; says whether there were any.
    pub fn unregister(&mut self, entity: u32) -> bool {
        let Some(entry) = self.entries.remove(&entity) else {
            return false;
        };
        self.queue.remove(&(entry.due_us, entry.order, entity));
        self.outbox.retain(|&other| other != entity);
        true
    }

    /// The interval of an entity, in microseconds.
    pub fn interval_of(&self, entity: u32) -> Option<u64> {
        self.entries.get(&entity).map(|entry| entry.interval_us)
    }

    /// When the next refresh is due.
    pub fn deadline_us(&self) -> Option<u64> {
        self.queue.first().map(|&(due_us, _, _)| due_us)
    }

    /// Lists what is due. After a long sleep an entity is listed once, and its
    /// next time is the next point of its grid.
    pub fn tick(&mut self, now_us: u64) {
        while let Some(&(due_us, order, entity)) = self.queue.first()
            && due_us <= now_us
        {
            self.queue.pop_first();
            let Some(entry) = self.entries.get_mut(&entity) else {
                continue;
            };
            let missed = (now_us - due_us) / entry.interval_us;
            entry.due_us = due_us + (missed + 1) * entry.interval_us;
            self.queue.insert((entry.due_us, order, entity));
            if !entry.listed {
                entry.listed = true;
                self.outbox.push(entity);
            }
        }
    }

    /// Takes the entities to refresh now, in the order in which they were due.
    pub fn poll(&mut self) -> Vec<u32> {
        for entity in &self.outbox {
            if let Some(entry) = self.entries.get_mut(entity) {
                entry.listed = false;
            }
        }
        core::mem::take(&mut self.outbox)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const S: u64 = 1_000_000;

    /// Lets time pass to `until_s`, waking at each deadline.
    fn run(schedule: &mut Schedule, until_s: u64) -> Vec<(u64, Vec<u32>)> {
        let mut seen = Vec::new();
        while let Some(due) = schedule.deadline_us().filter(|&due| due <= until_s * S) {
            schedule.tick(due);
            seen.push((due / S, schedule.poll()));
        }
        seen
    }

    #[test]
    fn the_table_of_intervals() {
        use Class::{Feeding, Gps, Health, Other, Walk, Weather};
        for (class, medium) in [
            (Gps, 30),
            (Walk, 60),
            (Feeding, 300),
            (Health, 900),
            (Weather, 900),
            (Other, 60),
        ] {
            assert_eq!(interval_us(class, Volatility::High), medium * S / 2);
            assert_eq!(interval_us(class, Volatility::Medium), medium * S);
            assert_eq!(interval_us(class, Volatility::Low), medium * S * 2);
        }
    }

    #[test]
    fn ties_fire_in_order_of_registration_even_when_replaced() {
        let mut schedule = Schedule::default();
        for entity in [9, 2, 5] {
            schedule.register(0, entity, 10_000_000).unwrap();
        }
        schedule.register(0, 9, 10_000_000).unwrap();
        assert_eq!(
            run(&mut schedule, 20),
            vec![(10, vec![9, 2, 5]), (20, vec![9, 2, 5])]
        );
    }

    #[test]
    fn a_late_tick_fires_once_and_the_grid_stays() {
        let mut schedule = Schedule::default();
        schedule.register(0, 1, 15_000_000).unwrap();
        schedule.tick(100 * S);
        assert_eq!(schedule.poll(), vec![1]);
        assert_eq!(schedule.deadline_us(), Some(105 * S));
        schedule.tick(107 * S);
        schedule.tick(121 * S);
        assert_eq!(schedule.poll(), vec![1], "listed once until it is polled");
        assert_eq!(schedule.deadline_us(), Some(135 * S));
    }

    #[test]
    fn unregistering_is_safe_at_any_moment() {
        let mut schedule = Schedule::default();
        schedule.register(0, 1, 1_000_000).unwrap();
        schedule.tick(S);
        assert!(schedule.unregister(1));
        assert!(!schedule.unregister(1));
        assert_eq!(schedule.poll(), vec![]);
        assert_eq!(
            (schedule.deadline_us(), schedule.interval_of(1)),
            (None, None)
        );
    }

    #[test]
    fn intervals_below_the_shortest_are_refused_in_words() {
        let mut schedule = Schedule::default();
        schedule.set_shortest(15_000_000).unwrap();
        assert!(schedule.register(0, 1, 15_000_000).is_ok());
        match schedule.register(0, 1, 14_999_999) {
            Err(Error::InvalidArgument(text)) => assert!(text.contains("at least 15 s"), "{text}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(
            schedule.interval_of(1),
            Some(15 * S),
            "the one before stays"
        );
    }

    #[test]
    fn nonsense_intervals_are_refused() {
        let mut schedule = Schedule::default();
        for interval in [0, -1, i64::MAX, i64::MIN] {
            assert!(schedule.register(0, 1, interval).is_err(), "{interval}");
        }
        assert_eq!(schedule.deadline_us(), None);
    }
}

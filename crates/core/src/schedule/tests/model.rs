//! The schedule against a slow and obvious model, under random operations.
//!
//! Planned entities of the model have one interval and a budget without bounds
//! that matter, so that what the plan must do is plain: one call a tick, of the
//! member that has waited longest.

use super::*;
use proptest::prelude::*;

#[derive(Debug, Clone, Copy)]
enum Operation {
    Fixed(u32, u64),
    Measured(u32, u64),
    Planned(u32, u64),
    Unregister(u32),
    Tick(u64),
    Deadline,
    Poll,
    Stop,
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::{Deadline, Fixed, Measured, Planned, Poll, Stop, Tick, Unregister};
    let registration = || (0_u32..8, 1_u64..30);
    prop_oneof![
        3 => registration().prop_map(|(e, s)| Fixed(e, s * S)),
        1 => registration().prop_map(|(e, s)| Measured(e, s * S)),
        3 => registration().prop_map(|(e, s)| Planned(e, s * S)),
        2 => (0_u32..8).prop_map(Unregister),
        4 => (0_u64..10_000_000).prop_map(Tick),
        1 => (0_u64..500_000_000).prop_map(Tick),
        8 => Just(Deadline),
        6 => Just(Poll),
        1 => Just(Stop),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Fixed,
    Measured,
    Planned,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    entity: u32,
    interval_us: u64,
    way: Way,
    last_us: u64,
    due_us: u64,
}

/// Entities in their order of registration; places that were left stay empty.
#[derive(Debug, Default)]
struct Model {
    known: Vec<Option<Known>>,
    outbox: Vec<u32>,
    /// When the group last made a call.
    called_us: u64,
}

impl Model {
    fn place(&self, entity: u32) -> Option<usize> {
        let is = |known: &Option<Known>| known.is_some_and(|known| known.entity == entity);
        self.known.iter().position(is)
    }

    fn register(&mut self, now_us: u64, entity: u32, interval_us: u64, way: Way) {
        let same = |known: &Known| {
            (known.entity, known.interval_us, known.way) == (entity, interval_us, way)
        };
        if self.known.iter().flatten().any(same) {
            return;
        }
        let known = Some(Known {
            entity,
            interval_us,
            way,
            last_us: now_us,
            due_us: now_us + interval_us,
        });
        match self.place(entity) {
            Some(place) => self.known[place] = known,
            None => self.known.push(known),
        }
    }

    fn unregister(&mut self, entity: u32) -> bool {
        let Some(place) = self.place(entity) else {
            return false;
        };
        self.known[place] = None;
        self.outbox.retain(|&other| other != entity);
        true
    }

    fn tick(&mut self, now_us: u64) {
        let mut fired = Vec::new();
        for (order, known) in self.known.iter_mut().enumerate() {
            let Some(known) = known.as_mut().filter(|known| known.way != Way::Planned) else {
                continue;
            };
            if known.due_us <= now_us {
                fired.push((known.due_us, order, known.entity));
            }
            while known.due_us <= now_us {
                known.due_us += known.interval_us;
            }
        }
        fired.extend(self.call(now_us));
        fired.sort_unstable();
        for (_, _, entity) in fired {
            if !self.outbox.contains(&entity) {
                self.outbox.push(entity);
            }
        }
    }

    /// The one call of the group.
    fn call(&mut self, now_us: u64) -> Option<(u64, usize, u32)> {
        let (outbox, called_us) = (&self.outbox, self.called_us);
        let mut due: Vec<_> = self
            .known
            .iter_mut()
            .enumerate()
            .filter_map(|(order, known)| Some((order, known.as_mut()?)))
            .filter(|(_, known)| known.way == Way::Planned && known.due_us <= now_us)
            .collect();
        let again = |known: &mut Known| {
            known.last_us = now_us;
            known.due_us = now_us + known.interval_us;
        };
        let free = due
            .iter_mut()
            .filter(|(_, known)| !outbox.contains(&known.entity));
        if let Some((order, known)) = free.min_by_key(|(order, known)| (known.last_us, *order)) {
            let call = (known.due_us.max(called_us), *order, known.entity);
            again(known);
            self.called_us = now_us;
            return Some(call);
        }
        for (_, known) in due {
            again(known);
        }
        None
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_schedule_does_as_the_model(
        operations in proptest::collection::vec(operation(), 1..150),
    ) {
        let mut schedule = Schedule::default();
        open(&mut schedule, "cloud", Some(6_000), None);
        let mut model = Model::default();
        let mut now_us = 0;
        for operation in operations {
            let now = at(now_us);
            match operation {
                Operation::Fixed(entity, interval_us) => {
                    schedule.register(now, entity, interval_us.cast_signed()).unwrap();
                    model.register(now_us, entity, interval_us, Way::Fixed);
                }
                Operation::Measured(entity, interval_us) => {
                    let length_us = interval_us.cast_signed();
                    let bounds = Bounds::check(length_us, length_us).unwrap();
                    schedule.register_measured(now, entity, bounds).unwrap();
                    model.register(now_us, entity, interval_us, Way::Measured);
                }
                Operation::Planned(entity, interval_us) => {
                    let length_us = interval_us.cast_signed();
                    let bounds = Bounds::check(length_us, length_us).unwrap();
                    schedule.register_planned(now, entity, "cloud", bounds, 1.0).unwrap();
                    // All change as often, so only waiting tells them apart.
                    schedule.tell_rates(now, entity, [1e-3; BUCKETS]);
                    model.register(now_us, entity, interval_us, Way::Planned);
                }
                Operation::Unregister(entity) => {
                    prop_assert_eq!(schedule.unregister(entity), model.unregister(entity));
                }
                Operation::Tick(later_us) => {
                    now_us += later_us;
                    schedule.tick(at(now_us));
                    model.tick(now_us);
                }
                Operation::Deadline => {
                    let Some(due_us) = schedule.deadline_us() else {
                        prop_assert!(model.known.iter().flatten().next().is_none());
                        continue;
                    };
                    let first_us = model.known.iter().flatten().map(|known| known.due_us).min();
                    // Only setting a price comes before what is due.
                    prop_assert!(Some(due_us) <= first_us.map(|first_us| first_us.max(model.called_us)));
                    now_us = now_us.max(due_us);
                    schedule.tick(at(now_us));
                    model.tick(now_us);
                }
                Operation::Poll => {
                    prop_assert_eq!(schedule.poll(), core::mem::take(&mut model.outbox));
                }
                Operation::Stop => {
                    for entity in 0..8 {
                        prop_assert_eq!(schedule.unregister(entity), model.unregister(entity));
                    }
                    prop_assert_eq!(schedule.deadline_us(), None);
                    prop_assert!(schedule.poll().is_empty());
                }
            }
            for known in model.known.iter().flatten() {
                prop_assert_eq!(schedule.interval_of(known.entity), Some(known.interval_us));
            }
        }
    }
}

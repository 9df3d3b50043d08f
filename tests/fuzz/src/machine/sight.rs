//! All that can be seen of an optimizer, now and as time goes on.

use std::fmt::Debug;

use weirhouse_core::Series;
use weirhouse_core::delivery::Failure;

use super::Machine;

/// Notes of what was seen, in order.
#[derive(Default)]
pub(super) struct Sight(Vec<String>);

impl Sight {
    fn note(&mut self, of: &str, what: impl Debug) {
        self.0.push(format!("{of}: {what:?}"));
    }

    /// Asserts that another machine showed the same.
    pub(super) fn assert_same(&self, other: &Self, because: &str) {
        let both = self.0.iter().zip(&other.0);
        for (one, another) in both {
            assert_eq!(one, another, "{because}");
        }
        assert_eq!(self.0.len(), other.0.len(), "{because}");
    }
}

impl Machine {
    /// Looks at everything, then lets everything happen that is still to come.
    pub(super) fn look(mut self) -> Sight {
        let mut sight = Sight::default();
        self.look_inside(&mut sight);
        self.look_at_series(&mut sight);
        self.optimizer.flush(self.clock);
        self.look_at_effects(&mut sight);
        // What an hour leaves undone, a year may do.
        for hours in [1, 24, 24 * 365] {
            self.clock.mono_us = self.clock.mono_us.saturating_add(hours * 3_600_000_000);
            sight.note("deadline", self.optimizer.tick(self.clock));
            self.look_at_effects(&mut sight);
        }
        self.look_inside(&mut sight);
        sight
    }

    /// Parts that print all they hold, and what the others tell of themselves.
    fn look_inside(&mut self, sight: &mut Sight) {
        let optimizer = &mut self.optimizer;
        sight.note("snapshot", optimizer.snapshot(self.clock));
        sight.note("deadline", optimizer.next_deadline());
        sight.note("updates", optimizer.update_totals());
        sight.note("batches", optimizer.batch_totals());
        sight.note("cache", &optimizer.cache);
        sight.note("context", &optimizer.context);
        sight.note("delivery", &optimizer.delivery);
        sight.note("metrics", &optimizer.metrics);
        sight.note("gates", &optimizer.gates);
        sight.note("queues", &optimizer.queues);
        sight.note("breakers", &optimizer.breakers);
        sight.note("schedule", &optimizer.schedule);
    }

    fn look_at_series(&mut self, sight: &mut Sight) {
        let optimizer = &mut self.optimizer;
        let handles = optimizer.all_handles();
        for handle in handles {
            sight.note("name", optimizer.names(&[handle]));
            sight.note("rule", optimizer.rule_of(handle));
            sight.note("proposal", optimizer.proposals(&[handle]));
            sight.note("published", optimizer.published_numbers(&[handle]));
        }
        // The next number, and the rule of what has none of its own.
        let newcomer = Series {
            entity: "newcomer".into(),
            attribute: None,
        };
        let number = optimizer.intern(&[newcomer]);
        sight.note("newcomer", &number);
        sight.note("rule", optimizer.rule_of(number.map_or(0, |list| list[0])));
    }

    /// Takes all that is due; deliveries fail.
    fn look_at_effects(&mut self, sight: &mut Sight) {
        let optimizer = &mut self.optimizer;
        sight.note("hot", optimizer.take_hot());
        sight.note("published", optimizer.poll_published());
        loop {
            let batch = optimizer.poll_batch();
            if batch.is_empty() {
                break;
            }
            sight.note("batch", batch);
        }
        while let Some(delivery) = optimizer.delivery.poll() {
            let (sink, number) = (delivery.sink, delivery.number);
            let failed = optimizer.delivery_failed(self.clock, sink, number, Failure::Temporary);
            sight.note("delivery", (delivery, failed));
        }
        sight.note("runs", optimizer.gates.poll());
        sight.note("refreshes", optimizer.schedule.poll());
        sight.note("removals", optimizer.cache.poll_removals(u32::MAX));
    }
}

//! Random operations on the batcher and on a model of it that is slow and
//! obvious: two plain lists, searched from the front.

use super::*;
use alloc::vec;
use proptest::prelude::*;

const MS: u64 = 1_000;

/// What the rules say, word by word, for settings that do not adapt.
struct Model {
    settings: Batching,
    /// Entities whose window has closed, oldest first.
    due: Vec<u32>,
    /// Entities of the open window, oldest first.
    open: Vec<u32>,
    closes_us: Option<u64>,
    updates: u64,
    coalesced: u64,
    dropped: u64,
    removed: u64,
    batches: u64,
    sent: u64,
}

impl Model {
    fn new() -> Self {
        Self {
            settings: Batching::default(),
            due: vec![],
            open: vec![],
            closes_us: None,
            updates: 0,
            coalesced: 0,
            dropped: 0,
            removed: 0,
            batches: 0,
            sent: 0,
        }
    }

    fn full(&self) -> bool {
        self.settings.flush_on_full && self.open.len() >= self.settings.max as usize
    }

    fn mark(&mut self, now_us: u64, entity: u32) {
        self.updates += 1;
        if self.due.contains(&entity) || self.open.contains(&entity) {
            self.coalesced += 1;
            return;
        }
        while self.due.len() + self.open.len() >= self.settings.capacity as usize {
            self.dropped += 1;
            if self.settings.overflow == Overflow::DropNew {
                return;
            }
            let oldest = if self.due.is_empty() {
                &mut self.open
            } else {
                &mut self.due
            };
            oldest.remove(0);
        }
        self.open.push(entity);
        if self.closes_us.is_none() {
            self.closes_us = Some(now_us + self.settings.window_us as u64);
        }
        if self.full() {
            self.closes_us = self.closes_us.min(Some(now_us));
        }
    }

    fn remove(&mut self, entity: u32) {
        for list in [&mut self.due, &mut self.open] {
            if let Some(place) = list.iter().position(|&other| other == entity) {
                list.remove(place);
                self.removed += 1;
            }
        }
        if self.open.is_empty() {
            self.closes_us = None;
        }
    }

    fn tick(&mut self, now_us: u64) {
        while self.closes_us.is_some_and(|closes_us| closes_us <= now_us) {
            let mut room = self.settings.max;
            while room > 0 && !self.open.is_empty() {
                self.due.push(self.open.remove(0));
                room -= 1;
            }
            let wait_us = if self.full() {
                0
            } else {
                self.settings.window_us as u64
            };
            self.closes_us = (!self.open.is_empty()).then_some(now_us + wait_us);
        }
    }

    fn flush(&mut self) {
        self.due.append(&mut self.open);
        self.closes_us = None;
    }

    fn poll(&mut self) -> Option<Vec<u32>> {
        if self.due.is_empty() {
            return None;
        }
        let mut batch = vec![];
        while batch.len() < self.settings.max as usize && !self.due.is_empty() {
            batch.push(self.due.remove(0));
        }
        self.batches += 1;
        self.sent += batch.len() as u64;
        Some(batch)
    }

    fn totals(&self) -> BatchTotals {
        BatchTotals {
            updates: self.updates,
            coalesced: self.coalesced,
            dropped: self.dropped,
            removed: self.removed,
            batches: self.batches,
            sent: self.sent,
            pending: (self.due.len() + self.open.len()) as u32,
            window_us: self.settings.window_us as u64,
            max: self.settings.max,
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Mark(u32),
    Remove(u32, u32),
    Pass(u64),
    Poll,
    Flush,
    Configure(Batching),
}

fn settings() -> impl Strategy<Value = Batching> {
    (
        0_i64..150,
        1_u32..6,
        any::<bool>(),
        0_u32..12,
        any::<bool>(),
    )
        .prop_map(|(window_ms, max, flush_on_full, room, drop_new)| Batching {
            window_us: window_ms * 1_000,
            max,
            flush_on_full,
            capacity: max + room,
            overflow: if drop_new {
                Overflow::DropNew
            } else {
                Overflow::DropOldest
            },
            adaptive: None,
        })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0_u32..16).prop_map(Step::Mark),
        2 => (0_u32..16, 0_u32..16).prop_map(|(one, other)| Step::Remove(one, other)),
        4 => (0_u64..120).prop_map(Step::Pass),
        4 => Just(Step::Poll),
        1 => Just(Step::Flush),
        1 => settings().prop_map(Step::Configure),
    ]
}

proptest! {
    #[test]
    fn the_batcher_does_as_the_model_does(steps in proptest::collection::vec(step(), 1..200)) {
        let (mut batcher, mut model) = (Batcher::default(), Model::new());
        let mut now_us = 0;
        for step in steps {
            match step {
                Step::Mark(entity) => {
                    batcher.mark(now_us, entity);
                    model.mark(now_us, entity);
                }
                Step::Remove(one, other) => {
                    batcher.remove(&[one, other]);
                    model.remove(one);
                    model.remove(other);
                }
                Step::Pass(ms) => {
                    // Late for whatever closed on the way.
                    now_us += ms * MS;
                    batcher.tick(now_us);
                    model.tick(now_us);
                }
                Step::Poll => prop_assert_eq!(batcher.poll(), model.poll()),
                Step::Flush => {
                    batcher.flush();
                    model.flush();
                }
                Step::Configure(settings) => {
                    batcher.configure(settings).unwrap();
                    model.settings = settings;
                }
            }
            prop_assert_eq!(batcher.deadline_us(), model.closes_us);
            let totals = batcher.totals();
            prop_assert_eq!(totals, model.totals());
            prop_assert_eq!(
                totals.updates,
                totals.coalesced
                    + totals.dropped
                    + totals.removed
                    + totals.sent
                    + u64::from(totals.pending)
            );
        }
        batcher.flush();
        model.flush();
        while let Some(batch) = model.poll() {
            prop_assert_eq!(batcher.poll(), Some(batch));
        }
        prop_assert_eq!(batcher.poll(), None);
    }
}

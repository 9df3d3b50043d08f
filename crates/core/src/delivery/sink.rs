//! One sink: what it is owed, what it is being sent, when it is tried again.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Failure, SinkSettings, SinkStatus, SinkTotals};
use crate::batch::DirtyQueue;

/// What is being done about the delivery at hand.
#[derive(Debug)]
enum Stage {
    /// There is none.
    Idle,
    /// The host is sending it.
    Sending,
    /// It failed and waits for its time.
    Waiting { until_us: u64 },
    /// Its time has come.
    Again,
}

#[derive(Debug)]
pub(super) struct Sink {
    pub(super) name: String,
    pub(super) settings: SinkSettings,
    /// Entities owed, with the batch that made each of them so.
    owed: DirtyQueue<u64>,
    /// The delivery at hand, with the same.
    at_hand: Vec<(u32, u64)>,
    /// Its number.
    number: u64,
    stage: Stage,
    /// Failures in a row.
    failing: u32,
    /// The newest batch that was offered, or the one before registration.
    newest: u64,
    totals: SinkTotals,
}

impl Sink {
    /// A sink that is owed all batches after `newest`.
    pub(super) fn new(name: String, settings: SinkSettings, newest: u64) -> Self {
        Self {
            name,
            settings,
            owed: DirtyQueue::default(),
            at_hand: Vec::new(),
            number: 0,
            stage: Stage::Idle,
            failing: 0,
            newest,
            totals: SinkTotals::default(),
        }
    }

    pub(super) fn offer(&mut self, batch: u64, entities: &[u32]) {
        self.newest = batch;
        self.totals.offered += entities.len() as u64;
        for &entity in entities {
            if self.owed.contains(entity) {
                self.totals.coalesced += 1;
                continue;
            }
            // More than one leaves where the capacity was lowered.
            while self.owed.len() >= self.settings.capacity as usize {
                self.owed.pop();
                self.totals.dropped += 1;
            }
            self.owed.push(entity, batch);
        }
    }

    /// Hands out number, attempt and entities of a delivery, which is number
    /// `next` unless it is a retry.
    pub(super) fn poll(&mut self, next: u64) -> Option<(u64, u32, Vec<u32>)> {
        match self.stage {
            Stage::Idle if !self.owed.is_empty() => {
                self.number = next;
                self.at_hand
                    .extend(self.owed.take(self.settings.max as usize));
            }
            Stage::Again => {}
            Stage::Idle | Stage::Sending | Stage::Waiting { .. } => return None,
        }
        self.stage = Stage::Sending;
        let entities = self.at_hand.iter().map(|&(entity, _)| entity).collect();
        Some((self.number, self.failing + 1, entities))
    }

    /// Whether an entity is owed, or at hand.
    pub(super) fn holds(&self, entity: u32) -> bool {
        self.owed.contains(entity) || self.at_hand.iter().any(|&(held, _)| held == entity)
    }

    /// The delivery that the host is sending.
    pub(super) fn sending(&self) -> Option<u64> {
        matches!(self.stage, Stage::Sending).then_some(self.number)
    }

    /// Gives the last batch that the delivery had part in.
    pub(super) fn succeeded(&mut self) -> u64 {
        let last = self.at_hand.last().map_or(0, |&(_, batch)| batch);
        self.totals.deliveries += 1;
        self.totals.delivered += self.at_hand.len() as u64;
        self.end();
        last
    }

    pub(super) fn failed(&mut self, now_us: u64, failure: Failure) -> Option<u64> {
        self.totals.failures += 1;
        self.failing = self.failing.saturating_add(1);
        let tried_out = self
            .settings
            .attempts
            .is_some_and(|attempts| self.failing >= attempts);
        // What was sent may have gone with its entities.
        if failure == Failure::Permanent || tried_out || self.at_hand.is_empty() {
            self.totals.lost += self.at_hand.len() as u64;
            self.end();
            return None;
        }
        let until_us = now_us + self.delay_us();
        self.stage = Stage::Waiting { until_us };
        Some(until_us)
    }

    /// The first delay, doubled for every further failure in a row.
    fn delay_us(&self) -> u64 {
        let doublings = (self.failing - 1).min(63);
        let first_us = self.settings.retry_first_us.unsigned_abs();
        let cap_us = self.settings.retry_cap_us.unsigned_abs();
        first_us.saturating_mul(1 << doublings).min(cap_us)
    }

    fn end(&mut self) {
        self.at_hand.clear();
        self.stage = Stage::Idle;
        self.failing = 0;
    }

    pub(super) fn retry_at_us(&self) -> Option<u64> {
        match self.stage {
            Stage::Waiting { until_us } => Some(until_us),
            Stage::Idle | Stage::Sending | Stage::Again => None,
        }
    }

    pub(super) fn tick(&mut self, now_us: u64) {
        if self
            .retry_at_us()
            .is_some_and(|until_us| until_us <= now_us)
        {
            self.stage = Stage::Again;
        }
    }

    pub(super) fn remove(&mut self, entities: &[u32]) {
        let before = self.at_hand.len();
        self.at_hand
            .retain(|(entity, _)| !entities.contains(entity));
        let at_hand = (before - self.at_hand.len()) as u64;
        self.totals.removed += at_hand + u64::from(self.owed.remove(entities, |_| ()));
        // Nothing is left to try again; what is being sent is still reported on.
        if self.at_hand.is_empty() && !matches!(self.stage, Stage::Sending) {
            self.end();
        }
    }

    pub(super) fn status(&self, sink: u32, batches: u64) -> SinkStatus {
        let at_hand = self.at_hand.first().map(|(_, batch)| batch);
        let unfinished = at_hand.or(self.owed.oldest());
        let position = unfinished.map_or(self.newest, |batch| batch - 1);
        SinkStatus {
            sink,
            name: self.name.clone(),
            position,
            behind: batches - position,
            failing: self.failing,
            retry_at_us: self.retry_at_us(),
            totals: SinkTotals {
                pending: (self.at_hand.len() + self.owed.len()) as u32,
                ..self.totals
            },
        }
    }
}

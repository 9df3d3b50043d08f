//! What clients were told and what they asked, since the start.

use std::sync::atomic::{AtomicU64, Ordering};

use weirhouse_hass::GatewayStats;

/// Counters over all clients.
#[derive(Debug, Default)]
pub struct Counters {
    connections: AtomicU64,
    refused: AtomicU64,
    answered: AtomicU64,
    passed: AtomicU64,
    messages: AtomicU64,
    changes: AtomicU64,
}

impl Counters {
    /// Clients that connected.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Tokens that Home Assistant refused.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Commands answered from a mirror.
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Commands that passed to Home Assistant.
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    /// Messages for clients.
    pub fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }

    /// Changes of states that clients were told.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    pub(super) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds what a connection did since it was asked last.
    pub(super) fn add(&self, before: GatewayStats, now: GatewayStats) {
        for (counter, before, now) in [
            (&self.answered, before.answered, now.answered),
            (&self.passed, before.passed, now.passed),
            (&self.messages, before.messages, now.messages),
            (&self.changes, before.changes, now.changes),
        ] {
            if now > before {
                counter.fetch_add(now - before, Ordering::Relaxed);
            }
        }
    }
}

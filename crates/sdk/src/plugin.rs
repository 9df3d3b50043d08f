//! What a plugin is.

use crate::numbers::{Numbers, Ruling};
use crate::{Decision, Derived, Description, Entry, Lifetime, Observation, Pace};

/// A policy. Every function but [`Plugin::describe`] has a default and is only
/// called if the description lists it.
///
/// An instance lives as long as nothing goes wrong: a panic, a call past its
/// deadline or an error costs a strike, and after a panic a new instance takes
/// its place, with what [`Plugin::snapshot`] gave last.
#[allow(
    unused_variables,
    reason = "the names of arguments are part of the documentation"
)]
pub trait Plugin: Default + 'static {
    /// What the plugin is and wants. Calls no service, and is always the same.
    fn describe() -> Description;

    /// One decision for each reading, in the same order. Every entity is in a
    /// batch at most once.
    fn judge(&mut self, now: u64, batch: &[Observation]) -> Result<Vec<Decision>, String> {
        Ok(batch.iter().map(|_| Decision::abstain()).collect())
    }

    /// The reasons that rulings name by their place, from 0; at most 255.
    fn reasons() -> &'static [&'static str] {
        &[]
    }

    /// One ruling for each reading that is a number and follows a number, in
    /// the same order: many times faster than `judge`, which is left the others
    /// if the description lists it as well.
    ///
    /// ```
    /// # use weirhouse_plugin::numbers::{Numbers, Ruling};
    /// const NOISE: u8 = 0;
    /// # fn judge_numbers(batch: &Numbers) -> Result<Vec<Ruling>, String> {
    /// let rule = |seen: weirhouse_plugin::numbers::Seen| match (seen.value - seen.published).abs() {
    ///     moved if moved < 50.0 => Ruling::suppress(NOISE),
    ///     _ => Ruling::abstain(),
    /// };
    /// Ok(batch.iter().map(rule).collect())
    /// # }
    /// ```
    fn judge_numbers(&mut self, now: u64, batch: &Numbers) -> Result<Vec<Ruling>, String> {
        Ok(batch.iter().map(|_| Ruling::abstain()).collect())
    }

    /// For each entity the milliseconds until its next refresh; `None` leaves it
    /// as it is.
    fn intervals(&mut self, now: u64, batch: &[Pace]) -> Result<Vec<Option<u32>>, String> {
        Ok(vec![None; batch.len()])
    }

    /// For each entry its life times; `None` takes those of its namespace.
    fn lifetimes(&mut self, now: u64, batch: &[Entry]) -> Result<Vec<Option<Lifetime>>, String> {
        Ok(vec![None; batch.len()])
    }

    /// For each reading those that are judged in its place; none leaves it as
    /// it came.
    fn transform(&mut self, now: u64, batch: &[Observation]) -> Result<Vec<Vec<Derived>>, String> {
        Ok(batch.iter().map(|_| Vec::new()).collect())
    }

    /// Everything worth keeping over a restart, at most a mebibyte. Entities
    /// are kept by id: their numbers mean nothing to another instance.
    fn snapshot(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Takes what an instance of this or an older version gave; an error says
    /// why it cannot be used.
    fn restore(&mut self, snapshot: &[u8]) -> Result<(), String> {
        Ok(())
    }
}

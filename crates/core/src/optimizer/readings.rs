//! Readings: by which rules they are judged, and what becomes of them.

use alloc::format;
use alloc::vec::Vec;
use core::iter::repeat;

use super::Optimizer;
use crate::Error;
use crate::batch::Batcher;
use crate::delivery::Deliveries;
use crate::entities::Entities;
use crate::reading::Reading;
use crate::rule::{Combine, Rule, RuleSettings, Thresholds};
use crate::significance::{Outgoing, Proposal, Publication, Reason, Significance, UpdateTotals};
use crate::time::Instant;

/// Thresholds for one call, in place of the rule's.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Override {
    /// Least absolute difference; 0 means any change.
    pub absolute: Option<f64>,
    /// Least difference as a fraction; 0 means any change.
    pub percentage: Option<f64>,
}

/// Puts the owners of published series into the batcher.
pub(super) struct Owners<'optimizer> {
    now_us: u64,
    entities: &'optimizer Entities,
    batcher: &'optimizer mut Batcher,
    delivery: &'optimizer Deliveries,
}

impl Outgoing for Owners<'_> {
    #[expect(
        clippy::inline_always,
        reason = "every reading that is published passes here, and a call in WebAssembly costs as much again"
    )]
    #[inline(always)]
    fn publish(&mut self, handle: u32) {
        if let Ok(owner) = self.entities.owner(handle) {
            self.batcher.mark(self.now_us, owner);
        }
    }

    fn waits(&self, handle: u32) -> bool {
        self.entities
            .owner(handle)
            .is_ok_and(|owner| self.batcher.holds(owner) || self.delivery.holds(owner))
    }
}

impl Optimizer {
    /// Sets the rule of series without one.
    pub fn set_default_rule(&mut self, rule: &RuleSettings) -> Result<(), Error> {
        self.significance.set_default_rule(Rule::check(rule)?);
        Ok(())
    }

    /// Replaces or removes the rule of series.
    pub fn set_rule(&mut self, series: &[u32], rule: Option<&RuleSettings>) -> Result<(), Error> {
        self.entities.check(series)?;
        let rule = rule.map(Rule::check).transpose()?;
        self.significance.set_rule(series, rule);
        Ok(())
    }

    /// The rule a series is judged by now.
    pub fn rule_of(&self, series: u32) -> Result<RuleSettings, Error> {
        self.entities.check(&[series])?;
        Ok(self.significance.rule_of(series).settings())
    }

    /// Whether presets apply.
    pub fn use_presets(&mut self, enabled: bool) {
        self.significance.use_presets(enabled);
    }

    /// Whether series are studied for their noise whose rule does not ask for
    /// it.
    pub fn set_learning(&mut self, enabled: bool) {
        self.significance.set_learning(enabled);
    }

    /// The thresholds that would hide the noise of series, in order.
    pub fn proposals(&self, series: &[u32]) -> Result<Vec<Option<Proposal>>, Error> {
        self.entities.check(series)?;
        let proposal = |&handle| self.significance.proposal(handle);
        Ok(series.iter().map(proposal).collect())
    }

    /// Forgets the baselines of series, and what was learned of their noise;
    /// counts those that had a baseline.
    pub fn reset(&mut self, series: &[u32]) -> Result<u32, Error> {
        self.entities.check(series)?;
        Ok(series
            .iter()
            .map(|&handle| u32::from(self.significance.reset(handle)))
            .sum())
    }

    /// Reports numbers; one reason for each, in order.
    pub fn observe_numbers(
        &mut self,
        now: Instant,
        series: &[u32],
        values: &[f64],
        times: &[i64],
    ) -> Result<Vec<Reason>, Error> {
        same_length("values", values.len(), series.len())?;
        check_times(times, series.len())?;
        self.entities.check(series)?;
        let now_us = self.moment(now).mono_us;
        let (significance, mut outgoing) = self.publishing(now_us);
        Ok(if times.is_empty() {
            significance.observe_numbers(now_us, series, values, |_| None, &mut outgoing)
        } else {
            let time_of = |place| times.get(place).copied();
            significance.observe_numbers(now_us, series, values, time_of, &mut outgoing)
        })
    }

    /// Reports values as Home Assistant writes them, joined into one text.
    pub fn observe_texts(
        &mut self,
        now: Instant,
        series: &[u32],
        text: &str,
        lengths: &[u32],
        times: &[i64],
    ) -> Result<Vec<Reason>, Error> {
        same_length("lengths", lengths.len(), series.len())?;
        check_times(times, series.len())?;
        self.entities.check(series)?;
        check_pieces(text, lengths)?;
        let now_us = self.moment(now).mono_us;
        let mut rest = text.as_bytes();
        let readings = lengths.iter().map(|&length| {
            let (piece, tail) = rest
                .split_at_checked(length as usize)
                .unwrap_or((rest, &[]));
            rest = tail;
            Reading::of_bytes(piece)
        });
        let (significance, mut outgoing) = self.publishing(now_us);
        Ok(if times.is_empty() {
            significance.observe_all(now_us, series, readings, repeat(None), &mut outgoing)
        } else {
            let times = times.iter().copied().map(Some);
            significance.observe_all(now_us, series, readings, times, &mut outgoing)
        })
    }

    /// Reports one value under other thresholds.
    pub fn observe_with(
        &mut self,
        now: Instant,
        series: u32,
        text: &str,
        time: Option<i64>,
        thresholds: Override,
    ) -> Result<Reason, Error> {
        self.entities.check(&[series])?;
        let Override {
            absolute,
            percentage,
        } = thresholds;
        let mut thresholds = Thresholds::check(absolute, percentage, Combine::All)?;
        // 0 means any change, whatever the other says.
        if [absolute, percentage].contains(&Some(0.0)) {
            thresholds = Thresholds::check(Some(0.0), None, Combine::All)?;
        }
        let now_us = self.moment(now).mono_us;
        let reading = Reading::of_text(text);
        let (significance, mut outgoing) = self.publishing(now_us);
        Ok(significance.observe_with(now_us, series, reading, time, &thresholds, &mut outgoing))
    }

    /// What judges, and where published series go.
    pub(super) fn publishing(&mut self, now_us: u64) -> (&mut Significance, Owners<'_>) {
        let owners = Owners {
            now_us,
            entities: &self.entities,
            batcher: &mut self.batcher,
            delivery: &self.delivery,
        };
        (&mut self.significance, owners)
    }

    /// The number published for each series; NaN where that is none.
    pub fn published_numbers(&self, series: &[u32]) -> Result<Vec<f64>, Error> {
        self.entities.check(series)?;
        Ok(series
            .iter()
            .map(
                |&handle| match self.significance.history(handle).map(|h| h.published) {
                    Some(Reading::Number(number)) => number,
                    _ => f64::NAN,
                },
            )
            .collect())
    }

    /// Takes the publications that time caused, and the last values of totals.
    pub fn poll_published(&mut self) -> Vec<Publication> {
        self.significance.poll()
    }

    /// What happened to readings so far.
    pub fn update_totals(&self) -> UpdateTotals {
        self.significance.totals()
    }
}

pub(super) fn same_length(name: &str, length: usize, expected: usize) -> Result<(), Error> {
    if length == expected {
        return Ok(());
    }
    Err(Error::InvalidArgument(format!(
        "{name} must be as many as series, which are {expected}, not {length}"
    )))
}

fn check_times(times: &[i64], expected: usize) -> Result<(), Error> {
    if times.is_empty() {
        Ok(())
    } else {
        same_length("times", times.len(), expected)
    }
}

/// Checks that the pieces make up the text and end between its characters.
pub(super) fn check_pieces(text: &str, lengths: &[u32]) -> Result<(), Error> {
    let mut end = 0_usize;
    for &length in lengths {
        end = end.saturating_add(length as usize);
        if !text.is_char_boundary(end) {
            return Err(Error::InvalidArgument(format!(
                "lengths must end between characters of text; {end} does not"
            )));
        }
    }
    if end == text.len() {
        return Ok(());
    }
    Err(Error::InvalidArgument(format!(
        "lengths must add up to the length of text, which is {}, not {end}",
        text.len()
    )))
}

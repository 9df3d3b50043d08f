//! Readings of numbers as the columns that plugins judge them in.

use std::sync::Arc;

use weirhouse_runner::plugin::wit::judge_numbers::{Decisions, Numbers};
use weirhouse_runner::plugin::{Function, PluginFault};

use super::advice::{Advice, shown};
use super::consult::{Seen, metadata_of, number_of};
use super::services::Ground;

/// What stands for no reason, and how many others there may be.
const NO_REASON: u8 = 255;

/// What decisions on numbers may name.
#[derive(Debug, Default)]
pub(super) struct Reasons(Vec<Option<Arc<str>>>);

impl Reasons {
    pub(super) fn of(texts: &[String]) -> Self {
        let kept = texts.iter().take(usize::from(NO_REASON));
        Self(kept.map(|it| shown(it)).collect())
    }

    /// The reason at a place.
    fn at(&self, place: u8, entity_id: &str) -> Result<Option<Arc<str>>, PluginFault> {
        if place == NO_REASON {
            return Ok(None);
        }
        let reason = self.0.get(usize::from(place));
        reason.cloned().ok_or_else(|| {
            nonsense(format!(
                "gave reason {place} for {entity_id}, and there are {}",
                self.0.len()
            ))
        })
    }
}

/// Readings, those that are numbers in columns.
pub(super) struct Columns {
    pub(super) numbers: Numbers,
    /// Where each row of the columns is among the readings.
    pub(super) places: Vec<usize>,
    /// The readings that are in no column.
    pub(super) others: Vec<usize>,
}

impl Columns {
    pub(super) fn of(seen: &[Seen], ground: &mut Ground) -> Self {
        let most = seen.len();
        let mut numbers = Numbers {
            entities: Vec::with_capacity(most),
            values: Vec::with_capacity(most),
            at: Vec::with_capacity(most),
            published: Vec::with_capacity(most),
            published_at: Vec::with_capacity(most),
            readings: Vec::with_capacity(most),
            changes_per_hour: Vec::with_capacity(most),
            tolerances: Vec::with_capacity(most),
        };
        let (mut places, mut others) = (Vec::with_capacity(most), Vec::new());
        for (place, seen) in seen.iter().enumerate() {
            let published = seen
                .published
                .as_ref()
                .and_then(|(text, at)| Some((number_of(text)?, *at)));
            let (Some(value), Some((published, published_at))) = (number_of(&seen.text), published)
            else {
                others.push(place);
                continue;
            };
            numbers
                .entities
                .push(ground.number(&seen.entity_id, || metadata_of(seen)));
            numbers.values.push(value);
            numbers.at.push(seen.at_ms);
            numbers.published.push(published);
            numbers.published_at.push(published_at);
            numbers.readings.push(seen.readings);
            numbers.changes_per_hour.push(seen.changes_per_hour);
            numbers.tolerances.push(seen.tolerance.unwrap_or(f64::NAN));
            places.push(place);
        }
        Self {
            numbers,
            places,
            others,
        }
    }

    /// Puts what was decided on the rows where their readings are.
    pub(super) fn take(
        &self,
        decisions: &Decisions,
        reasons: &Reasons,
        seen: &[Seen],
        advice: &mut [Advice],
    ) -> Result<(), PluginFault> {
        let verdicts = decisions.verdicts.iter().zip(&decisions.numbers);
        let rows = verdicts.zip(&decisions.reasons).zip(&self.numbers.values);
        for ((((verdict, number), reason), value), place) in rows.zip(&self.places) {
            let (Some(seen), Some(advice)) = (seen.get(*place), advice.get_mut(*place)) else {
                continue;
            };
            let entity_id = &seen.entity_id;
            let reason = reasons.at(*reason, entity_id)?;
            *advice = match verdict {
                0..=2 => Advice::plain(*verdict, reason),
                3 => Advice::replacing(*number, Some(*value), seen, reason)?,
                4 if *number >= 0.0 => Advice::deferring(*number as u32, reason),
                4 => {
                    return Err(nonsense(format!("put {entity_id} off by {number} ms")));
                }
                verdict => {
                    return Err(nonsense(format!(
                        "gave verdict {verdict} for {entity_id}, and they end with 4"
                    )));
                }
            };
        }
        Ok(())
    }
}

fn nonsense(reason: String) -> PluginFault {
    PluginFault::Nonsense {
        function: Function::JudgeNumbers.name(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(entity_id: &str, text: &str, published: Option<&str>) -> Seen {
        Seen {
            entity_id: entity_id.into(),
            text: text.to_owned(),
            published: published.map(|it| (it.to_owned(), 5)),
            tolerance: Some(1.0),
            ..Seen::default()
        }
    }

    fn home() -> Vec<Seen> {
        vec![
            reading("sensor.a", "1.5", Some("1")),
            reading("sensor.b", "open", Some("closed")),
            reading("sensor.c", "2", Some("unknown")),
            reading("sensor.d", "4", Some("3")),
        ]
    }

    fn decided(verdict: u8, number: f64, reason: u8) -> Result<Vec<Advice>, String> {
        let seen = home();
        let columns = Columns::of(&seen, &mut Ground::default());
        let decisions = Decisions {
            verdicts: vec![2, verdict],
            numbers: vec![0.0, number],
            reasons: vec![0, reason],
        };
        let reasons = Reasons::of(&["noise".to_owned(), String::new()]);
        let mut advice = vec![Advice::default(); seen.len()];
        columns
            .take(&decisions, &reasons, &seen, &mut advice)
            .map_err(|fault| fault.to_string())?;
        Ok(advice)
    }

    #[test]
    fn what_is_no_number_or_comes_after_none_is_left_out() {
        let columns = Columns::of(&home(), &mut Ground::default());
        assert_eq!(columns.places, [0, 3]);
        assert_eq!(columns.others, [1, 2]);
        assert_eq!(columns.numbers.entities, [0, 1]);
        assert_eq!(columns.numbers.values, [1.5, 4.0]);
        assert_eq!(columns.numbers.published, [1.0, 3.0]);
    }

    #[test]
    fn decisions_find_their_readings() {
        let advice = decided(3, 4.5, 1).unwrap();
        assert_eq!(advice[0].opinion, 2);
        assert_eq!(advice[0].reason.as_deref(), Some("noise"));
        assert_eq!((advice[1].opinion, advice[2].opinion), (0, 0));
        assert_eq!((advice[3].opinion, advice[3].number), (3, 4.5));
        assert_eq!(advice[3].reason, None);
        assert_eq!(decided(2, 0.0, NO_REASON).unwrap()[3].reason, None);
        assert_eq!(decided(4, 60_000.0, 0).unwrap()[3].delay_us, 60_000_000);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (verdict, number, reason, expected) in [
            (5, 0.0, 0, "verdict 5 for sensor.d"),
            (1, 0.0, 2, "reason 2 for sensor.d, and there are 2"),
            (3, f64::NAN, 0, "replaced 4 of sensor.d by NaN"),
            (3, 5.5, 0, "farther away than 1"),
            (4, f64::NAN, 0, "put sensor.d off by NaN ms"),
        ] {
            let error = decided(verdict, number, reason).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}

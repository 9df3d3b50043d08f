//! Asking a plugin about one reading, as the host would.

use crate::numbers::{NO_REASON, Numbers, Ruling};
use crate::{Decision, Observation, Plugin, Verdict};

/// What a plugin decides on a reading, by whichever of its functions the host
/// would ask; or what the host would count as a strike.
pub(super) fn decide<P: Plugin>(
    plugin: &mut P,
    now: u64,
    seen: Observation,
) -> Result<Decision, String> {
    let functions = P::describe().functions;
    let asked = |name: &str| functions.iter().any(|it| it == name);
    // A first reading is passed on whatever a plugin says: the host shows it
    // only to those that transform it.
    if seen.published.is_none() && !asked("transform") {
        return Ok(Decision::abstain());
    }
    let (reading, tolerance) = (seen.number(), seen.tolerance);
    // A plugin that lists nothing yet is tried as well.
    let judges = asked("judge") || !asked("judge-numbers");
    let row = row(&seen).filter(|_| asked("judge-numbers"));
    let decision = match row {
        Some(row) => {
            let rulings = plugin.judge_numbers(now, &row);
            decision(only("judge_numbers", rulings)?, P::reasons())?
        }
        None if judges => only("judge", plugin.judge(now, &[seen]))?,
        None => Decision::abstain(),
    };
    if let Verdict::Replace(number) = decision.verdict {
        check_replacement(number, reading, tolerance)?;
    }
    Ok(decision)
}

/// What the host asks of a number in place of a reading.
fn check_replacement(
    number: f64,
    reading: Option<f64>,
    tolerance: Option<f64>,
) -> Result<(), String> {
    let Some(reading) = reading else {
        return Err(format!("it replaced what is no number by {number}"));
    };
    if !number.is_finite() {
        return Err(format!("it replaced {reading} by {number}"));
    }
    let Some(tolerance) = tolerance else {
        return Err(format!(
            "it replaced {reading}, for which no tolerance is set"
        ));
    };
    // What rounding may add is none of the plugin's fault.
    let slack = (reading.abs() + number.abs() + tolerance) * f64::EPSILON;
    if (number - reading).abs() > tolerance + slack {
        return Err(format!(
            "it replaced {reading} by {number}, farther away than {tolerance}"
        ));
    }
    Ok(())
}

/// The only answer there is to be.
fn only<T>(function: &str, answers: Result<Vec<T>, String>) -> Result<T, String> {
    let mut answers =
        answers.map_err(|message| format!("`{function}` answered with an error: {message}"))?;
    match (answers.pop(), answers.len()) {
        (Some(answer), 0) => Ok(answer),
        (None, _) => Err(format!("`{function}` was asked about 1 and gave no answer")),
        (_, others) => Err(format!(
            "`{function}` was asked about 1 and gave {} answers",
            others + 1
        )),
    }
}

/// A reading in columns, if it goes there.
fn row(seen: &Observation) -> Option<Numbers> {
    Some(Numbers {
        entities: vec![seen.entity],
        values: vec![seen.number()?],
        at: vec![seen.at],
        published: vec![seen.published_number()?],
        published_at: vec![seen.published.as_ref()?.at],
        readings: vec![seen.readings],
        changes_per_hour: vec![seen.changes_per_hour],
        tolerances: vec![seen.tolerance.unwrap_or(f64::NAN)],
    })
}

fn decision(ruling: Ruling, reasons: &[&str]) -> Result<Decision, String> {
    let verdict = match ruling.verdict {
        0 => Verdict::Abstain,
        1 => Verdict::Publish,
        2 => Verdict::Suppress,
        3 => Verdict::Replace(ruling.number),
        _ => Verdict::Defer(ruling.number as u32),
    };
    let reason = match ruling.reason {
        NO_REASON => "",
        place => reasons.get(usize::from(place)).ok_or_else(|| {
            format!(
                "`judge_numbers` gave reason {place}, and there are {}",
                reasons.len()
            )
        })?,
    };
    Ok(Decision {
        verdict,
        reason: reason.to_owned(),
    })
}

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
    if asked("judge-numbers")
        && let Some(row) = row(&seen)
    {
        let rulings = plugin.judge_numbers(now, &row);
        let ruling = only("judge_numbers", rulings)?;
        return decision(ruling, P::reasons());
    }
    // A plugin that lists nothing yet is tried as well.
    if asked("judge") || !asked("judge-numbers") {
        return only("judge", plugin.judge(now, &[seen]));
    }
    Ok(Decision::abstain())
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

//! Refreshes and the budgets they come out of: read here, judged by the
//! optimizer.

use std::time::Duration;

use weirhouse_runner::wit::schedule::{Bounds, Budget, Class, Night, Volatility};

use super::document::Value;
use super::fields::{Fields, share, span, text, threshold, whole, word};
use super::rules::is_entity_id;
use super::{Config, Fault};
use crate::hub::Refresh;

pub(super) const CLASSES: [(&str, Class); 6] = [
    ("gps", Class::Gps),
    ("walk", Class::Walk),
    ("feeding", Class::Feeding),
    ("health", Class::Health),
    ("weather", Class::Weather),
    ("other", Class::Other),
];
pub(super) const VOLATILITIES: [(&str, Volatility); 3] = [
    ("high", Volatility::High),
    ("medium", Volatility::Medium),
    ("low", Volatility::Low),
];

/// Bounds of what comes out of a budget and names none: about as often as makes
/// sense, and at least daily.
const SHORTEST: Duration = Duration::from_mins(1);
const LONGEST: Duration = Duration::from_hours(24);

/// Most calls a budget can be of, far beyond sense.
const MOST_CALLS: u64 = 8_640_000;

/// All `[[budget]]`.
pub(super) fn budgets(
    config: &mut Config,
    tables: Vec<Fields<'_>>,
    faults: &mut Vec<Fault>,
) -> Vec<(String, Budget)> {
    let mut budgets: Vec<(String, Budget)> = Vec::with_capacity(tables.len());
    for mut fields in tables {
        let name = fields.take("name", faults, text);
        let mut budget = Budget {
            per_minute: fields.take("per_minute", faults, whole(1, MOST_CALLS)),
            per_day: fields.take("per_day", faults, whole(1, MOST_CALLS)),
            reserve: 0.0,
            reset_minute: 0,
            night: None,
        };
        fields.set("reserve", faults, &mut budget.reserve, share);
        fields.set("resets", faults, &mut budget.reset_minute, time_of_day);
        let from = fields.take("night_from", faults, time_of_day);
        let to = fields.take("night_to", faults, time_of_day);
        let weight = fields.take("night_weight", faults, share);
        match (from, to) {
            (Some(from_minute), Some(to_minute)) => {
                budget.night = Some(Night {
                    from_minute,
                    to_minute,
                    weight: weight.unwrap_or_default(),
                });
            }
            (None, None) if weight.is_none() => {}
            _ => faults.push(fields.wrong("has a night; give it `night_from` and `night_to`")),
        }
        if budget.per_minute.is_none() && budget.per_day.is_none() {
            faults.push(fields.wrong("must say `per_day` or `per_minute`, or both"));
        }
        match name {
            Some(name) if budgets.iter().any(|(other, _)| *other == name) => {
                let message = format!("another [[budget]] is called {name:?} already");
                faults.push(fields.wrong_value("name", message));
            }
            Some(name) => budgets.push((name, budget)),
            None => faults.push(fields.wrong("must have a `name`, which a [[refresh]] can name")),
        }
        fields.finish(config, faults);
    }
    budgets
}

/// All `[[refresh]]`.
pub(super) fn refreshes(
    config: &mut Config,
    tables: Vec<Fields<'_>>,
    faults: &mut Vec<Fault>,
) -> Vec<(String, Refresh)> {
    let mut refreshes: Vec<(String, Refresh)> = Vec::with_capacity(tables.len());
    for mut fields in tables {
        let entity = fields.take("entity", faults, entity_id);
        let refresh = pace(&mut fields, faults);
        match (entity, refresh) {
            (Some(entity), _) if refreshes.iter().any(|(other, _)| *other == entity) => {
                let message = format!("another [[refresh]] names {entity} already; leave one out");
                faults.push(fields.wrong_value("entity", message));
            }
            (Some(entity), Some(refresh)) => refreshes.push((entity, refresh)),
            _ => {
                faults.push(fields.wrong(
                    "must name an `entity`, and either `every`, such as \"60s\", or a `class`, `shortest` with `longest`, or a `budget`",
                ));
            }
        }
        fields.finish(config, faults);
    }
    refreshes
}

/// How often an entity is refreshed, if that is said in one way.
fn pace(fields: &mut Fields<'_>, faults: &mut Vec<Fault>) -> Option<Refresh> {
    let every = fields.take("every", faults, span);
    let class = fields.take("class", faults, word(&CLASSES));
    let volatility = fields.take("volatility", faults, word(&VOLATILITIES));
    let shortest = fields.take("shortest", faults, span);
    let longest = fields.take("longest", faults, span);
    let budget = fields.take("budget", faults, text);
    let weight = fields.take("weight", faults, threshold);
    if class.is_none() && volatility.is_some() {
        faults.push(fields.wrong_value(
            "volatility",
            "it says how often a `class` is refreshed, and there is none",
        ));
    }
    if budget.is_none() && weight.is_some() {
        faults.push(fields.wrong_value(
            "weight",
            "it says what an entity counts among those of a `budget`, and there is none",
        ));
    }
    let bounds = |shortest: Duration, longest: Duration| Bounds {
        shortest: i64::try_from(shortest.as_micros()).unwrap_or(i64::MAX),
        longest: i64::try_from(longest.as_micros()).unwrap_or(i64::MAX),
    };
    match (every, class, budget, shortest, longest) {
        (Some(every), None, None, None, None) => Some(Refresh::Every(every)),
        (None, Some(class), None, None, None) => {
            let volatility = volatility.unwrap_or(Volatility::Medium);
            Some(Refresh::Class(class, volatility))
        }
        (None, None, None, Some(shortest), Some(longest)) => {
            Some(Refresh::Measured(bounds(shortest, longest)))
        }
        (None, None, Some(budget), shortest, longest) => Some(Refresh::Planned {
            budget,
            bounds: bounds(shortest.unwrap_or(SHORTEST), longest.unwrap_or(LONGEST)),
            weight: weight.unwrap_or(1.0),
        }),
        _ => None,
    }
}

/// Names what comes out of a budget that there is not.
pub(super) fn check_budgets(config: &Config, faults: &mut Vec<Fault>) {
    let budgets = &config.hub.budgets;
    for (index, (_, refresh)) in config.hub.refresh.iter().enumerate() {
        if let Refresh::Planned { budget, .. } = refresh
            && !budgets.iter().any(|(name, _)| name == budget)
        {
            let path = format!("refresh[{}].budget", index + 1);
            let message = format!("there is no [[budget]] called {budget:?}");
            faults.push(config.fault(&path, message));
        }
    }
}

fn entity_id(value: &Value) -> Result<String, String> {
    text(value)
        .ok()
        .filter(|text| is_entity_id(text))
        .ok_or_else(|| "must be an entity id, such as \"sensor.meter\"".to_owned())
}

/// A time of day, in minutes after midnight.
fn time_of_day(value: &Value) -> Result<u32, String> {
    let read = match value {
        Value::Text(text) => text.split_once(':').and_then(|(hours, minutes)| {
            let two = |digits: &str, most: u32| -> Option<u32> {
                let is_two = digits.len() == 2 && digits.bytes().all(|it| it.is_ascii_digit());
                let number = digits.parse().ok()?;
                (is_two && number <= most).then_some(number)
            };
            Some(two(hours, 23)? * 60 + two(minutes, 59)?)
        }),
        _ => None,
    };
    read.ok_or_else(|| "must be a time of day in UTC, such as \"22:30\"".to_owned())
}

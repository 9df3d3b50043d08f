//! How often entities report, what becomes of it, and by which rule.

use std::fmt::Write as _;
use std::num::NonZeroU32;

use serde::Serialize;
use utoipa::ToSchema;
use weirhouse_hass::Timestamp;
use weirhouse_runner::wit::types::Instant;
use weirhouse_runner::wit::updates::{Combine, Publishing, Rule};

use super::engine::Engine;
use super::publishing::reason_name;
use super::{Hub, HubError};

const SECOND_US: u64 = 1_000_000;
const MINUTE_US: u64 = 60 * SECOND_US;

/// Slices of the hour that a pace looks back on.
const SLICES: usize = 12;
const SLICE_US: u64 = 3600 * SECOND_US / SLICES as u64;

/// Readings of the last hour.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    slices: [u32; SLICES],
    /// The number of the slice that was counted in last.
    newest: u64,
}

impl Pace {
    pub(super) fn note(&mut self, now_us: u64) {
        self.pass(now_us);
        let slice = &mut self.slices[self.newest as usize % SLICES];
        *slice = slice.saturating_add(1);
    }

    /// Readings in an hour at the pace of the last one, or of the time since
    /// the start while that is shorter.
    pub(super) fn per_hour(mut self, now_us: u64) -> f64 {
        self.pass(now_us);
        let counted: u64 = self.slices.iter().map(|&count| u64::from(count)).sum();
        // The slice under way is counted with what has passed of it.
        let whole_us = (SLICES as u64 - 1) * SLICE_US + now_us % SLICE_US;
        let span_us = whole_us.min(now_us).max(60 * SECOND_US);
        counted as f64 * (3600 * SECOND_US) as f64 / span_us as f64
    }

    /// Empties the slices that lie behind by now.
    fn pass(&mut self, now_us: u64) {
        let now = now_us / SLICE_US;
        for slice in (self.newest + 1..=now).take(SLICES) {
            self.slices[slice as usize % SLICES] = 0;
        }
        self.newest = self.newest.max(now);
    }
}

/// What `GET /v1/activity` answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Activity {
    /// Since when readings are counted.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Those that report most often first.
    pub entities: Vec<EntityActivity>,
}

/// What became of the readings of one entity, its state and its attributes.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EntityActivity {
    /// Which.
    pub entity_id: String,
    /// What Home Assistant calls it.
    pub name: Option<String>,
    /// Its unit of measurement.
    pub unit: Option<String>,
    /// Readings judged.
    pub observed: u64,
    /// Of these, suppressed.
    pub suppressed: u64,
    /// Readings in an hour, at the pace of the last one.
    pub per_hour: f64,
    /// What its last reading was judged by. Of a state and attributes that
    /// changed together, the state's.
    pub rule: AppliedRule,
    /// What became of its last reading, and why.
    pub reason: Option<&'static str>,
    /// The plugin that is asked about its readings.
    pub plugin: Option<String>,
    /// Why the plugin advised what it did last.
    pub advice: Option<String>,
    /// When that came.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
}

/// The rule of a state or an attribute.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a member of the answer"
)]
pub struct AppliedRule {
    /// Where it is from.
    pub source: RuleSource,
    /// Of the configured rules, which, counted from 1.
    pub number: Option<u32>,
    /// The attribute it is for; none for the state.
    pub attribute: Option<String>,
    /// It in words, the attribute first.
    pub text: String,
    /// Least difference that matters; none where there is no threshold.
    pub absolute: Option<f64>,
    /// Least difference that matters as a fraction, 0.01 being one percent.
    pub percentage: Option<f64>,
    /// Whether one of both differences is enough.
    pub any: bool,
    /// Seconds after which a value is repeated.
    pub max_age_s: Option<f64>,
    /// Seconds of quiet after which the last value follows.
    pub settle_s: Option<f64>,
    /// Whether the threshold is learned from its noise.
    pub learn: bool,
    /// Whether a value in the middle of recent ones may be published.
    pub centred: bool,
    /// Whether each change of its sign is published.
    pub zero_crossing: bool,
    /// Levels of which each crossing is published.
    pub levels: Vec<f64>,
    /// Whether it is a running total.
    pub total: bool,
}

/// Where a rule is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleSource {
    /// The configuration, for these entities.
    Rule,
    /// The device class and the unit.
    Preset,
    /// What holds for all others.
    Default,
}

impl Hub {
    /// What became of the readings of each entity that had any, at most
    /// `most` of them.
    ///
    /// # Errors
    /// When the optimizer does not answer.
    pub fn activity(&self, most: usize) -> Result<Activity, HubError> {
        self.with_engine(|engine| engine.activity(self.clock.now(), most))
    }
}

impl Engine {
    fn activity(&mut self, now: Instant, most: usize) -> Result<Activity, HubError> {
        // By whole minutes, so that the answer is the same while nothing is reported.
        let minute_us = now.mono - now.mono % MINUTE_US;
        let observed = self.entities.iter();
        let observed = observed.filter(|(_, entity)| entity.observed > 0);
        let mut paces: Vec<(f64, &str, u32)> = observed
            .filter_map(|(name, entity)| {
                let handle = self.entities.judged_handle(name)?;
                Some((entity.pace.per_hour(minute_us), name, handle))
            })
            .collect();
        paces.sort_unstable_by(|(a, name, _), (b, other, _)| b.total_cmp(a).then(name.cmp(other)));
        paces.truncate(most);
        let paces: Vec<(f64, Box<str>, u32)> = paces
            .into_iter()
            .map(|(pace, name, handle)| (pace, name.into(), handle))
            .collect();
        let rules = self.call(now, |core| {
            let handles = paces.iter().map(|(_, _, handle)| handle);
            handles
                .map(|handle| core.rule_of(*handle))
                .collect::<Result<Vec<_>, _>>()
        })?;
        let engine = &*self;
        let mut entities = Vec::with_capacity(paces.len());
        for ((per_hour, entity_id, handle), rule) in paces.iter().zip(rules) {
            let Some((entity, series)) = engine
                .entities
                .get(entity_id)
                .zip(engine.entities.name(*handle))
            else {
                continue;
            };
            let state = engine.state(entity_id);
            let text = |name| state.and_then(|state| state.attributes.text(name));
            let advised = engine.policies.advised(entity_id);
            entities.push(EntityActivity {
                name: text("friendly_name"),
                unit: text("unit_of_measurement"),
                entity_id: entity_id.to_string(),
                observed: entity.observed,
                suppressed: entity.suppressed,
                per_hour: (per_hour * 10.0).round() / 10.0,
                rule: applied(
                    &rule,
                    series.attribute.as_deref(),
                    engine.entities.rule_number(series),
                    &engine.settings.default_rule,
                ),
                reason: entity.judged.map(|judged| reason_name(judged.verdict)),
                at: entity.judged.map(|judged| judged.at),
                plugin: advised.map(|(plugin, _)| plugin.to_owned()),
                advice: advised.and_then(|(_, reason)| reason.map(str::to_owned)),
            });
        }
        // To the second: the two clocks are not read at one moment.
        let second_us = SECOND_US.cast_signed();
        let started = now.wall.saturating_sub(now.mono.cast_signed());
        let started = (started + second_us / 2).div_euclid(second_us) * second_us;
        Ok(Activity {
            since: Timestamp::from_micros(started),
            entities,
        })
    }
}

fn applied(
    rule: &Rule,
    attribute: Option<&str>,
    number: Option<NonZeroU32>,
    default: &Rule,
) -> AppliedRule {
    let seconds = |us: i64| us as f64 / SECOND_US as f64;
    AppliedRule {
        source: match number {
            Some(_) => RuleSource::Rule,
            None if rule == default => RuleSource::Default,
            None => RuleSource::Preset,
        },
        number: number.map(NonZeroU32::get),
        attribute: attribute.map(str::to_owned),
        text: match attribute {
            None => words(rule),
            Some(attribute) => format!("{attribute}: {}", words(rule)),
        },
        absolute: rule.absolute,
        percentage: rule.percentage,
        any: matches!(rule.combine, Combine::Any),
        max_age_s: rule.max_age.map(seconds),
        settle_s: rule.settle.map(seconds),
        learn: rule.learn,
        centred: rule.publishing == Publishing::Centred,
        zero_crossing: rule.zero_crossing,
        levels: rule.levels.clone(),
        total: rule.total,
    }
}

/// A rule in words.
fn words(rule: &Rule) -> String {
    let absolute = rule.absolute.map(|it| it.to_string());
    let percentage = rule.percentage.map(|it| format!("{} %", round(it * 100.0)));
    let mut text = match (absolute, percentage) {
        (None, None) => "any change".to_owned(),
        (Some(one), None) | (None, Some(one)) => format!("at least {one}"),
        (Some(one), Some(other)) if matches!(rule.combine, Combine::Any) => {
            format!("at least {one} or {other}")
        }
        (Some(one), Some(other)) => format!("at least {one} and {other}"),
    };
    let span = |us: i64| {
        let span = std::time::Duration::from_micros(us.unsigned_abs());
        humantime::format_duration(span).to_string()
    };
    if rule.learn {
        text += ", learned from its noise";
    }
    if rule.publishing == Publishing::Centred {
        text += ", as the value that readings stay near";
    }
    if rule.zero_crossing {
        text += ", whenever its sign changes";
    }
    if !rule.levels.is_empty() {
        let levels: Vec<String> = rule.levels.iter().map(f64::to_string).collect();
        let _ = write!(text, ", whenever it crosses {}", levels.join(" or "));
    }
    if rule.total {
        text += ", whenever the total begins anew";
    }
    if let Some(settle) = rule.settle {
        let _ = write!(text, ", and what is left after {} of quiet", span(settle));
    }
    if let Some(max_age) = rule.max_age {
        let _ = write!(text, ", repeated every {}", span(max_age));
    }
    text
}

/// A percentage without the noise of binary fractions.
fn round(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "these are exact")]
mod tests {
    use super::*;

    const HOUR_US: u64 = 3600 * SECOND_US;

    #[test]
    fn a_pace_is_that_of_the_last_hour() {
        let mut pace = Pace::default();
        // One every ten seconds, for two hours.
        for at in (0..2 * HOUR_US).step_by(10_000_000) {
            pace.note(at);
        }
        let steady = pace.per_hour(2 * HOUR_US);
        assert!((355.0..=365.0).contains(&steady), "{steady}");
        let halved = pace.per_hour(2 * HOUR_US + HOUR_US / 2);
        assert!((150.0..=200.0).contains(&halved), "{halved}");
        assert_eq!(pace.per_hour(4 * HOUR_US), 0.0);
    }

    #[test]
    fn a_young_pace_is_told_by_the_time_it_had() {
        let mut pace = Pace::default();
        for at in (0..600 * SECOND_US).step_by(1_000_000) {
            pace.note(at);
        }
        let steady = pace.per_hour(600 * SECOND_US);
        assert!((3_590.0..=3_610.0).contains(&steady), "{steady}");
        let mut first = Pace::default();
        first.note(SECOND_US);
        assert_eq!(first.per_hour(SECOND_US), 60.0, "no more than one a minute");
    }

    #[test]
    fn rules_are_told_in_words() {
        let rule = Rule::default();
        assert_eq!(words(&rule), "any change");
        let rule = Rule {
            absolute: Some(5.0),
            percentage: Some(0.07),
            combine: Combine::Any,
            settle: Some(60_000_000),
            max_age: Some(600_000_000),
            ..rule
        };
        assert_eq!(
            words(&rule),
            "at least 5 or 7 %, and what is left after 1m of quiet, repeated every 10m"
        );
        let applied = applied(&rule, Some("latitude"), None, &Rule::default());
        assert_eq!(applied.source, RuleSource::Preset);
        assert!(
            applied.text.starts_with("latitude: at least 5 or 7 %, "),
            "{}",
            applied.text
        );
        let rule = Rule {
            absolute: Some(5.0),
            publishing: Publishing::Centred,
            zero_crossing: true,
            levels: vec![10.0, 22.5],
            total: true,
            ..Rule::default()
        };
        assert_eq!(
            words(&rule),
            "at least 5, as the value that readings stay near, whenever its sign changes, \
             whenever it crosses 10 or 22.5, whenever the total begins anew"
        );
    }
}

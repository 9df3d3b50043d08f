//! Asking one instance of a plugin, and making sense of its answers.

use weirhouse_runner::plugin::wit::entities::Metadata;
use weirhouse_runner::plugin::wit::interval::Pace;
use weirhouse_runner::plugin::wit::transform::Derived;
use weirhouse_runner::plugin::wit::ttl::{Entry, Lifetime};
use weirhouse_runner::plugin::wit::types::{Observation, Publication, Value};
use weirhouse_runner::plugin::{Capability, Function, Instance, Package, PluginFault, Refused};

use super::advice::Advice;
use super::numbers::{Columns, Reasons};
use super::services::{Ground, SharedGround};

/// Readings that one reading may become.
const MOST_DERIVED: usize = 16;

/// Longest name of a derived attribute.
const MOST_ATTRIBUTE_BYTES: usize = 40;

/// A reading, and what was before it.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Of which entity.
    pub entity_id: Box<str>,
    /// Its state as Home Assistant writes it.
    pub text: String,
    /// When it came, in milliseconds since the epoch.
    pub at_ms: u64,
    /// What was passed on last, and when.
    pub published: Option<(String, u64)>,
    /// Readings since then, this one included.
    pub readings: u32,
    /// Readings in an hour.
    pub changes_per_hour: f64,
    /// The absolute threshold of the rule in force.
    pub tolerance: Option<f64>,
    /// What Home Assistant calls it.
    pub name: Option<String>,
    /// Its device class.
    pub device_class: Option<String>,
    /// Its unit.
    pub unit: Option<String>,
    /// Its state class.
    pub state_class: Option<String>,
}

/// An instance of a plugin with what it stands on.
pub struct Consultation {
    package: Package,
    instance: Instance,
    ground: SharedGround,
    /// What decisions on numbers name, once asked for.
    reasons: Option<Reasons>,
}

impl Consultation {
    /// Starts an instance with what is granted.
    ///
    /// # Errors
    /// When it does not start, or needs more than that.
    pub fn start(
        package: &Package,
        granted: &[Capability],
        ground: Ground,
    ) -> Result<Self, Refused> {
        Self::on(package, granted, SharedGround::new(ground))
    }

    pub(super) fn on(
        package: &Package,
        granted: &[Capability],
        ground: SharedGround,
    ) -> Result<Self, Refused> {
        Ok(Self {
            package: package.clone(),
            instance: Instance::start(package, granted, Box::new(ground.clone()))?,
            ground,
            reasons: None,
        })
    }

    /// Advice on readings of different entities; none where it does not judge.
    ///
    /// # Errors
    /// When it gave no answer, or one that makes no sense.
    pub fn judge(&mut self, now_ms: u64, seen: &[Seen]) -> Result<Vec<Advice>, PluginFault> {
        if !self.package.decides(Function::JudgeNumbers) {
            let all: Vec<&Seen> = seen.iter().collect();
            return self.judge_all(now_ms, &all);
        }
        let columns = Columns::of(seen, &mut self.ground.lock());
        let mut advice = self.judge_numbers(now_ms, &columns, seen)?;
        if columns.others.is_empty() {
            return Ok(advice);
        }
        let others = columns.others.iter();
        let others: Vec<&Seen> = others.filter_map(|place| seen.get(*place)).collect();
        let of_others = self.judge_all(now_ms, &others)?;
        for (place, one) in columns.others.iter().zip(of_others) {
            if let Some(advice) = advice.get_mut(*place) {
                *advice = one;
            }
        }
        Ok(advice)
    }

    /// Advice on readings of any kind, asked one by one.
    fn judge_all(&mut self, now_ms: u64, seen: &[&Seen]) -> Result<Vec<Advice>, PluginFault> {
        let nothing = vec![Advice::default(); seen.len()];
        if !self.package.decides(Function::Judge) {
            return Ok(nothing);
        }
        let batch = self.observations(seen.iter().copied());
        let Some(decisions) = self.instance.judge(now_ms, &batch) else {
            return Ok(nothing);
        };
        let decisions = decisions?;
        let advice = decisions.iter().zip(&batch).zip(seen);
        advice
            .map(|((decision, observation), seen)| Advice::of(decision, observation, seen))
            .collect()
    }

    /// Advice on the numbers among readings; none on the others.
    fn judge_numbers(
        &mut self,
        now_ms: u64,
        columns: &Columns,
        seen: &[Seen],
    ) -> Result<Vec<Advice>, PluginFault> {
        let mut advice = vec![Advice::default(); seen.len()];
        if columns.places.is_empty() {
            return Ok(advice);
        }
        if self.reasons.is_none() {
            let Some(reasons) = self.instance.reasons() else {
                return Ok(advice);
            };
            self.reasons = Some(Reasons::of(&reasons?));
        }
        let Some(decisions) = self.instance.judge_numbers(now_ms, &columns.numbers) else {
            return Ok(advice);
        };
        let reasons = self.reasons.as_ref();
        let decisions = decisions?;
        columns.take(
            &decisions,
            reasons.unwrap_or(&Reasons::default()),
            seen,
            &mut advice,
        )?;
        Ok(advice)
    }

    /// What readings become; nothing for those that stay as they are.
    ///
    /// # Errors
    /// When it gave no answer, or one that makes no sense.
    pub fn transform(
        &mut self,
        now_ms: u64,
        seen: &[Seen],
    ) -> Result<Vec<Vec<Derived>>, PluginFault> {
        let nothing = vec![Vec::new(); seen.len()];
        if !self.package.decides(Function::Transform) {
            return Ok(nothing);
        }
        let batch = self.observations(seen.iter());
        let Some(derived) = self.instance.transform(now_ms, &batch) else {
            return Ok(nothing);
        };
        let derived = derived?;
        derived
            .iter()
            .try_for_each(|derived| check_derived(derived))?;
        Ok(derived)
    }

    /// The next interval of entities that were refreshed.
    ///
    /// # Errors
    /// When it gave no answer.
    pub(super) fn intervals(
        &mut self,
        now_ms: u64,
        refreshed: &[(Seen, u32, Option<u32>)],
    ) -> Result<Vec<Option<u32>>, PluginFault> {
        let mut batch = Vec::with_capacity(refreshed.len());
        for (seen, interval, quiet) in refreshed {
            batch.push(Pace {
                entity: self.number(seen),
                interval: *interval,
                changes_per_hour: seen.changes_per_hour,
                quiet: *quiet,
            });
        }
        let answer = self.instance.intervals(now_ms, &batch);
        answer.unwrap_or_else(|| Ok(vec![None; refreshed.len()]))
    }

    /// The life times of entries.
    ///
    /// # Errors
    /// When it gave no answer.
    pub(super) fn lifetimes(
        &mut self,
        now_ms: u64,
        entries: &[Entry],
    ) -> Result<Vec<Option<Lifetime>>, PluginFault> {
        let answer = self.instance.lifetimes(now_ms, entries);
        answer.unwrap_or_else(|| Ok(vec![None; entries.len()]))
    }

    /// Asks about one made-up entity and entry, where it decides on such.
    ///
    /// # Errors
    /// When it gave no answer.
    pub fn probe(&mut self, now_ms: u64) -> Result<(), PluginFault> {
        if self.package.decides(Function::Interval) {
            let seen = Seen {
                entity_id: "sensor.made_up".into(),
                ..Seen::default()
            };
            self.intervals(now_ms, &[(seen, 60_000, Some(30_000))])?;
        }
        if self.package.decides(Function::Ttl) {
            self.lifetimes(
                now_ms,
                &[Entry {
                    namespace: "weather".to_owned(),
                    key: "made/up".to_owned(),
                    media_type: "application/json".to_owned(),
                    bytes: 1000,
                }],
            )?;
        }
        Ok(())
    }

    /// What it learned, if it keeps that.
    ///
    /// # Errors
    /// When it gave no answer.
    pub fn learned(&mut self) -> Result<Option<Vec<u8>>, PluginFault> {
        if !self.package.decides(Function::State) {
            return Ok(None);
        }
        self.instance.snapshot().transpose()
    }

    /// Gives it what another instance learned, if it takes that.
    ///
    /// # Errors
    /// When it cannot use it.
    pub fn relearn(&mut self, learned: &[u8]) -> Result<(), PluginFault> {
        if !self.package.decides(Function::State) {
            return Ok(());
        }
        self.instance.restore(learned).unwrap_or(Ok(()))
    }

    /// Memory of its instance, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.instance.memory_bytes()
    }

    fn observations<'a>(&self, seen: impl Iterator<Item = &'a Seen>) -> Vec<Observation> {
        let mut ground = self.ground.lock();
        let observation = |seen: &Seen| Observation {
            entity: ground.number(&seen.entity_id, || metadata_of(seen)),
            value: value_of(&seen.text),
            at: seen.at_ms,
            published: seen.published.as_ref().map(|(text, at)| Publication {
                value: value_of(text),
                at: *at,
            }),
            readings: seen.readings,
            changes_per_hour: seen.changes_per_hour,
            tolerance: seen.tolerance,
        };
        seen.map(observation).collect()
    }

    fn number(&self, seen: &Seen) -> u32 {
        let mut ground = self.ground.lock();
        ground.number(&seen.entity_id, || metadata_of(seen))
    }
}

pub(super) fn metadata_of(seen: &Seen) -> Metadata {
    Metadata {
        id: seen.entity_id.to_string(),
        name: seen.name.clone(),
        device_class: seen.device_class.clone(),
        unit: seen.unit.clone(),
        state_class: seen.state_class.clone(),
    }
}

fn check_derived(derived: &[Derived]) -> Result<(), PluginFault> {
    let nonsense = |reason: String| {
        Err(PluginFault::Nonsense {
            function: "transform",
            reason,
        })
    };
    if derived.len() > MOST_DERIVED {
        return nonsense(format!("made {} readings of one", derived.len()));
    }
    let states = derived.iter().filter(|it| it.attribute.is_none()).count();
    if states > 1 {
        return nonsense(format!("gave one entity {states} states"));
    }
    for one in derived {
        if let Some(name) = &one.attribute {
            let fine = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
            if name.is_empty() || name.len() > MOST_ATTRIBUTE_BYTES || !name.chars().all(fine) {
                let shown: String = name.chars().take(MOST_ATTRIBUTE_BYTES).collect();
                return nonsense(format!("gave an attribute the name {shown:?}"));
            }
        }
        if let Value::Number(number) = one.value
            && !number.is_finite()
        {
            return nonsense(format!("gave {number}, which is no finite number"));
        }
    }
    Ok(())
}

/// What a state is.
pub(super) fn value_of(text: &str) -> Value {
    match text {
        "unknown" => Value::Unknown,
        "unavailable" => Value::Unavailable,
        text => number_of(text).map_or_else(|| Value::Text(text.to_owned()), Value::Number),
    }
}

/// The number that a state is, if it is one.
pub(super) fn number_of(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// [`value_of`], the other way.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Unknown => "unknown".to_owned(),
        Value::Unavailable => "unavailable".to_owned(),
    }
}

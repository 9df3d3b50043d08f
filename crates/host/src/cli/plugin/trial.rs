//! `weirhouse plugin check` and `test`: a plugin before it is installed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use weirhouse_runner::plugin::{Function, Package, PluginFault};

use super::super::exit::{Exit, Failure};
use super::super::optimizer::OptimizerArgs;
use super::super::output;
use super::super::rule::{PresetArgs, RuleArgs};
use super::Tried;
use super::inspect::described;
use crate::plugins::{Advice, Claims, Consultation, Ground, Seen, settings, wrong_setting};
use crate::trace::Reader;
use crate::trace::replay::{Report, replay, replay_advised};

/// Settings for a trial.
#[derive(Debug, Args)]
pub(super) struct TrialArgs {
    /// A setting other than its default; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
}

pub(super) fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("expected NAME=VALUE, such as least=0.5")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl TrialArgs {
    /// An instance with all that it needs granted.
    pub(super) fn start(&self, package: &Package) -> Result<Consultation, Failure> {
        let written: BTreeMap<String, String> = self.settings.iter().cloned().collect();
        for (name, value) in &written {
            if let Some(wrong) = wrong_setting(package, name, Some(value)) {
                return Err(Failure::new(Exit::Usage, wrong));
            }
        }
        let needs = package.needs().map_err(|unknown| {
            let message = format!("it needs {}, which there is not", unknown.join(", "));
            Failure::new(Exit::Usage, message)
        })?;
        let ground = Ground::new(
            &package.description().name,
            settings(package, &written),
            BTreeMap::new(),
        );
        Consultation::start(package, &needs, ground).map_err(Failure::of(Exit::Usage))
    }
}

/// Run it under all limits with made-up readings, and say what is wrong
#[derive(Debug, Args)]
pub(super) struct Check {
    /// A component, or the core module of one
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    trial: TrialArgs,
}

/// An hour after the epoch.
const START_MS: u64 = 3_600_000;

impl Check {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let tried = Tried::load(&self.file)?;
        let package = &tried.made.package;
        let mut text = described(package, &tried.made.sha256, tried.made.component.len());
        for function in Function::ALL {
            let listed = package
                .description()
                .functions
                .iter()
                .any(|it| it == function.name());
            if listed && !package.surface().exports.contains(function) {
                return Err(Failure::new(
                    Exit::Usage,
                    format!("it says that it decides `{function}`, but does not export it"),
                ));
            }
        }
        let mut live = self.trial.start(package)?;
        let failed = |fault: PluginFault| Failure::new(Exit::Usage, fault);
        for seen in batches() {
            let now_ms = seen.first().map_or(START_MS, |it| it.at_ms);
            live.transform(now_ms, &seen).map_err(failed)?;
            live.judge(now_ms, &seen).map_err(failed)?;
        }
        live.probe(START_MS).map_err(failed)?;
        let learned = live.learned().map_err(failed)?;
        if let Some(learned) = &learned {
            let mut next = self.trial.start(package)?;
            next.relearn(learned).map_err(failed)?;
            let _ = writeln!(
                text,
                "state      {} bytes, taken by another instance",
                learned.len()
            );
        }
        let _ = writeln!(
            text,
            "memory     {} KiB",
            live.memory_bytes().div_ceil(1024)
        );
        let _ = writeln!(
            text,
            "\nok: it kept to its limits on {} made-up readings",
            4 * 256
        );
        output::write(text.as_bytes())
    }
}

/// Readings as they may come: numbers, text, absences, with and without a past
/// and a tolerance.
fn batches() -> impl Iterator<Item = Vec<Seen>> {
    (0..4_u64).map(|round| {
        let reading = |place: u64| {
            let number = (place * 37 % 101) as f64 / 3.0 - 5.0 + round as f64;
            let text = match place % 8 {
                0 => "home".to_owned(),
                1 => "unavailable".to_owned(),
                2 => "unknown".to_owned(),
                _ => format!("{number:.2}"),
            };
            let published = (round > 0).then(|| (format!("{:.2}", number - 0.4), START_MS));
            Seen {
                entity_id: format!("sensor.made_up_{place}").into(),
                text,
                at_ms: START_MS + round * 60_000,
                published,
                readings: round as u32 + 1,
                changes_per_hour: 60.0,
                tolerance: (place.is_multiple_of(3)).then_some(0.5),
                name: Some(format!("Made up {place}")),
                device_class: Some("temperature".to_owned()),
                unit: Some("°C".to_owned()),
                state_class: Some("measurement".to_owned()),
            }
        };
        (0..256).map(reading).collect()
    })
}

/// Show what it would have made of a recorded trace
///
/// The trace goes through the optimizer twice, without the plugin and with it.
/// The same trace, plugin and rules always give the same table. Only readings
/// are judged; `transform`, `interval` and `ttl` are not shown here.
#[derive(Debug, Args)]
pub(super) struct Test {
    /// A component, or the core module of one
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A trace that `weirhouse record` wrote
    #[arg(long, value_name = "FILE")]
    trace: PathBuf,
    /// Compare with the table in this file, and fail if they differ; writes it
    /// if it is not there
    #[arg(long, value_name = "FILE")]
    golden: Option<PathBuf>,
    #[command(flatten)]
    trial: TrialArgs,
    #[command(flatten)]
    rule: RuleArgs,
    #[command(flatten)]
    presets: PresetArgs,
    #[command(flatten)]
    optimizer: OptimizerArgs,
}

impl Test {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let tried = Tried::load(&self.file)?;
        let package = &tried.made.package;
        let mut live = self.trial.start(package)?;
        let options = self.rule.replay(self.presets.enabled());
        let open = || Reader::open(&self.trace).map_err(Failure::of(Exit::Usage));
        let (_engine, mut without) = self.optimizer.load()?;
        let before = replay(&mut open()?, &mut without, &options, &mut |_| {})
            .map_err(Failure::of(Exit::Usage))?;

        let claims = Claims::of(package.description());
        let mut reasons = Said::new();
        let mut fault = None;
        let transforms = package.decides(Function::Transform);
        let mut adviser = |now_ms: u64, seen: Seen| -> Option<Advice> {
            // As at home: a first reading is passed on whatever is advised.
            if seen.published.is_none() && !transforms {
                return None;
            }
            if fault.is_some() || !claims.entity(&seen.entity_id, seen.device_class.as_deref()) {
                return None;
            }
            match live.judge(now_ms, std::slice::from_ref(&seen)) {
                Ok(mut advice) => {
                    let advice = advice.pop()?;
                    *reasons
                        .entry((advice.opinion, advice.reason.clone()))
                        .or_default() += 1;
                    Some(advice)
                }
                Err(failed) => {
                    fault = Some(failed);
                    None
                }
            }
        };
        let (_engine, mut with) = self.optimizer.load()?;
        let after = replay_advised(
            &mut open()?,
            &mut with,
            &options,
            Some(&mut adviser),
            &mut |_| {},
        )
        .map_err(Failure::of(Exit::Usage))?;
        if let Some(fault) = fault {
            return Err(Failure::new(
                Exit::Usage,
                format!("it failed on this trace: {fault}"),
            ));
        }
        let mut text = table(&before, &after, &claims, &reasons);
        text.push_str(&unseen(package));
        self.compare(&text)?;
        output::write(text.as_bytes())
    }

    fn compare(&self, text: &str) -> Result<(), Failure> {
        let Some(golden) = &self.golden else {
            return Ok(());
        };
        match std::fs::read_to_string(golden) {
            Ok(expected) if expected == text => Ok(()),
            Ok(_) => {
                output::write(text.as_bytes())?;
                Err(Failure::new(
                    Exit::Unexpected,
                    format!(
                        "this is not what {} holds; delete that file to accept it",
                        golden.display()
                    ),
                ))
            }
            Err(_) => std::fs::write(golden, text).map_err(Failure::of(Exit::Usage)),
        }
    }
}

/// What the plugin decides beside readings, and where that is tried.
fn unseen(package: &Package) -> String {
    let others = [Function::Transform, Function::Interval, Function::Ttl];
    let others = others.into_iter().filter(|it| package.decides(*it));
    let names: Vec<String> = others.map(|it| format!("`{it}`")).collect();
    if names.is_empty() {
        return String::new();
    }
    format!(
        "\n{} cannot be seen in a recording; `weirhouse plugin check` tries that\n",
        names.join(", ")
    )
}

/// How often each opinion was given for each reason.
type Said = BTreeMap<(u8, Option<Arc<str>>), u64>;

/// Each entity that the plugin had a say in, or that changed.
fn table(before: &Report, after: &Report, claims: &Claims, reasons: &Said) -> String {
    let mut text = String::new();
    let width = before
        .entities
        .iter()
        .map(|it| it.entity.len())
        .max()
        .unwrap_or(0);
    let width = width.max("entity".len());
    let _ = writeln!(
        text,
        "{:width$}  {:>8}  {:>9}  {:>9}  {:>11}  {:>11}",
        "entity", "changes", "without", "with", "error", "error with"
    );
    let error = |error: Option<f64>| error.map_or_else(|| "-".to_owned(), |it| format!("{it:.3}"));
    let mut untouched = 0;
    for one in &before.entities {
        let Some(advised) = after.entities.iter().find(|it| it.entity == one.entity) else {
            continue;
        };
        let same = advised.after == one.after && advised.largest_error == one.largest_error;
        if same && !claims.entity(&one.entity, None) {
            untouched += 1;
            continue;
        }
        let _ = writeln!(
            text,
            "{:width$}  {:>8}  {:>9}  {:>9}  {:>11}  {:>11}",
            one.entity,
            one.before,
            one.after,
            advised.after,
            error(one.largest_error),
            error(advised.largest_error)
        );
    }
    if untouched > 0 {
        let _ = writeln!(text, "({untouched} entities on which it had no effect)");
    }
    let _ = writeln!(
        text,
        "{:width$}  {:>8}  {:>9}  {:>9}",
        "together", before.totals.before, before.totals.after, after.totals.after
    );
    if !reasons.is_empty() {
        let _ = writeln!(text, "\n{:>8}  {:9}  reason", "readings", "advice");
    }
    for ((code, reason), count) in reasons {
        let reason = reason.as_deref().unwrap_or_default();
        let advice = match code {
            1 => "publish",
            2 => "suppress",
            3 => "replace",
            4 => "defer",
            _ => "abstain",
        };
        let _ = writeln!(text, "{count:>8}  {advice:9}  {reason}");
    }
    text
}

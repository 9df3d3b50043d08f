//! `weirhouse plugin bench`: what a plugin costs.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use weirhouse_runner::operations::{Entities as _, Updates as _};
use weirhouse_runner::plugin::Package;
use weirhouse_runner::wit::entities::Series;
use weirhouse_runner::wit::types::Instant as Moment;

use super::super::exit::{Exit, Failure};
use super::super::optimizer::OptimizerArgs;
use super::super::output;
use super::Tried;
use super::trial::TrialArgs;
use crate::plugins::Seen;

/// Measure what it costs
///
/// Batches of 256 readings through the plugin, and the same through the
/// built-in policy, in turns. Leave the machine alone meanwhile.
#[derive(Debug, Args)]
pub(super) struct Bench {
    /// A component, or the core module of one
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    trial: TrialArgs,
    #[command(flatten)]
    optimizer: OptimizerArgs,
}

const BATCH: usize = 256;
const ROUNDS: usize = 200;

impl Bench {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let began = Instant::now();
        let tried = Tried::load(&self.file)?;
        let cold = began.elapsed();
        let package = &tried.made.package;
        let began = Instant::now();
        Package::load(&tried.engine, &tried.made.machine_code).map_err(Failure::of(Exit::Usage))?;
        let cached = began.elapsed();
        let mut live = self.trial.start(package)?;
        let (_engine, mut core) = self.optimizer.load()?;
        let series: Vec<Series> = (0..BATCH)
            .map(|place| Series {
                entity: name(place),
                attribute: None,
            })
            .collect();
        let handles = core.intern(&series).map_err(Failure::of(Exit::Optimizer))?;
        let (mut through_plugin, mut built_in) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let seen: Vec<Seen> = (0..BATCH).map(|place| reading(place, round)).collect();
            let now_ms = 3_600_000 + round as u64 * 1000;
            let began = Instant::now();
            live.judge(now_ms, &seen)
                .map_err(Failure::of(Exit::Usage))?;
            through_plugin.push(began.elapsed());

            let text: String = seen.iter().map(|it| it.text.as_str()).collect();
            let lengths: Vec<u32> = seen.iter().map(|it| it.text.len() as u32).collect();
            let now = Moment {
                mono: now_ms * 1000,
                wall: 0,
            };
            let began = Instant::now();
            core.observe_texts(now, &handles, &text, &lengths, &[])
                .map_err(Failure::of(Exit::Optimizer))?;
            built_in.push(began.elapsed());
        }
        let (plugin, policy) = (median(through_plugin), median(built_in));
        let mut text = String::new();
        let us = |it: Duration| it.as_secs_f64() * 1e6;
        let _ = writeln!(
            text,
            "component          {:9} KiB",
            tried.made.component.len().div_ceil(1024)
        );
        let _ = writeln!(text, "compile and load   {:9.1} ms", us(cold) / 1000.0);
        let _ = writeln!(text, "load from cache    {:9.1} ms", us(cached) / 1000.0);
        let _ = writeln!(
            text,
            "{BATCH} readings       {:9.1} µs, median of {ROUNDS}",
            us(plugin)
        );
        let _ = writeln!(
            text,
            "built-in policy    {:9.1} µs for the same",
            us(policy)
        );
        let _ = writeln!(
            text,
            "ratio              {:9.1}",
            us(plugin) / us(policy).max(0.001)
        );
        let _ = writeln!(
            text,
            "memory             {:9} KiB",
            live.memory_bytes().div_ceil(1024)
        );
        output::write(text.as_bytes())
    }
}

fn name(place: usize) -> String {
    format!("sensor.made_up_{place}")
}

fn reading(place: usize, round: usize) -> Seen {
    let number = 20.0 + ((place * 31 + round * 17) % 97) as f64 / 10.0;
    Seen {
        entity_id: name(place).into(),
        text: format!("{number:.1}"),
        at_ms: 3_600_000 + round as u64 * 1000,
        published: Some(("20.0".to_owned(), 3_600_000)),
        readings: 1,
        changes_per_hour: 3600.0,
        tolerance: None,
        ..Seen::default()
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

//! The default rule: when a reading matters, unless a preset knows better.

use std::time::Duration;

use clap::Args;
use weirhouse_runner::wit::updates::Rule;

use super::quantity::{share, span, threshold};
use crate::trace::replay::ReplayOptions;

#[derive(Debug, Args)]
#[command(next_help_heading = "Default rule")]
pub(super) struct RuleArgs {
    /// Publish numbers that differ this much from the one published last
    #[arg(long, value_name = "NUMBER", value_parser = threshold, allow_negative_numbers = true)]
    absolute: Option<f64>,
    /// Publish numbers that differ by this share: 0.01 or 1%
    ///
    /// With --absolute, both must be reached.
    #[arg(long, value_name = "SHARE", value_parser = share, allow_negative_numbers = true)]
    percentage: Option<f64>,
    /// Of --absolute and --percentage one is enough
    #[arg(long, requires = "absolute", requires = "percentage")]
    any: bool,
    /// Publish a number within --absolute of the reading, chosen so that fewer do
    ///
    /// No reading is ever farther than that from the number published.
    #[arg(long, requires = "absolute", conflicts_with = "percentage")]
    centred: bool,
    /// Publish at least this often, for example 15m
    #[arg(long, value_name = "SPAN", value_parser = span)]
    max_age: Option<Duration>,
    /// Publish the last reading once it was quiet for so long, for example 10s
    #[arg(long, value_name = "SPAN", value_parser = span)]
    settle: Option<Duration>,
}

impl RuleArgs {
    /// The rule in the optimizer's words.
    pub(super) fn rule(&self) -> Rule {
        self.replay(false).rule()
    }

    /// The rule for a replay.
    pub(super) fn replay(&self, presets: bool) -> ReplayOptions {
        ReplayOptions {
            absolute: self.absolute,
            percentage: self.percentage,
            any: self.any,
            centred: self.centred,
            max_age: self.max_age,
            settle: self.settle,
            presets,
        }
    }
}

/// Whether rules by device class apply.
#[derive(Debug, Args)]
#[command(next_help_heading = "Default rule")]
pub(super) struct PresetArgs {
    /// Use thresholds by device class where no rule was set (the default)
    #[arg(long)]
    presets: bool,
    /// Use the default rule for everything
    #[arg(long, conflicts_with = "presets")]
    no_presets: bool,
}

impl PresetArgs {
    /// True unless switched off.
    pub(super) fn enabled(&self) -> bool {
        self.presets || !self.no_presets
    }
}

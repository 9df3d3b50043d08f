//! The default rule: when a reading matters, unless a preset knows better.

use std::time::Duration;

use clap::{ArgMatches, Args};

use super::quantity::{share, span, threshold};
use super::sources::{Setting, origin};
use crate::config::Config;
use crate::trace::replay::ReplayOptions;

#[derive(Debug, Clone, Args)]
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

const ABSOLUTE: Setting = Setting::new("absolute", "default_rule.absolute", "--absolute", "");
const PERCENTAGE: Setting =
    Setting::new("percentage", "default_rule.percentage", "--percentage", "");
const ANY: Setting = Setting::new("any", "default_rule.combine", "--any", "");
const CENTRED: Setting = Setting::new("centred", "default_rule.publishing", "--centred", "");
const MAX_AGE: Setting = Setting::new("max_age", "default_rule.max_age", "--max-age", "");
const SETTLE: Setting = Setting::new("settle", "default_rule.settle", "--settle", "");
const PRESETS: Setting = Setting::new("presets", "presets", "--presets", "");
const NO_PRESETS: Setting = Setting::new("no_presets", "presets", "--no-presets", "");

impl RuleArgs {
    /// Puts what was given in place of what the default rule says.
    pub(super) fn apply(&self, matches: &ArgMatches, config: &mut Config) {
        let given = self.replay(false).rule();
        let rule = &mut config.hub.default_rule;
        let mut set = Vec::new();
        if given.absolute.is_some() {
            rule.absolute = given.absolute;
            set.push(&ABSOLUTE);
        }
        if given.percentage.is_some() {
            rule.percentage = given.percentage;
            set.push(&PERCENTAGE);
        }
        if self.any {
            rule.combine = given.combine;
            set.push(&ANY);
        }
        if self.centred {
            rule.publishing = given.publishing;
            set.push(&CENTRED);
        }
        if given.max_age.is_some() {
            rule.max_age = given.max_age;
            set.push(&MAX_AGE);
        }
        if given.settle.is_some() {
            rule.settle = given.settle;
            set.push(&SETTLE);
        }
        for setting in set {
            origin(matches, setting, config);
        }
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
#[derive(Debug, Clone, Args)]
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
    /// Puts what was given in place of what the configuration says.
    pub(super) fn apply(&self, matches: &ArgMatches, config: &mut Config) {
        if self.presets || self.no_presets {
            config.hub.presets = self.enabled();
            let given = if self.presets { &PRESETS } else { &NO_PRESETS };
            origin(matches, given, config);
        }
    }

    /// True unless switched off.
    pub(super) fn enabled(&self) -> bool {
        self.presets || !self.no_presets
    }
}

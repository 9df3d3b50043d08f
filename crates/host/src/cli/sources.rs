//! Where the value of an option came from: the command line or a variable.

use clap::ArgMatches;
use clap::parser::ValueSource;

use crate::config::{Config, Origin};

/// An option that sets a value of the configuration.
pub(super) struct Setting {
    /// Its name in the parser.
    id: &'static str,
    /// What it sets.
    path: &'static str,
    flag: &'static str,
    /// Empty where there is none.
    variable: &'static str,
}

impl Setting {
    pub(super) const fn new(
        id: &'static str,
        path: &'static str,
        flag: &'static str,
        variable: &'static str,
    ) -> Self {
        Self {
            id,
            path,
            flag,
            variable,
        }
    }
}

/// Notes that an option set its value, and by which way it was given.
pub(super) fn origin(matches: &ArgMatches, setting: &Setting, config: &mut Config) {
    origin_of(matches, setting, setting.path, config);
}

/// The same for an option that sets several values: this one of them.
pub(super) fn origin_of(matches: &ArgMatches, setting: &Setting, path: &str, config: &mut Config) {
    let is_known = matches.try_contains_id(setting.id).is_ok();
    let source = is_known.then(|| matches.value_source(setting.id)).flatten();
    let origin = match source {
        Some(ValueSource::EnvVariable) => Origin::Environment(setting.variable),
        _ => Origin::Flag(setting.flag),
    };
    config.note(path, origin);
}

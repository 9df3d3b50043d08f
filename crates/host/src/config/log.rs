//! What is logged: a level for all, other levels for single modules, and the
//! form of a line.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::str::FromStr;

use super::fields::nearest;

/// The modules that can have a level of their own, and what each is about.
pub const MODULES: [(&str, &str); 9] = [
    ("access", "weirhouse::access"),
    ("api", "weirhouse::api"),
    ("cli", "weirhouse::cli"),
    ("clients", "weirhouse::clients"),
    ("hub", "weirhouse::hub"),
    ("link", "weirhouse_hass"),
    ("run", "weirhouse::run"),
    ("runner", "weirhouse_runner"),
    ("store", "weirhouse::store"),
];

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What failed.
    Error,
    /// What needs attention, too.
    Warn,
    /// What happens seldom, too: connections, starts, stops.
    #[default]
    Info,
    /// Every request and batch, too.
    Debug,
    /// Everything.
    Trace,
}

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object per line
    Json,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogConfig {
    /// Of everything without a level of its own.
    pub level: LogLevel,
    /// Levels of modules, by their names in [`MODULES`].
    pub modules: BTreeMap<&'static str, LogLevel>,
    /// The form of a line.
    pub format: LogFormat,
}

impl LogLevel {
    pub(super) const WORDS: [(&'static str, Self); 6] = [
        ("off", Self::Off),
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::WORDS[self as usize].0
    }
}

impl LogFormat {
    pub(super) const WORDS: [(&'static str, Self); 2] =
        [("text", Self::Text), ("json", Self::Json)];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::WORDS[self as usize].0
    }
}

impl FromStr for LogLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::WORDS.iter().find(|(word, _)| *word == text);
        found.map(|(_, level)| *level).ok_or_else(|| {
            format!("`{text}` is no level; there are off, error, warn, info, debug and trace")
        })
    }
}

/// The name of a module as it is kept.
pub(super) fn module(name: &str) -> Result<&'static str, String> {
    let names = MODULES.map(|(name, _)| name);
    names
        .into_iter()
        .find(|known| *known == name)
        .ok_or_else(|| {
            let near = nearest(name, &names)
                .map_or_else(String::new, |near| format!("; perhaps `{near}` is meant"));
            format!(
                "the module `{name}` is unknown{near}; there are {}",
                names.join(", ")
            )
        })
}

/// Levels in one line: `info`, or `info,store=debug,api=warn`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels {
    level: Option<LogLevel>,
    modules: BTreeMap<&'static str, LogLevel>,
}

impl Levels {
    /// Replaces what these levels name.
    pub fn apply(&self, log: &mut LogConfig) {
        log.level = self.level.unwrap_or(log.level);
        log.modules.extend(&self.modules);
    }

    /// The paths of the values that these levels replace.
    pub fn paths(&self) -> impl Iterator<Item = String> {
        let level = self.level.map(|_| "log.level".to_owned());
        let modules = self.modules.keys();
        level
            .into_iter()
            .chain(modules.map(|module| format!("log.modules.{module}")))
    }
}

impl FromStr for Levels {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut levels = Self {
            level: None,
            modules: BTreeMap::new(),
        };
        for part in text.split(',') {
            match part.split_once('=') {
                Some((name, level)) => {
                    levels
                        .modules
                        .insert(module(name.trim())?, level.trim().parse()?);
                }
                None => levels.level = Some(part.trim().parse()?),
            }
        }
        Ok(levels)
    }
}

impl LogConfig {
    /// The level of everything, and the targets whose level is another.
    ///
    /// The libraries below are never asked for more than warnings, since some
    /// of them log whole requests, tokens included, when they are.
    pub fn directives(&self) -> String {
        let libraries = match self.level {
            LogLevel::Off => LogLevel::Off,
            LogLevel::Error => LogLevel::Error,
            _ => LogLevel::Warn,
        };
        let own = self.level.name();
        let mut text = format!(
            "{},weirhouse={own},weirhouse_hass={own},weirhouse_runner={own}",
            libraries.name()
        );
        for (name, target) in MODULES {
            if let Some(level) = self.modules.get(name) {
                let _ = write!(text, ",{target}={}", level.name());
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_modules_stand_beside_the_level_of_all() {
        let mut log = LogConfig::default();
        let levels: Levels = "warn, store=debug,link=trace".parse().unwrap();
        levels.apply(&mut log);
        assert_eq!(log.level, LogLevel::Warn);
        let directives = log.directives();
        for part in ["warn,", "weirhouse::store=debug", "weirhouse_hass=trace"] {
            assert!(directives.contains(part), "{directives}");
        }
        for (bad, words) in [
            ("loud", "no level"),
            ("sture=debug", "`store`"),
            ("store=loud", "no level"),
            ("", "no level"),
        ] {
            let error = bad.parse::<Levels>().unwrap_err();
            assert!(error.contains(words), "{bad}: {error}");
        }
    }

    #[test]
    fn libraries_never_log_more_than_warnings() {
        for (_, level) in LogLevel::WORDS {
            let log = LogConfig {
                level,
                ..LogConfig::default()
            };
            let directives = log.directives();
            let libraries = directives.split(',').next().unwrap();
            assert!(["off", "error", "warn"].contains(&libraries), "{libraries}");
        }
    }
}

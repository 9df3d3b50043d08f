//! The log on standard error.
//!
//! No module logs a token, and nothing is logged for a single event of the
//! home unless somebody asks for `debug`.

use std::io::IsTerminal as _;
use std::sync::{LazyLock, OnceLock};

use clap::{ArgMatches, Args};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{fmt, reload};

use super::log_lines::OfRequest;
use super::sources::{Setting, origin, origin_of};
use crate::config::{Config, Levels, LogConfig, LogFormat, MODULES};
use crate::log_tail::Keep;

#[derive(Debug, Clone, Args)]
pub(super) struct LogArgs {
    /// What to log on standard error: off, error, warn, info, debug or trace
    #[arg(
        long,
        global = true,
        long_help = LEVELS_HELP.as_str(),
        value_name = "LEVEL",
        env = "WEIRHOUSE_LOG",
        hide_env_values = true
    )]
    log: Option<Levels>,
    /// The form of a line
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        env = "WEIRHOUSE_LOG_FORMAT",
        hide_env_values = true
    )]
    log_format: Option<LogFormat>,
}

static LEVELS_HELP: LazyLock<String> = LazyLock::new(|| {
    let [others @ .., (last, _)] = MODULES;
    format!(
        "What to log on standard error: off, error, warn, info, debug or trace\n\n\
         Info for serve and demo, else off. Modules may have levels of their own, \
         as in info,store=debug; they are {} and {last}.",
        others.map(|(name, _)| name).join(", ")
    )
});

const LEVEL: Setting = Setting::new("log", "log.level", "--log", "WEIRHOUSE_LOG");
const FORMAT: Setting = Setting::new(
    "log_format",
    "log.format",
    "--log-format",
    "WEIRHOUSE_LOG_FORMAT",
);

impl LogArgs {
    /// Puts what was given in place of what the configuration says.
    pub(super) fn apply(&self, matches: &ArgMatches, config: &mut Config) {
        if let Some(levels) = &self.log {
            levels.apply(&mut config.log);
            for path in levels.paths() {
                origin_of(matches, &LEVEL, &path, config);
            }
        }
        if let Some(format) = self.log_format {
            config.log.format = format;
            origin(matches, &FORMAT, config);
        }
    }

    /// Starts the log of a command that ends by itself: such commands say in
    /// their own words what goes wrong.
    pub(super) fn start_quiet(&self) {
        let mut log = LogConfig {
            level: crate::config::LogLevel::Off,
            ..LogConfig::default()
        };
        if let Some(levels) = &self.log {
            levels.apply(&mut log);
        }
        log.format = self.log_format.unwrap_or_default();
        start(&log);
    }
}

type Change = Box<dyn Fn(Targets) + Send + Sync>;

/// Changes the filter of the log that was started.
static CHANGE: OnceLock<Change> = OnceLock::new();

/// Starts logging; once per process.
pub(super) fn start(log: &LogConfig) {
    let (filter, handle) = reload::Layer::new(targets(log));
    let kept = tracing_subscriber::registry().with(filter).with(Keep);
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        // It would tell standard error that standard error cannot be written,
        // and panic: a log on a full disk must not end the service.
        .log_internal_errors(false);
    let format = log.format;
    match format {
        LogFormat::Text => {
            let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            let lines = lines.with_ansi(colour).map_event_format(|inner| OfRequest {
                inner: inner.with_ansi(colour),
                format,
            });
            kept.with(lines).init();
        }
        LogFormat::Json => {
            let lines = lines
                .json()
                .flatten_event(true)
                .map_event_format(|inner| OfRequest { inner, format });
            kept.with(lines).init();
        }
    }
    let _ = CHANGE.set(Box::new(move |targets| drop(handle.reload(targets))));
}

/// Changes the levels of a log that was started; its form stays.
pub(super) fn change(log: &LogConfig) {
    if let Some(change) = CHANGE.get() {
        change(targets(log));
    }
}

/// What is logged, as the subscriber takes it.
fn targets(log: &LogConfig) -> Targets {
    // They are made of known words.
    log.directives().parse().unwrap_or_default()
}

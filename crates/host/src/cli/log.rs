//! The log on standard error.
//!
//! No module logs a token, and the libraries below are held at warnings, since
//! some of them log whole requests when asked for more.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Level {
    /// Nothing
    Off,
    /// What failed
    Error,
    /// What needs attention, too
    Warn,
    /// What happens seldom, too: connections, starts, stops
    Info,
    /// Every request and batch, too
    Debug,
    /// Everything
    Trace,
}

/// Starts logging; once per process.
pub(super) fn start(level: Level) {
    let (libraries, own) = match level {
        Level::Off => ("off", "off"),
        Level::Error => ("error", "error"),
        Level::Warn => ("warn", "warn"),
        Level::Info => ("warn", "info"),
        Level::Debug => ("warn", "debug"),
        Level::Trace => ("warn", "trace"),
    };
    let filter = EnvFilter::new(format!(
        "{libraries},weirhouse={own},weirhouse_hass={own},weirhouse_runner={own}"
    ));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // It would tell standard error that standard error cannot be written,
        // and panic: a log on a full disk must not end the service.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_target(level == Level::Debug || level == Level::Trace)
        .init();
}

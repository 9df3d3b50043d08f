//! The command line: what can be asked of the program, and how it answers.
//!
//! One file per command. Commands read arguments, call the library and print;
//! what they print on standard output is their result, everything else goes to
//! standard error.

mod backup;
mod completions;
mod config;
mod data_folder;
mod exit;
mod healthcheck;
mod home_assistant;
mod local;
mod log;
mod log_lines;
mod memory;
mod optimizer;
mod output;
mod plan;
mod plugin;
mod record;
mod recorder;
mod refresh;
mod reload;
mod replay;
mod rule;
mod scenario;
mod serve;
mod service;
mod settings;
mod sources;
mod status;
mod stop;
mod token;
mod version;
mod withheld;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::quantity;

pub use exit::{Exit, Failure};

/// Keeps a busy Home Assistant calm.
///
/// Weirhouse reads the states of a Home Assistant, decides which changes
/// matter, passes those on in batches, and keeps a two-level cache for other
/// programs. All decisions are made by one WebAssembly component.
#[derive(Debug, Parser)]
#[command(name = "weirhouse", version, max_term_width = 100, after_help = AFTER_HELP.as_str())]
#[command(propagate_version = false, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    log: log::LogArgs,
}

static AFTER_HELP: std::sync::LazyLock<String> =
    std::sync::LazyLock::new(|| format!("{EXAMPLES}\n\n{}", exit::STATUSES));

const EXAMPLES: &str = "\
Examples:
  weirhouse demo
      watch a simulated home; nothing else is needed
  weirhouse serve --ha-url http://homeassistant.local:8123 --ha-token-file ha.token
      work for a Home Assistant; the file holds a long-lived access token
  weirhouse record --ha-url http://homeassistant.local:8123 --ha-token-file ha.token \\
      --out day.trace --for 24h
  weirhouse replay day.trace --absolute 0.5
      see what a threshold of 0.5 would have saved that day, before using it";

#[derive(Debug, Subcommand)]
enum Command {
    /// Work for a Home Assistant until stopped
    Serve(serve::Serve),
    /// Work for a simulated home until stopped
    Demo(serve::Demo),
    /// Write the changes of a Home Assistant to a trace file
    Record(record::Record),
    /// Show what rules would have saved on a recorded trace
    Replay(replay::Replay),
    /// Show how a day of refreshes would go, before a budget is switched on
    Plan(plan::Plan),
    /// Drive the optimizer with JSON Lines in virtual time
    Scenario(scenario::Scenario),
    /// Check or show the configuration
    Config(config::Configuration),
    /// Make, list and revoke tokens of the API
    Token(token::Token),
    /// Make, try, install and watch over plugins
    Plugin(plugin::Plugin),
    /// Make the data folder fit to be copied while an instance uses it
    Backup(backup::Backup),
    /// Ask a running instance whether it is well
    Healthcheck(healthcheck::Healthcheck),
    /// Show the versions of the program and its interface
    Version,
    /// Write a completion script for a shell
    Completions(completions::Completions),
}

/// Runs what the command line asks for.
pub fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let (log, none) = (&cli.log, clap::ArgMatches::default());
    let given = matches.subcommand().map_or(&none, |(_, given)| given);
    if !matches!(cli.command, Command::Serve(_) | Command::Demo(_)) {
        log.start_quiet();
    }
    let outcome = match cli.command {
        Command::Serve(command) => command.run(log, given),
        Command::Demo(command) => command.run(log, given),
        Command::Config(command) => command.run(log, given),
        Command::Record(command) => command.run(),
        Command::Replay(command) => command.run(),
        Command::Plan(command) => command.run(),
        Command::Scenario(command) => command.run(),
        Command::Token(command) => command.run(),
        Command::Plugin(command) => command.run(),
        Command::Backup(command) => command.run(),
        Command::Healthcheck(command) => command.run(),
        Command::Version => version::run(),
        Command::Completions(command) => command.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_module_of_the_log_is_named() {
        let help = Cli::command().render_long_help().to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        let (_, modules) = help.split_once("; they are ").unwrap();
        let (modules, _) = modules.split_once('.').unwrap();
        let modules = modules.replace(" and ", ", ");
        let named: Vec<&str> = modules.split(", ").collect();
        assert_eq!(named, crate::config::MODULES.map(|(name, _)| name));
    }

    #[test]
    fn every_command_explains_itself() {
        for command in Cli::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{} {}",
                    command.get_name(),
                    argument.get_id()
                );
            }
        }
    }

    #[test]
    fn accepts_and_refuses() {
        let serve = ["serve", "--ha-url", "http://x:1", "--ha-token-file", "f"];
        let with = |more: &[&'static str]| [&serve[..], more].concat();
        for (arguments, accepted) in [
            (serve.to_vec(), true),
            (with(&["--absolute", "0.5", "--percentage", "1%"]), true),
            (with(&["--settle", "10s", "--max-age", "15m"]), true),
            (with(&["--no-presets"]), true),
            (with(&["--presets"]), true),
            (with(&["--presets", "--no-presets"]), false),
            (with(&["--absolute", "-1"]), false),
            (with(&["--absolute", "nan"]), false),
            (with(&["--percentage", "inf"]), false),
            (with(&["--settle", "10"]), false),
            (with(&["--settle", "0s"]), false),
            (with(&["--listen", "8098"]), false),
            (with(&["--listen", "[::1]:8098"]), true),
            (with(&["--log", "loud"]), false),
            // The other half may stand in a file.
            (vec!["serve", "--ha-url", "http://x:1"], true),
            (with(&["--config", "weirhouse.toml"]), true),
            (with(&["--log", "info,store=debug"]), true),
            (with(&["--log", "info,sture=debug"]), false),
            (with(&["--log-format", "json"]), true),
            (with(&["--log-format", "xml"]), false),
            (vec!["config"], false),
            (vec!["config", "check", "f"], true),
            (vec!["config", "show", "--absolute", "0.5"], true),
            (vec!["demo", "--entities", "0"], false),
            (vec!["demo", "--rate", "0"], false),
            (vec!["demo", "--rate", "50", "--seed", "7"], true),
            (vec!["demo", "--ha-url", "http://x:1"], false),
            (vec!["record", "--out", "f"], true),
            (vec!["record"], false),
            (vec!["replay"], false),
            (vec!["replay", "f", "--json", "--top", "5"], true),
            (vec!["plan"], false),
            (vec!["plan", "f", "--config", "c", "--json"], true),
            (vec!["scenario", "-"], true),
            (vec!["scenario"], false),
            (vec!["token"], false),
            (vec!["token", "create", "--name", "a"], false),
            (
                vec!["token", "create", "--name", "a", "--scope", "read"],
                true,
            ),
            (
                vec!["token", "create", "--name", "a", "--scope", "root"],
                false,
            ),
            (vec!["token", "list", "--json"], true),
            (vec!["token", "revoke", "a"], true),
            (vec!["token", "revoke"], false),
            (vec!["plugin"], false),
            (vec!["plugin", "new", "a"], false),
            (vec!["plugin", "new", "--lang", "js", "a"], true),
            (vec!["plugin", "new", "--lang", "cobol", "a"], false),
            (vec!["plugin", "inspect", "a.wasm"], true),
            (vec!["plugin", "test", "a.wasm"], false),
            (vec!["plugin", "test", "a.wasm", "--trace", "t"], true),
            (
                vec!["plugin", "install", "a.wasm", "--grant", "log,store"],
                true,
            ),
            (vec!["plugin", "grant", "a", "wings"], false),
            (vec!["plugin", "quarantine", "release", "a"], true),
            (vec!["plugin", "list", "--json"], true),
            (vec!["backup"], false),
            (vec!["backup", "prepare"], true),
            (vec!["backup", "finish", "--listen", "[::]:8098"], true),
            (vec!["healthcheck"], true),
            (vec!["version"], true),
            (vec!["completions", "bash"], true),
            (vec!["completions", "klingon"], false),
            (vec!["frobnicate"], false),
            (vec![], false),
        ] {
            let parsed = Cli::try_parse_from(["weirhouse"].iter().chain(&arguments));
            assert_eq!(parsed.is_ok(), accepted, "{arguments:?}");
        }
    }
}

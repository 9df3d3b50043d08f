//! Developer commands: `cargo xtask …`.
//!
//! A file per command, and a file per thing that several commands need. Policy of what is built lives
//! in the workspace's `Cargo.toml`; nothing here is part of the product.

#![forbid(unsafe_code)]

mod architecture;
mod bench;
mod component;
mod debian_rust_src;
mod dist;
mod encoding;
mod fingerprint;
mod forwarding;
mod fuzz;
mod guided;
mod home_assistant;
mod instructions;
mod lint;
mod network_namespace;
mod no_std;
mod page;
mod plugins;
mod progress;
mod provided;
mod release;
mod run;
mod rust_std;
mod test;
mod test_output;
mod training;
mod wasm_target;
mod wit_versions;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// Builds, runs and tests Weirhouse from a clone of its repository.
///
/// Everything that is built lands under `target`; what costs long to make and does not depend on the
/// clone (a Home Assistant for tests) lies in `~/.cache/weirhouse`.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the core as a WebAssembly component and compile it for this machine
    ///
    /// Writes `target/weirhouse/core.wasm`, the component, and `target/weirhouse/core.cwasm`, its machine
    /// code for this machine. Provides what that needs first: if the compiler lacks the target
    /// wasm32-unknown-unknown, `rustup target add` installs it, or else the standard library is built
    /// once from Debian's package rust-src of the same version. Does only what is not up to date.
    Component,
    /// Build Weirhouse as released, and run it
    ///
    /// Without arguments it runs the demonstration, which needs no Home Assistant. With `--ha-url` it
    /// serves that Home Assistant. State is kept in `target/weirhouse/run`. The first build takes several
    /// minutes, for it optimizes across all crates.
    #[command(after_help = "Examples:\n  \
        cargo xtask run\n  \
        cargo xtask run -- --ha-url http://127.0.0.1:8123 --ha-token-file token")]
    Run {
        /// Passed on to `weirhouse`
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Check format and lints of every package, allowing no warning
    ///
    /// What continuous integration checks before it tests: `cargo fmt --check`, then clippy package by
    /// package, the component for WebAssembly, that plugins built for a released WIT go on to run, and that
    /// the page is what its sources build. Without Node.js that last check is left out, unless
    /// `WEIRHOUSE_REQUIRE_ALL=1` is in the environment.
    Lint,
    /// Run every test, and say what could not run and for lack of what
    ///
    /// Builds the component, checks that the core needs no standard library, provides a real Home
    /// Assistant, and tests package by package. The last line is `N passed, N failed, N skipped`. A test
    /// that lacks something on this machine is skipped and named; with `WEIRHOUSE_REQUIRE_ALL=1` in the
    /// environment that is a failure.
    Test(test::Options),
    /// Measure speed and size, or how good a policy is, side by side in one run
    ///
    /// `figures` prints times and sizes: readings through the component against the same core natively,
    /// cache hits of both levels, start and memory of the program. Leave the machine alone meanwhile.
    /// Nothing fails for being slow.
    ///
    /// `reader` puts Weirhouse before a real Home Assistant and prints tables of reads, lag, streams and
    /// memory, both side by side; it takes some ten minutes, and as long as `--soak-minutes` says.
    ///
    /// Every other name is a policy held against its rivals and the optimum, in counts that are the same
    /// in every run: the folders of `crates/core/benches`.
    Bench {
        /// `figures`, `reader`, or a folder of `crates/core/benches`
        #[arg(default_value = bench::FIGURES)]
        name: String,
        /// Passed on to `reader`, such as `--entities 1000 --only reads`
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Build the page that the program serves
    ///
    /// Needs Node.js with npm, and for the first time npm's registry. Writes
    /// `crates/host/src/page/index.html` from `crates/host/page`; commit both.
    Page {
        /// Write nothing; fail if the page there differs from what its sources build
        #[arg(long)]
        check: bool,
    },
    /// Build the plugins among the examples and for tests
    ///
    /// Writes `target/weirhouse/plugins/NAME.wasm`, a component for each folder of `examples/plugins`, and
    /// those that tests need. Those in JavaScript need Node.js with npm, those in Python need Python with
    /// venv, and for the first time their package indexes; without them these are left out. Does only what
    /// is not up to date.
    Plugins,
    /// Build what the app's image installs
    ///
    /// Writes the released program and the optimizer's machine code, for the baseline of this
    /// architecture, into `target/dist`.
    Dist(dist::Options),
    /// Tell the core what it does not expect, for some time
    ///
    /// `observe` makes sequences of operations of all kinds, `restore` snapshots that are damaged or
    /// made up. They start from `tests/fuzz/corpus`, which they do not change; inputs that reach more
    /// are kept under `target/fuzz/found` for the next run. Needs a C++ compiler.
    Fuzz(fuzz::Options),
    /// Provide, start and stop a real Home Assistant on this machine
    #[command(subcommand)]
    Ha(home_assistant::Command),
}

fn main() -> ExitCode {
    let CommandLine { command } = CommandLine::parse();
    let outcome = Workspace::load().and_then(|workspace| match command {
        Command::Component => component::build(&workspace).map(|_| ExitCode::SUCCESS),
        Command::Run { arguments } => run::run(&workspace, &arguments),
        Command::Lint => lint::run(&workspace),
        Command::Test(options) => test::run(&workspace, &options),
        Command::Bench { name, arguments } => bench::run(&workspace, &name, &arguments),
        Command::Page { check } => page::run(&workspace, check),
        Command::Plugins => plugins::run(&workspace),
        Command::Dist(options) => dist::run_dist(&workspace, &options),
        Command::Fuzz(options) => fuzz::run(&workspace, &options),
        Command::Ha(command) => home_assistant::run(&workspace, &command),
    });
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

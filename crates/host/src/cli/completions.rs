//! `weirhouse completions`: scripts for shells.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{exit::Failure, output};

/// Write a completion script for a shell
///
/// For bash: weirhouse completions bash > ~/.local/share/bash-completion/completions/weirhouse
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut super::Cli::command(),
            "weirhouse",
            &mut script,
        );
        output::write(&script)
    }
}

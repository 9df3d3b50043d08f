//! Why a plugin cannot be used, or a call of it gave no answer.

use std::path::PathBuf;

use crate::fault::TrapCause;
use crate::limits::plugin::PATTERNS;

/// Why a component is no plugin for this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The machine code cannot be loaded.
    #[error("{path} cannot be loaded: {reason}")]
    Load {
        /// The file.
        path: PathBuf,
        /// In wasmtime's words.
        reason: String,
    },
    /// It is written for an interface that this program does not have.
    #[error(
        "it is written for weirhouse:plugin {wanted}, and this program runs {offered} and what is older of the same 0.{}; {}",
        minor(offered),
        if newer(wanted, offered) { "update Weirhouse" } else { "build it for the newer interface" }
    )]
    Version {
        /// The version it imports or exports.
        wanted: String,
        /// The version of this program.
        offered: &'static str,
    },
    /// It is some other component.
    #[error("it does not export weirhouse:plugin/about, so it is no plugin{found}")]
    World {
        /// What it exports, in words.
        found: String,
    },
    /// It imports what no plugin gets.
    #[error("it imports {import}, which no plugin is given{hint}")]
    Import {
        /// The import.
        import: String,
        /// What to do.
        hint: &'static str,
    },
    /// It imports, or says that it needs, what the user did not grant.
    #[error("it needs {0}, which is not granted")]
    NotGranted(String),
    /// It claims by more than would be tried on every entity.
    #[error(
        "it claims by {0} globs and device classes, and there may be {most}; let fewer globs fit more",
        most = PATTERNS
    )]
    Claims(usize),
    /// It cannot be started within its limits.
    #[error("it cannot be started: {0}")]
    Start(String),
}

fn part(version: &str, place: usize) -> u64 {
    let part = version.split('.').nth(place);
    part.and_then(|part| part.parse().ok()).unwrap_or_default()
}

fn minor(version: &str) -> u64 {
    part(version, 1)
}

fn newer(wanted: &str, offered: &str) -> bool {
    let parts = |version| [0, 1, 2].map(|place| part(version, place));
    parts(wanted) > parts(offered)
}

/// Why a call gave no usable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PluginFault {
    /// It trapped; its instance is of no use any more.
    #[error("`{function}`: {cause}")]
    Trapped {
        /// The function that was called.
        function: &'static str,
        /// What stopped it.
        cause: TrapCause,
    },
    /// It answered with an error, in its words.
    #[error("`{function}` answered with an error: {message}")]
    Error {
        /// The function that was called.
        function: &'static str,
        /// At most 200 characters of what it said.
        message: String,
    },
    /// It answered for more or fewer than it was asked about.
    #[error("`{function}` was asked about {asked} and gave {given} answers")]
    Miscounted {
        /// The function that was called.
        function: &'static str,
        /// What it was asked about.
        asked: usize,
        /// Its answers.
        given: usize,
    },
    /// One of its answers makes no sense.
    #[error("`{function}` {reason}")]
    Nonsense {
        /// The function that was called.
        function: &'static str,
        /// What it said.
        reason: String,
    },
}

impl PluginFault {
    /// A stable word for the kind, for counters.
    pub fn cause(&self) -> &'static str {
        match self {
            Self::Trapped { cause, .. } => match cause {
                TrapCause::Deadline => "deadline",
                TrapCause::Panic => "panic",
                TrapCause::Other(_) => "trap",
            },
            Self::Error { .. } => "error",
            Self::Miscounted { .. } => "miscounted",
            Self::Nonsense { .. } => "nonsense",
        }
    }

    /// Whether the instance cannot be called again.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Trapped { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_does_not_fit_names_both_and_the_way_out() {
        let refused = |wanted: &str| {
            let wanted = wanted.to_owned();
            let offered = "0.2.1";
            Refused::Version { wanted, offered }.to_string()
        };
        assert_eq!(
            refused("0.3.0"),
            "it is written for weirhouse:plugin 0.3.0, and this program runs 0.2.1 and what is older of the same 0.2; \
             update Weirhouse"
        );
        assert!(refused("0.1.9").ends_with("build it for the newer interface"));
    }
}

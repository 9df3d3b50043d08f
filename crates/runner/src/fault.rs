//! What can go wrong between the host and an instance.

use std::path::PathBuf;

use crate::wit::types::Error as Refusal;

/// Why a call gave no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Fault {
    /// The optimizer refused the arguments; nothing changed.
    #[error("{}", describe(.0))]
    Refused(Refusal),
    /// The call trapped. The instance was replaced by a fresh one, restored
    /// from the last checkpoint if there was one; what it had been told since
    /// is lost and must be told again.
    #[error(
        "the optimizer trapped in `{operation}` ({cause}); it was started anew{}",
        if *.restored { " from its last checkpoint" } else { " without memory of before" }
    )]
    Trapped {
        /// The operation that trapped.
        operation: &'static str,
        /// What stopped it.
        cause: TrapCause,
        /// Whether a checkpoint was restored.
        restored: bool,
    },
    /// No instance could be built; every further call says so again.
    #[error("the optimizer cannot be started: {0}")]
    Dead(String),
}

/// What stopped a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrapCause {
    /// It ran longer than [`crate::limits::CALL_DEADLINE`].
    #[error("it ran past its deadline")]
    Deadline,
    /// It executed an `unreachable`: a panic in the optimizer, or an
    /// allocation beyond [`crate::limits::MEMORY_BYTES`].
    #[error("it panicked or ran out of memory")]
    Panic,
    /// Anything else, in wasmtime's words.
    #[error("{0}")]
    Other(String),
}

/// Why a precompiled component could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The runtime itself refused its configuration.
    #[error("wasmtime cannot start on this machine: {0}")]
    Engine(String),
    /// There is no such file, or it cannot be read.
    #[error(
        "cannot read the precompiled optimizer {path}: {source}; build it with `cargo xtask component`, or name it with --core"
    )]
    Read {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It was made by another version or for another machine.
    #[error(
        "{path} is no precompiled optimizer for this program: {reason}; build it anew with `cargo xtask component`"
    )]
    Incompatible {
        /// The file.
        path: PathBuf,
        /// What wasmtime found.
        reason: String,
    },
    /// It loads, but is not an optimizer of this version.
    #[error("{path} does not offer the world weirhouse:core@0.1.0/optimizer: {reason}")]
    World {
        /// The file.
        path: PathBuf,
        /// Which export or import does not fit.
        reason: String,
    },
}

/// A refusal in one sentence.
fn describe(refusal: &Refusal) -> String {
    match refusal {
        Refusal::InvalidArgument(text)
        | Refusal::Unsupported(text)
        | Refusal::TooLarge(text)
        | Refusal::Incompatible(text)
        | Refusal::Other(text) => text.clone(),
        Refusal::UnknownHandle(handle) => format!("handle {handle} is not in use"),
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Fault {
    /// A stable word for the kind of refusal, for programs to match on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(Refusal::InvalidArgument(_)) => "invalid-argument",
            Self::Refused(Refusal::UnknownHandle(_)) => "unknown-handle",
            Self::Refused(Refusal::Unsupported(_)) => "unsupported",
            Self::Refused(Refusal::TooLarge(_)) => "too-large",
            Self::Refused(Refusal::Incompatible(_)) => "incompatible",
            Self::Refused(Refusal::Other(_)) => "other",
            Self::Trapped { .. } => "trapped",
            Self::Dead(_) => "dead",
        }
    }
}

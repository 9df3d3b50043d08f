//! How the program ends: its exit statuses and its last words.

use std::fmt;
use std::process::ExitCode;

/// Exit statuses, as `--help` documents them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Something nobody foresaw.
    Unexpected = 1,
    /// The command line or an input file is wrong.
    Usage = 2,
    /// Home Assistant cannot be reached or refuses the token.
    HomeAssistant = 3,
    /// The data folder is in use or unusable.
    DataFolder = 4,
    /// The address to listen on is taken or unusable.
    Address = 5,
    /// The optimizer component cannot be loaded.
    Optimizer = 6,
}

/// The end of `--help`.
pub(super) const STATUSES: &str = "\
Exit status:
  0  done, or stopped as asked
  1  unexpected error, or not healthy (healthcheck)
  2  wrong command line or input file
  3  Home Assistant unreachable, or the token was refused
  4  data folder in use or unusable
  5  address to listen on taken or unusable
  6  optimizer component cannot be loaded";

/// Why a command ends without success: a status and a message that names the
/// cause and the way out.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    /// A failure of this kind; the message is one sentence or a few.
    pub fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self {
            exit,
            message: message.to_string(),
        }
    }

    /// For `map_err`: any error as a failure of this kind.
    pub fn of<E: fmt::Display>(exit: Exit) -> impl Fn(E) -> Self {
        move |error| Self::new(exit, error)
    }

    /// Tells the user and gives the status.
    pub(super) fn report(&self) -> ExitCode {
        super::output::note(&format!("error: {}", self.message));
        ExitCode::from(self.exit as u8)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_documented() {
        for exit in [
            Exit::Unexpected,
            Exit::Usage,
            Exit::HomeAssistant,
            Exit::DataFolder,
            Exit::Address,
            Exit::Optimizer,
        ] {
            let number = format!("\n  {}  ", exit as u8);
            assert!(STATUSES.contains(&number), "{exit:?}");
        }
    }
}

//! Writing results to standard output.
//!
//! A reader that goes away, as `head` does, ends the output and is no error.

use std::io::{self, ErrorKind, Write as _};

use super::exit::{Exit, Failure};

/// Writes a whole result.
pub(super) fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = Pipe::new(std::io::stdout().lock());
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(|error| {
            Failure::new(
                Exit::Unexpected,
                format!("cannot write to standard output: {error}"),
            )
        })
}

/// Tells the user one line; a service goes on when nobody listens.
pub(super) fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Tells the user one line on standard error. `eprintln!` would panic where
/// that is a file on a full disk.
pub(super) fn note(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// A writer for long results, which swallows what nobody reads any more.
pub(super) struct Pipe<W>(W);

impl<W: io::Write> Pipe<W> {
    pub(super) fn new(inner: W) -> Self {
        Self(inner)
    }
}

impl<W: io::Write> io::Write for Pipe<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(bytes.len()),
            outcome => outcome,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            outcome => outcome,
        }
    }
}

//! Lines of a scenario, against the native core.
//!
//! Whatever the lines are, the run ends soon: in their answers, or in a sentence
//! that names the line at fault.

#![no_main]

use std::io::{Error, Write};

use libfuzzer_sys::fuzz_target;
use weirhouse::scenario::{self, ScenarioErrorKind};
use weirhouse_runner::Optimizer;
use weirhouse_tests::native::Native;

/// A line may take 100,000 readings or ticks: so many lines end within the time an input has.
const MOST_LINES: usize = 16;

/// Longer answers find nothing shorter ones do not, and take time.
const MOST_OUTPUT_BYTES: usize = 1 << 18;

/// Longest message: it may quote a line, which is no longer than an input, with
/// every byte escaped.
const LONGEST_MESSAGE_BYTES: usize = 40_000;

fuzz_target!(|bytes: &[u8]| {
    let ends = bytes.iter().enumerate().filter(|&(_, &byte)| byte == b'\n');
    let end = ends.map(|(end, _)| end).nth(MOST_LINES - 1);
    let bytes = &bytes[..end.unwrap_or(bytes.len())];
    let mut fresh = || Ok(Box::new(Native::new()) as Box<dyn Optimizer>);
    let mut output = Answers::default();
    let outcome = scenario::run(bytes, &mut output, &mut fresh);
    if let Err(error) = outcome {
        let lines = bytes.split(|&byte| byte == b'\n').count() as u64;
        assert!((1..=lines).contains(&error.line), "{error}");
        assert!(
            (1..LONGEST_MESSAGE_BYTES).contains(&error.message.len()),
            "{error}"
        );
        let expected = error.kind == ScenarioErrorKind::Malformed || output.is_full;
        assert!(expected, "{:?}: {error}", error.kind);
    }
    if output.is_full {
        // The line that found no room may have been written in part.
        let whole = output.written.iter().rposition(|&byte| byte == b'\n');
        output.written.truncate(whole.map_or(0, |end| end + 1));
    }
    for line in output.written.split_inclusive(|&byte| byte == b'\n') {
        let whole = line.ends_with(b"}\n") && line.starts_with(b"{\"at\":");
        assert!(whole, "{}", String::from_utf8_lossy(line));
    }
});

/// Takes so much and no more.
#[derive(Default)]
struct Answers {
    written: Vec<u8>,
    is_full: bool,
}

impl Write for Answers {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        self.is_full |= self.written.len() + bytes.len() > MOST_OUTPUT_BYTES;
        if self.is_full {
            return Err(Error::other("enough"));
        }
        self.written.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

//! How a test says that it cannot run on this machine.
//!
//! The test runner knows no such outcome, so a skipped test returns early and says so on a line that
//! `cargo xtask test` looks for and takes out of the count of passed tests.

use std::io::Write as _;
use std::{env, io, thread};

use anyhow::{Result, bail};

/// Announces that the calling test cannot run here, for lack of what `reason` names.
///
/// Fails where `WEIRHOUSE_REQUIRE_ALL=1` forbids skipping. Call it from the test's own thread, which
/// carries the test's name.
pub fn skip(reason: &str) -> Result<()> {
    if env::var_os("WEIRHOUSE_REQUIRE_ALL").is_some_and(|value| value == "1") {
        bail!("WEIRHOUSE_REQUIRE_ALL=1 is set, and this test cannot run: {reason}");
    }
    let test = thread::current().name().unwrap_or("a test").to_owned();
    // Written past the test runner, which would keep a successful test's output to itself. One write, with a
    // line break before it: the runner may be in the middle of a line.
    io::stderr().write_all(format!("\nSKIPPED: {test}: {reason}\n").as_bytes())?;
    Ok(())
}

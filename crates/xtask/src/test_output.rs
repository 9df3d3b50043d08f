//! Reads what `cargo test` writes, line by line, into counts by suite.
//!
//! A test that cannot run on this machine prints `SKIPPED: <test>: <reason>` and returns. The test runner
//! counts it as passed; here it is not.

use std::collections::BTreeMap;

/// The tests of one file, or the examples in one crate's documentation.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Suite {
    /// Package and file, as `weirhouse-core src/lib.rs`.
    pub(crate) name: String,
    /// Tests that ran and succeeded.
    pub(crate) passed: usize,
    /// Names of the tests that failed.
    pub(crate) failed: Vec<String>,
    /// Tests that did not run, with the reason.
    pub(crate) skipped: BTreeMap<String, String>,
}

impl Suite {
    fn handle_outcome(&mut self, test: &str, outcome: &str) {
        if outcome == "FAILED" {
            self.failed.push(test.to_owned());
        } else if let Some(reason) = outcome.strip_prefix("ignored") {
            let reason = reason.strip_prefix(", ").unwrap_or("no reason given");
            self.skipped
                .insert(test.to_owned(), format!("{IGNORED}{reason}"));
        }
    }
}

/// Collects the suites of one package.
pub(crate) struct Reader {
    package: String,
    suites: Vec<Suite>,
    /// A test whose name was written, but not its outcome: another line came between.
    interrupted: Option<String>,
}

impl Reader {
    pub(crate) fn new(package: &str) -> Self {
        Self {
            package: package.to_owned(),
            suites: Vec::new(),
            interrupted: None,
        }
    }

    /// Takes the next line, of standard output or standard error.
    pub(crate) fn handle_line(&mut self, line: &str) {
        if let Some(name) = suite_name(line.trim_start()) {
            self.suites.push(Suite {
                name: format!("{} {name}", self.package),
                ..Suite::default()
            });
            return;
        }
        let Some(suite) = self.suites.last_mut() else {
            return;
        };
        if let Some((name, reason)) = line
            .strip_prefix("SKIPPED: ")
            .and_then(|rest| rest.split_once(": "))
        {
            suite.skipped.insert(name.to_owned(), reason.to_owned());
        } else if let Some(counts) = line.strip_prefix("test result: ") {
            let ran_in_vain = suite.skipped.len() - ignored(&suite.skipped);
            suite.passed = count(counts, "passed").saturating_sub(ran_in_vain);
        } else if let Some(name) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.strip_suffix(" ..."))
        {
            self.interrupted = Some(name.to_owned());
        } else if let Some((name, outcome)) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.rsplit_once(" ... "))
        {
            suite.handle_outcome(name, outcome);
        } else if let Some(name) = self
            .interrupted
            .take_if(|_| ["ok", "FAILED"].contains(&line))
        {
            suite.handle_outcome(&name, line);
        }
    }

    /// The suites that held tests. A run that `failed` although no test did (it did not build, or was
    /// killed) counts as one failure of the last suite.
    pub(crate) fn finish(mut self, failed: bool) -> Vec<Suite> {
        if failed && self.suites.iter().all(|suite| suite.failed.is_empty()) {
            if self.suites.is_empty() {
                self.suites.push(Suite {
                    name: self.package,
                    ..Suite::default()
                });
            }
            if let Some(last) = self.suites.last_mut() {
                last.failed
                    .push("did not build, or ended before its last test".to_owned());
            }
        }
        self.suites
            .retain(|suite| suite.passed + suite.failed.len() + suite.skipped.len() > 0);
        self.suites
    }
}

/// Marks tests that the runner itself left out, so that they are not subtracted from its count of passed ones.
const IGNORED: &str = "ignored: ";

fn ignored(skipped: &BTreeMap<String, String>) -> usize {
    skipped
        .values()
        .filter(|reason| reason.starts_with(IGNORED))
        .count()
}

/// From `Running unittests src/lib.rs (…)`, `Running tests/a.rs (…)` or `Doc-tests a`.
fn suite_name(line: &str) -> Option<&str> {
    if line.starts_with("Doc-tests ") {
        return Some("documentation");
    }
    let (name, executable) = line.strip_prefix("Running ")?.split_once(" (")?;
    executable
        .ends_with(')')
        .then(|| name.strip_prefix("unittests ").unwrap_or(name))
}

/// The number before a word, in `ok. 3 passed; 0 failed; …`.
fn count(counts: &str, word: &str) -> usize {
    let mut words = counts.split([' ', ';']).filter(|word| !word.is_empty());
    let mut before = "";
    words
        .find_map(|next| {
            if next == word {
                before.parse().ok()
            } else {
                before = next;
                None
            }
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str, failed: bool) -> Vec<Suite> {
        let mut reader = Reader::new("p");
        lines.lines().for_each(|line| reader.handle_line(line));
        reader.finish(failed)
    }

    fn suite(name: &str, passed: usize, failed: &[&str], skipped: &[(&str, &str)]) -> Suite {
        Suite {
            name: name.to_owned(),
            passed,
            failed: failed.iter().map(ToString::to_string).collect(),
            skipped: skipped
                .iter()
                .map(|(test, reason)| ((*test).to_owned(), (*reason).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn counts_each_suite() {
        let lines = "
   Compiling p v0.1.0
     Running unittests src/lib.rs (target/debug/deps/p-0123)
running 4 tests
test a ... ok
test b ... FAILED
test c ... ok
test d ... ignored, takes an hour
test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s

     Running unittests src/main.rs (target/debug/deps/p-4567)
running 0 tests
test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

     Running tests/real.rs (target/debug/deps/real-89ab)
running 3 tests
test starts ... ok
test runs ...
SKIPPED: starts: needs a Home Assistant: none in reach
FAILED
test stops ... ok
test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s

   Doc-tests p
test src/lib.rs - one (line 3) ... ok
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.20s
";
        let expected = [
            suite(
                "p src/lib.rs",
                2,
                &["b"],
                &[("d", "ignored: takes an hour")],
            ),
            suite(
                "p tests/real.rs",
                1,
                &["runs"],
                &[("starts", "needs a Home Assistant: none in reach")],
            ),
            suite("p documentation", 1, &[], &[]),
        ];
        assert_eq!(read(lines, true), expected);
    }

    #[test]
    fn a_run_without_a_result_is_a_failure() {
        let died = "did not build, or ended before its last test";
        assert_eq!(
            read("error[E0425]: cannot find value", true),
            [suite("p", 0, &[died], &[])]
        );
        let crashed = "     Running tests/a.rs (target/debug/deps/a-01)\ntest x ... ok\n";
        assert_eq!(
            read(crashed, true),
            [suite("p tests/a.rs", 0, &[died], &[])]
        );
        assert_eq!(read("", false), []);
    }
}

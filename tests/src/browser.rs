//! The page in a browser, driven from outside.
//!
//! `tests/page` holds the checks, and `tests/page/provide` installs what they need; this reads only `WEIRHOUSE_BROWSER`,
//! which `cargo xtask test` sets.

use std::env;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::skip::skip;

/// A browser that can be driven, and what drives it.
pub struct Browser(PathBuf);

/// A check under way; it is killed when dropped.
pub struct Check {
    name: String,
    process: Child,
    commands: ChildStdin,
    said: BufReader<ChildStdout>,
}

impl Browser {
    /// Finds it, or says why the test is skipped.
    pub fn find_or_skip() -> Result<Option<Self>> {
        if let Some(folder) = env::var_os("WEIRHOUSE_BROWSER") {
            return Ok(Some(Self(folder.into())));
        }
        let reason = env::var("WEIRHOUSE_BROWSER_MISSING").unwrap_or_else(|_| {
            "WEIRHOUSE_BROWSER is not set; `cargo xtask test` sets it".to_owned()
        });
        skip(&format!("needs a browser: {reason}"))?;
        Ok(None)
    }

    /// Starts a check, a file of `tests/page`, on the page at this address.
    pub fn start(&self, name: &str, address: SocketAddr, token: &str) -> Result<Check> {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("page");
        let mut process = Command::new("node")
            .arg(scripts.join("run.mjs"))
            .arg(&self.0)
            .args([name, &format!("http://{address}/"), token])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start the check {name}"))?;
        let commands = process.stdin.take().context("no standard input")?;
        let said = process.stdout.take().context("no standard output")?;
        Ok(Check {
            name: name.to_owned(),
            process,
            commands,
            said: BufReader::new(said),
        })
    }

    /// Runs a check to its end.
    pub fn check(&self, name: &str, address: SocketAddr, token: &str) -> Result<()> {
        self.start(name, address, token)?.finish()
    }
}

impl Check {
    /// Waits until it says that it has come so far, where it waits for [`go_on`](Self::go_on).
    pub fn wait_until(&mut self, reached: &str) -> Result<()> {
        let mut line = String::new();
        self.said.read_line(&mut line)?;
        if line.trim_end() != reached {
            let complaint = self.complaint();
            bail!(
                "the check {} said {line:?} instead of {reached:?}: {complaint}",
                self.name
            );
        }
        Ok(())
    }

    /// Lets it go on.
    pub fn go_on(&mut self) -> Result<()> {
        writeln!(self.commands, "go on").context("the check does not listen")
    }

    /// Waits for its end; fails if something did not hold.
    pub fn finish(mut self) -> Result<()> {
        // It writes little, so that the pipe is never full.
        let status = self.process.wait()?;
        if !status.success() {
            let complaint = self.complaint();
            bail!("the check {} ended with {status}: {complaint}", self.name);
        }
        Ok(())
    }

    fn complaint(&mut self) -> String {
        let mut text = String::new();
        if let Some(stderr) = &mut self.process.stderr {
            // What could be read is told.
            let _ = stderr.read_to_string(&mut text);
        }
        text
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        // It may have ended by itself. Its browser ends with the pipe between the two.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

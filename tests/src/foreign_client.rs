//! Clients of Home Assistant that others wrote, driven from outside.
//!
//! `tests/clients` holds the scripts around them, and `tests/clients/provide` installs them; this reads only
//! `WEIRHOUSE_CLIENTS`, which `cargo xtask test` sets.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::program::PATIENCE;
use crate::skip::skip;

/// Where the clients are installed.
pub struct Installed(PathBuf);

/// Which client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Library {
    /// `home-assistant-js-websocket`, from npm.
    JavaScript,
    /// `hass-client`, from `PyPI`.
    Python,
}

/// A client that runs; it is killed when dropped.
pub struct ForeignClient {
    process: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Installed {
    /// Finds them, or says why the test is skipped.
    pub fn find_or_skip() -> Result<Option<Self>> {
        if let Some(folder) = env::var_os("WEIRHOUSE_CLIENTS") {
            return Ok(Some(Self(folder.into())));
        }
        let reason = env::var("WEIRHOUSE_CLIENTS_MISSING").unwrap_or_else(|_| {
            "WEIRHOUSE_CLIENTS is not set; `cargo xtask test` sets it".to_owned()
        });
        skip(&format!("needs clients of Home Assistant: {reason}"))?;
        Ok(None)
    }

    /// Starts a client of `http://ADDRESS` with this token; an error of the outer result is none of the client's.
    pub fn start(
        &self,
        library: Library,
        url: &str,
        token: &str,
    ) -> Result<Result<ForeignClient, Value>> {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");
        let mut command = match library {
            Library::JavaScript => {
                let mut node = Command::new("node");
                node.arg(scripts.join("javascript.mjs")).arg(&self.0);
                node
            }
            Library::Python => {
                let mut python = Command::new(self.0.join("venv/bin/python"));
                python.arg(scripts.join("python.py"));
                python
            }
        };
        let mut process = command
            .args([url, token])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start the client {library:?}"))?;
        let commands = process.stdin.take().context("no standard input")?;
        let answers = process.stdout.take().context("no standard output")?;
        let mut client = ForeignClient {
            process,
            commands,
            answers: BufReader::new(answers),
        };
        let connected = client.answer()?;
        Ok(connected.map(|_| client))
    }
}

impl ForeignClient {
    /// Has it do something, and gives the answer or the error that its library told.
    pub fn try_ask(&mut self, command: &Value) -> Result<Result<Value, Value>> {
        writeln!(self.commands, "{command}").context("the client does not listen")?;
        self.answer()
    }

    /// Has it do something that must succeed.
    pub fn ask(&mut self, command: &Value) -> Result<Value> {
        let answer = self.try_ask(command)?;
        answer.map_err(|error| anyhow::anyhow!("{command}: {error}"))
    }

    /// Has it do something without more to say than its name.
    pub fn tell_of(&mut self, what: &str) -> Result<Value> {
        self.ask(&json!({ "do": what }))
    }

    /// Asks until the answer is as wanted, and gives it.
    pub fn wait_for(&mut self, what: &str, condition: impl Fn(&Value) -> bool) -> Result<Value> {
        let started = Instant::now();
        loop {
            let answer = self.tell_of(what)?;
            if condition(&answer) {
                return Ok(answer);
            }
            if started.elapsed() > PATIENCE {
                bail!("{what} is still {answer}");
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn answer(&mut self) -> Result<Result<Value, Value>> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let mut answer: Value =
            serde_json::from_str(&line).with_context(|| format!("the client said {line:?}"))?;
        Ok(match answer.get_mut("error") {
            Some(error) => Err(error.take()),
            None => Ok(answer["ok"].take()),
        })
    }
}

impl Drop for ForeignClient {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

//! The program `weirhouse` as a process, driven from outside.

use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use ureq::Agent;
use ureq::http::Response;

use crate::component;

/// How long to wait for something the program should do soon.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running service; killed when dropped.
pub struct Program {
    process: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its API token.
    pub token: String,
    agent: Agent,
}

/// An answer of the API.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers, by lower-case name.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Program {
    /// Starts `serve` or `demo` with arguments on a data folder, and waits
    /// until it answers.
    pub fn start<S: AsRef<OsStr>>(command: &str, data: &Path, arguments: &[S]) -> Result<Self> {
        let log = fs::File::create(data.with_extension("log"))?;
        Self::start_logging(command, data, arguments, log)
    }

    /// As [`start`](Self::start), with a log of the caller's choice.
    pub fn start_logging<S: AsRef<OsStr>>(
        command: &str,
        data: &Path,
        arguments: &[S],
        log: fs::File,
    ) -> Result<Self> {
        Self::start_with(command, data, arguments, log, &[])
    }

    /// As [`start`](Self::start), with further variables of the environment.
    pub fn start_in<S: AsRef<OsStr>>(
        command: &str,
        data: &Path,
        arguments: &[S],
        variables: &[(&str, &str)],
    ) -> Result<Self> {
        let log = fs::File::create(data.with_extension("log"))?;
        Self::start_with(command, data, arguments, log, variables)
    }

    fn start_with<S: AsRef<OsStr>>(
        command: &str,
        data: &Path,
        arguments: &[S],
        log: fs::File,
        variables: &[(&str, &str)],
    ) -> Result<Self> {
        let address = free_address()?;
        let process = invocation(command, data, address, arguments)?
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("cannot start the program")?;
        let agent = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .proxy(None)
            .build()
            .into();
        let mut program = Self {
            process,
            address,
            token: String::new(),
            agent,
        };
        let started = Instant::now();
        while program.get("/healthz").is_err() {
            if let Some(status) = program.process.try_wait()? {
                bail!("it ended with {status}: {}", Self::log(data));
            }
            if started.elapsed() > PATIENCE {
                bail!("it does not answer: {}", Self::log(data));
            }
            thread::sleep(Duration::from_millis(10));
        }
        fs::read_to_string(data.join("token"))?
            .trim()
            .clone_into(&mut program.token);
        Ok(program)
    }

    fn log(data: &Path) -> String {
        fs::read_to_string(data.with_extension("log")).unwrap_or_default()
    }

    /// `GET`.
    pub fn get(&self, path: &str) -> Result<Answer> {
        self.get_with(path, &[])
    }

    /// `GET` with further headers.
    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
        let mut request = self
            .agent
            .get(format!("http://{}{path}", self.address))
            .header("authorization", format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::read(request.call()?)
    }

    /// `GET` of a JSON body that must succeed.
    pub fn json(&self, path: &str) -> Result<Value> {
        let answer = self.get(path)?;
        if answer.status != 200 {
            bail!("GET {path}: {} {}", answer.status, answer.text());
        }
        Ok(serde_json::from_slice(&answer.body)?)
    }

    /// `PUT`.
    pub fn put(&self, path: &str, body: &[u8]) -> Result<Answer> {
        let request = self
            .agent
            .put(format!("http://{}{path}", self.address))
            .header("authorization", format!("Bearer {}", self.token))
            .content_type("application/octet-stream");
        Answer::read(request.send(body)?)
    }

    /// `POST` of a JSON body.
    pub fn post(&self, path: &str, body: &[u8]) -> Result<Answer> {
        let request = self
            .agent
            .post(format!("http://{}{path}", self.address))
            .header("authorization", format!("Bearer {}", self.token))
            .content_type("application/json");
        Answer::read(request.send(body)?)
    }

    /// `PATCH` of a JSON body.
    pub fn patch(&self, path: &str, body: &[u8]) -> Result<Answer> {
        let request = self
            .agent
            .patch(format!("http://{}{path}", self.address))
            .header("authorization", format!("Bearer {}", self.token))
            .content_type("application/json");
        Answer::read(request.send(body)?)
    }

    /// `DELETE`.
    pub fn delete(&self, path: &str) -> Result<Answer> {
        let request = self
            .agent
            .delete(format!("http://{}{path}", self.address))
            .header("authorization", format!("Bearer {}", self.token));
        Answer::read(request.call()?)
    }

    /// The token that requests carry from now on.
    pub fn use_token(&mut self, token: &str) {
        token.clone_into(&mut self.token);
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Asks it to read its files anew.
    pub fn hang_up(&self) -> Result<()> {
        let pid = Pid::from_child(&self.process);
        Ok(kill_process(pid, Signal::HUP)?)
    }

    /// Kills it without warning, as a power failure would.
    pub fn kill(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Asks it to stop, and gives its exit status.
    pub fn stop(self) -> Result<i32> {
        self.terminate()?;
        self.wait()
    }

    /// Asks it twice at once, as `timeout` does, and gives its exit status.
    pub fn stop_twice(self) -> Result<i32> {
        self.terminate()?;
        thread::sleep(Duration::from_millis(1));
        // It may have ended between the two.
        let _ = self.terminate();
        self.wait()
    }

    fn terminate(&self) -> Result<()> {
        let pid = Pid::from_child(&self.process);
        Ok(kill_process(pid, Signal::TERM)?)
    }

    fn wait(mut self) -> Result<i32> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait()? {
                return status.code().context("it was ended by a signal");
            }
            if started.elapsed() > PATIENCE {
                bail!("it did not stop within {PATIENCE:?}");
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until the statistics satisfy `condition`, and gives them.
    pub fn wait_for_stats(&self, what: &str, condition: impl Fn(&Value) -> bool) -> Result<Value> {
        let started = Instant::now();
        loop {
            let stats = self.json("/v1/stats")?;
            if condition(&stats) {
                return Ok(stats);
            }
            if started.elapsed() > PATIENCE * 3 {
                bail!("{what} did not happen: {stats}");
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Answer {
    fn read(mut response: Response<ureq::Body>) -> Result<Self> {
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect();
        Ok(Self {
            status: response.status().as_u16(),
            headers,
            body: response.body_mut().read_to_vec()?,
        })
    }

    /// A header's value, empty without one.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(other, _)| other == name)
            .map_or("", |(_, value)| value)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Runs the program to its end and gives what it printed.
pub fn run<S: AsRef<OsStr>>(arguments: &[S]) -> Result<Output> {
    Command::new(component::program_path()?)
        .args(arguments)
        .env("WEIRHOUSE_CORE", component::path()?)
        .stdin(Stdio::null())
        .output()
        .context("cannot start the program")
}

/// Starts a service that is expected to end by itself, and gives what it
/// printed.
pub fn run_service<S: AsRef<OsStr>>(
    command: &str,
    data: &Path,
    address: SocketAddr,
    arguments: &[S],
) -> Result<Output> {
    invocation(command, data, address, arguments)?
        .output()
        .context("cannot start the program")
}

fn invocation<S: AsRef<OsStr>>(
    command: &str,
    data: &Path,
    address: SocketAddr,
    arguments: &[S],
) -> Result<Command> {
    let mut invocation = Command::new(component::program_path()?);
    invocation
        .arg(command)
        .arg("--data-dir")
        .arg(data)
        .args(["--listen", &address.to_string()])
        .args(arguments)
        .env("WEIRHOUSE_CORE", component::path()?)
        // As in the app's image.
        .env("MALLOC_ARENA_MAX", "1")
        .stdin(Stdio::null());
    Ok(invocation)
}

/// An address nobody listens on.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

//! A real Home Assistant for one test: its own configuration folder, port and process.
//!
//! Everything here blocks; an asynchronous test calls it through `spawn_blocking`. How Home Assistant
//! comes onto the machine is the business of `tests/home_assistant/provide`; this reads only
//! `WEIRHOUSE_HA`, which `cargo xtask test` sets.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use weirhouse_tests::home_assistant::{ConfigFolderOptions, HomeAssistant};
//!
//! let Some(home_assistant) = HomeAssistant::start_or_skip(&ConfigFolderOptions::default())? else {
//!     return Ok(());
//! };
//! home_assistant.set_state("sensor.porch", "21.5", &serde_json::json!({ "unit_of_measurement": "°C" }))?;
//! # Ok(())
//! # }
//! ```

mod api;
mod commands;
mod config_folder;
mod onboarding;
mod users;

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use ureq::http::Method;

use self::api::Api;
pub use self::api::EntityState;
pub use self::commands::Commands;
pub use self::config_folder::ConfigFolderOptions;
pub use self::onboarding::{PASSWORD, USER};
pub use self::users::User;
use crate::skip::skip;

/// Generous: two busy processors take 10 s, and a first start writes databases.
const START_LIMIT: Duration = Duration::from_mins(3);

/// Home Assistant gives its integrations up to 30 s for each stage of stopping.
const STOP_LIMIT: Duration = Duration::from_mins(1);

/// A running Home Assistant; dropping it kills it.
pub struct HomeAssistant {
    /// The venv or root folder it runs from.
    installation: PathBuf,
    config: PathBuf,
    /// Removes the folder when dropped; absent for a folder that outlives this.
    _temporary: Option<TempDir>,
    process: Option<Child>,
    api: Api,
    port: u16,
}

impl HomeAssistant {
    /// Starts one for a test, or says why the test is skipped.
    ///
    /// Fails if there is a Home Assistant and it does not start, or if skipping is forbidden.
    pub fn start_or_skip(options: &ConfigFolderOptions) -> Result<Option<Self>> {
        let Some(installation) = env::var_os("WEIRHOUSE_HA") else {
            let reason = env::var("WEIRHOUSE_HA_MISSING").unwrap_or_else(|_| {
                "WEIRHOUSE_HA is not set; `cargo xtask test` sets it".to_owned()
            });
            skip(&format!("needs a Home Assistant: {reason}"))?;
            return Ok(None);
        };
        let temporary = TempDir::with_prefix("weirhouse-home-assistant-")
            .context("cannot make a temporary folder")?;
        let config = temporary.path().to_owned();
        Self::launch(
            installation.into(),
            config,
            Some(temporary),
            free_port()?,
            options,
        )
        .map(Some)
    }

    /// Starts one on a folder that stays, at a port of the caller's choice.
    ///
    /// A folder that was used before keeps its users, states and access token.
    pub fn start_in(
        installation: &Path,
        config: &Path,
        port: u16,
        options: &ConfigFolderOptions,
    ) -> Result<Self> {
        Self::launch(
            installation.to_owned(),
            config.to_owned(),
            None,
            port,
            options,
        )
    }

    fn launch(
        installation: PathBuf,
        config: PathBuf,
        temporary: Option<TempDir>,
        port: u16,
        options: &ConfigFolderOptions,
    ) -> Result<Self> {
        config_folder::write(&config, port, options)?;
        let api = Api::new(port);
        let mut this = Self {
            installation,
            config,
            _temporary: temporary,
            process: None,
            api,
            port,
        };
        this.spawn()?;
        this.wait_until("answers", Api::answers)?;
        let token = onboarding::token(&this.api, port, &this.config.join("access-token"))?;
        this.api.use_token(&token);
        this.wait_until("is running", Api::is_running)?;
        Ok(this)
    }

    /// Its address, as `http://127.0.0.1:<port>`.
    pub fn url(&self) -> &str {
        self.api.url()
    }

    /// A long-lived access token of its owner.
    pub fn token(&self) -> &str {
        self.api.token()
    }

    /// The file that holds [`Self::token`].
    pub fn token_file(&self) -> PathBuf {
        self.config.join("access-token")
    }

    /// Its configuration folder: the recorder's database and its log are here.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// Its process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Writes a state as an integration would see it; creates the entity if there is none.
    pub fn set_state(
        &self,
        entity: &str,
        state: &str,
        attributes: &serde_json::Value,
    ) -> Result<()> {
        self.api.set_state(entity, state, attributes)
    }

    /// Removes an entity's state.
    pub fn remove_state(&self, entity: &str) -> Result<()> {
        self.api.remove_state(entity)
    }

    /// Calls a service (an action) and waits until it is done; `data` holds its target too.
    pub fn call_service(
        &self,
        domain: &str,
        service: &str,
        data: &serde_json::Value,
    ) -> Result<()> {
        self.api.call_service(domain, service, data)
    }

    /// A WebSocket of its owner, for commands.
    pub fn commands(&self) -> Result<Commands> {
        Commands::connect(self.port, self.token())
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Asks its HTTP API, and gives the answer.
    pub fn get(&self, path: &str) -> Result<serde_json::Value> {
        self.api.call(&Method::GET, path, None)
    }

    /// Posts to its HTTP API, and gives the answer.
    pub fn post(&self, path: &str, body: &serde_json::Value) -> Result<serde_json::Value> {
        self.api.call(&Method::POST, path, Some(body))
    }

    /// Deletes through its HTTP API.
    pub fn delete(&self, path: &str) -> Result<serde_json::Value> {
        self.api.call(&Method::DELETE, path, None)
    }

    /// All states.
    pub fn states(&self) -> Result<Vec<EntityState>> {
        self.api.states()
    }

    /// One entity's state, if it has one.
    pub fn state(&self, entity: &str) -> Result<Option<EntityState>> {
        self.api.state(entity)
    }

    /// Stops it in order, so that it saves what it keeps.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        signal(&process, Signal::TERM);
        let begun = Instant::now();
        while process
            .try_wait()
            .context("cannot wait for Home Assistant")?
            .is_none()
        {
            if begun.elapsed() > STOP_LIMIT {
                kill(&mut process);
                bail!(
                    "Home Assistant did not stop within {} s\n{}",
                    STOP_LIMIT.as_secs(),
                    self.end_of_log()
                );
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Kills it, as a power failure would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            kill(&mut process);
        }
    }

    /// Starts it again after [`Self::stop`] or [`Self::kill`]: same folder, port and token.
    pub fn start_again(&mut self) -> Result<()> {
        if self.process.is_some() {
            bail!("Home Assistant is running already");
        }
        self.spawn()?;
        self.wait_until("is running again", Api::is_running)
    }

    /// Stops it in order and starts it again.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.start_again()
    }

    /// Leaves it running after this program ends; returns its process.
    pub fn detach(mut self) -> Option<u32> {
        self.process.take().map(|process| process.id())
    }

    /// The last lines of what it printed.
    pub fn end_of_log(&self) -> String {
        let log = self.config.join(LOG);
        let text = fs::read(&log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let end = lines
            .iter()
            .skip(lines.len().saturating_sub(40))
            .copied()
            .collect::<Vec<_>>()
            .join("\n");
        format!("--- end of {}\n{end}\n---", log.display())
    }

    fn spawn(&mut self) -> Result<()> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("home_assistant/start");
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.config.join(LOG))
            .context("cannot write a log")?;
        let process = Command::new(&script)
            .args([&self.installation, &self.config])
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("cannot write a log")?)
            .stderr(log)
            // A group of its own: killing it takes along what it started, and Ctrl-C is for the tests.
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot run {}", script.display()))?;
        self.process = Some(process);
        Ok(())
    }

    /// Waits for a condition, unless Home Assistant ends or takes too long.
    fn wait_until(&mut self, what: &str, condition: impl Fn(&Api) -> bool) -> Result<()> {
        let begun = Instant::now();
        while !condition(&self.api) {
            let ended = match &mut self.process {
                Some(process) => process
                    .try_wait()
                    .context("cannot wait for Home Assistant")?,
                None => None,
            };
            if let Some(status) = ended {
                self.process = None;
                bail!(
                    "Home Assistant ended ({status}) before it {what}\n{}",
                    self.end_of_log()
                );
            }
            if begun.elapsed() > START_LIMIT {
                bail!(
                    "Home Assistant took over {} s until it {what}\n{}",
                    START_LIMIT.as_secs(),
                    self.end_of_log()
                );
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

impl Drop for HomeAssistant {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{}", self.end_of_log());
        }
        self.kill();
    }
}

/// Standard output and standard error, in the configuration folder.
const LOG: &str = "console.log";

fn kill(process: &mut Child) {
    signal(process, Signal::KILL);
    // Reaps it; there is nothing to do about a process that cannot be waited for.
    let _ = process.wait();
}

fn signal(process: &Child, signal: Signal) {
    // It may have ended by itself meanwhile, which is what is wanted.
    let _ = kill_process_group(Pid::from_child(process), signal);
}

/// A port nobody listens on now; another process could still take it before Home Assistant does.
fn free_port() -> Result<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on loopback")?;
    Ok(listener
        .local_addr()
        .context("no free port on loopback")?
        .port())
}

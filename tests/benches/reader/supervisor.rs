//! The Supervisor's proxy, which other apps read through, run from a clone of the Supervisor.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use weirhouse_tests::program::free_address;

use crate::engine;
use crate::home::{Home, Process, Server};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/reader/supervisor.py");

/// The token of the one app that this Supervisor knows.
pub(crate) const TOKEN: &str = "app";

/// More than an engine needs to start.
const ENGINE_STARTS_WITHIN: Duration = Duration::from_secs(5);

/// What a Supervisor is made of.
pub(crate) struct Installation<'a> {
    /// A clone of it.
    pub(crate) clone: &'a Path,
    /// The socket of a Docker engine, on the file system of temporary folders. Without, one that answers at once is in
    /// its place.
    pub(crate) docker: Option<&'a Path>,
}

/// The proxy, and what is in place of a container engine.
pub(crate) struct Supervisor {
    pub(crate) server: Server,
    _engine: Option<Process>,
}

impl Supervisor {
    /// Installs what the clone requires, and starts its proxy before the home's Home Assistant.
    pub(crate) fn start(home: &Home, installation: &Installation<'_>) -> Result<Self> {
        let clone = installation.clone;
        ensure!(
            clone.join("supervisor/api/proxy.py").exists(),
            "{} is no clone of the Supervisor: it has no supervisor/api/proxy.py",
            clone.display()
        );
        let folder = home.folder("supervisor")?;
        let seen = home.seen(&folder);
        run(Command::new("cp")
            .arg("--recursive")
            .arg(clone.join("supervisor"))
            .arg(clone.join("requirements.txt"))
            .arg(&folder))?;
        fs::copy(PROGRAM, folder.join("run.py"))?;
        fs::copy(home.assistant.token_file(), folder.join("token"))?;
        let python = seen.join("venv/bin/python");
        run(home
            .command(&folder, &home.python())
            .args(["-m", "venv"])
            .arg(seen.join("venv")))?;
        run(home
            .command(&folder, &python)
            .args(["-m", "pip", "install", "--quiet", "--requirement"])
            .arg(seen.join("requirements.txt")))?;
        let socket = folder.join("engine");
        let engine = if let Some(docker) = installation.docker {
            // It is seen where the folder is.
            fs::hard_link(docker, &socket)
                .with_context(|| format!("cannot link {}", docker.display()))?;
            None
        } else {
            let engine = engine::start(&socket)?;
            wait_for(&socket)?;
            Some(engine)
        };
        let address = free_address()?;
        let process = home
            .command(&folder, &python)
            .arg(seen.join("run.py"))
            .arg(&seen)
            .arg(address.port().to_string())
            .arg(home.home_assistant().port().to_string())
            .arg(seen.join("token"))
            .arg(seen.join("engine"))
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start the Supervisor's proxy")?;
        Ok(Self {
            server: Server {
                process: Process(process),
                address,
            },
            _engine: engine,
        })
    }
}

fn run(command: &mut Command) -> Result<()> {
    let status = command
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

fn wait_for(socket: &Path) -> Result<()> {
    let started = Instant::now();
    while !socket.exists() {
        if started.elapsed() > ENGINE_STARTS_WITHIN {
            bail!("the container engine did not start");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

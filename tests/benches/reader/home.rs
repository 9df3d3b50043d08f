//! A real Home Assistant with the sensors of the bench, and Weirhouse before it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use weirhouse_tests::home_assistant::{ConfigFolderOptions, HomeAssistant};
use weirhouse_tests::program::{Program, free_address};

const COMPONENT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/benches/reader/custom_component"
);
const RIVAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/reader/rival.py");
const ENTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/home_assistant/enter");

/// Both, on folders that are removed at the end.
pub(crate) struct Home {
    pub(crate) assistant: HomeAssistant,
    pub(crate) weirhouse: Program,
    folder: tempfile::TempDir,
    installation: PathBuf,
}

impl Home {
    /// Starts both.
    pub(crate) fn start(entities: usize) -> Result<Self> {
        let installation = std::env::var_os("WEIRHOUSE_HA")
            .map(PathBuf::from)
            .context("WEIRHOUSE_HA is not set; run `cargo xtask bench reader`")?;
        let folder = tempfile::tempdir()?;
        let config = folder.path().join("config");
        let component = config.join("custom_components/weirhouse_bench");
        fs::create_dir_all(&component)?;
        for file in ["manifest.json", "__init__.py"] {
            fs::copy(Path::new(COMPONENT).join(file), component.join(file))?;
        }
        let options = ConfigFolderOptions {
            demo: false,
            noisy_sensors: 0,
            input_numbers: 0,
            extra_yaml: format!("weirhouse_bench:\n  entities: {entities}\n"),
            ..ConfigFolderOptions::default()
        };
        let port = free_address()?.port();
        let assistant = HomeAssistant::start_in(&installation, &config, port, &options)?;
        let weirhouse = serve(&assistant, folder.path())?;
        Ok(Self {
            assistant,
            weirhouse,
            folder,
            installation,
        })
    }

    pub(crate) fn home_assistant(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.assistant.port()).into()
    }

    /// Has Home Assistant change states for so long from now on.
    pub(crate) fn changes(&self, rate: u32, time: Duration, seed: u32) -> Result<()> {
        let data = json!({ "rate": rate, "seconds": time.as_secs_f64(), "seed": seed });
        self.assistant.call_service("weirhouse_bench", "run", &data)
    }

    /// A server of the same states in Python: aiohttp and orjson, as Home Assistant has them.
    pub(crate) fn rival(&self) -> Result<Server> {
        let served = self.folder("rival")?;
        let states = self.weirhouse.get("/v1/states")?.body;
        let states: serde_json::Value = serde_json::from_slice(&states)?;
        fs::write(served.join("states.json"), states["states"].to_string())?;
        fs::copy(RIVAL, served.join("rival.py"))?;
        let address = free_address()?;
        let seen = self.seen(&served);
        let process = self
            .command(&served, &self.python())
            .arg(seen.join("rival.py"))
            .arg(seen.join("states.json"))
            .arg(address.port().to_string())
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start the server in Python")?;
        Ok(Server {
            process: Process(process),
            address,
        })
    }

    /// A folder for what is started beside both.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.path().join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// The Python that Home Assistant runs on, where it is installed.
    pub(crate) fn python(&self) -> PathBuf {
        if self.is_venv() {
            self.installation.join("bin/python")
        } else {
            PathBuf::from("python3")
        }
    }

    /// A program where Home Assistant is installed, which sees this folder.
    pub(crate) fn command(&self, folder: &Path, program: &Path) -> Command {
        if self.is_venv() {
            return Command::new(program);
        }
        let mut command = Command::new(ENTER);
        command
            .arg(&self.installation)
            .arg(program)
            .env("CONFIG", folder);
        command
    }

    /// Where that program sees the folder.
    pub(crate) fn seen(&self, folder: &Path) -> PathBuf {
        if self.is_venv() {
            folder.to_owned()
        } else {
            PathBuf::from("/config")
        }
    }

    /// Whether Home Assistant is installed into the machine's own folders, and not into a root of its own.
    fn is_venv(&self) -> bool {
        self.installation.join("bin/python").exists()
    }
}

fn serve(assistant: &HomeAssistant, folder: &Path) -> Result<Program> {
    let data = folder.join("data");
    fs::create_dir_all(&data)?;
    let arguments = [
        "--ha-url".to_owned(),
        assistant.url().to_owned(),
        "--ha-token-file".to_owned(),
        assistant.token_file().display().to_string(),
    ];
    let program = Program::start("serve", &data, &arguments)?;
    program.wait_for_stats("the first snapshot", |stats| {
        stats["home"]["connected"] == true && stats["home"]["stale"] == false
    })?;
    Ok(program)
}

/// A server in a process of its own.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn pid(&self) -> u32 {
        self.process.0.id()
    }
}

/// Killed when dropped.
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

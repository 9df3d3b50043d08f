//! Starts and stops a Home Assistant that outlives this program: `cargo xtask ha start` and `stop`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, thread};

use anyhow::{Context as _, Result, bail};
use clap::{Parser, Subcommand};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process};
use weirhouse_tests::home_assistant::{ConfigFolderOptions, HomeAssistant, PASSWORD, USER};

#[derive(Parser)]
struct CommandLine {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Start one on a configuration folder, which is made if need be
    Start {
        #[arg(long)]
        dir: PathBuf,
        #[arg(long)]
        port: u16,
    },
    /// Stop the one that was started on a configuration folder
    Stop {
        #[arg(long)]
        dir: PathBuf,
    },
}

fn main() -> Result<()> {
    match CommandLine::parse().action {
        Action::Start { dir, port } => start(&dir, port),
        Action::Stop { dir } => stop(&dir),
    }
}

fn start(dir: &Path, port: u16) -> Result<()> {
    if let Some(pid) = running(dir) {
        bail!(
            "it runs already, as process {}; stop it first",
            pid.as_raw_nonzero()
        );
    }
    let home_assistant =
        env::var_os("WEIRHOUSE_HA").context("WEIRHOUSE_HA must name a Home Assistant")?;
    let options = ConfigFolderOptions {
        frontend: true,
        noisy_sensors: 200,
        input_numbers: 20,
        ..Default::default()
    };
    let started = HomeAssistant::start_in(Path::new(&home_assistant), dir, port, &options)?;
    println!("Home Assistant: {}", started.url());
    println!("access token:   in {}", started.token_file().display());
    println!("log in as:      {USER}, password {PASSWORD}");
    if let Some(pid) = started.detach() {
        fs::write(pid_file(dir), pid.to_string()).context("cannot write down its process")?;
    }
    Ok(())
}

fn stop(dir: &Path) -> Result<()> {
    let Some(pid) = running(dir) else {
        println!("no Home Assistant runs on {}", dir.display());
        return Ok(());
    };
    kill_process_group(pid, Signal::TERM).context("cannot stop it")?;
    let begun = Instant::now();
    while running(dir).is_some() {
        if begun.elapsed() > Duration::from_mins(1) {
            kill_process_group(pid, Signal::KILL).context("cannot kill it")?;
            println!("it did not stop in 60 s, and was killed");
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    let _ = fs::remove_file(pid_file(dir));
    Ok(())
}

/// The process that was written down, if it still is a Home Assistant: numbers are used again.
fn running(dir: &Path) -> Option<Pid> {
    let number: i32 = fs::read_to_string(pid_file(dir))
        .ok()?
        .trim()
        .parse()
        .ok()?;
    let pid = Pid::from_raw(number)?;
    test_kill_process(pid).ok()?;
    let command = fs::read(format!("/proc/{number}/cmdline")).ok()?;
    command
        .windows(4)
        .any(|bytes| bytes == b"hass")
        .then_some(pid)
}

fn pid_file(dir: &Path) -> PathBuf {
    dir.join("home-assistant.pid")
}

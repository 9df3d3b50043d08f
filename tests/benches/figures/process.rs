//! The program as a whole: start, and resident memory.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant as Clock};

use anyhow::{Context, Result, bail};
use weirhouse_runner::operations::{Entities as _, Updates as _};
use weirhouse_runner::wit::entities::Series;
use weirhouse_runner::wit::types::Instant;
use weirhouse_runner::{Component, Engine};

const STARTS: usize = 9;
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn measure(engine: &Engine, core: &Path, program: &Path) -> Result<()> {
    println!("Program");
    println!("| what | figure |");
    println!("|---|---|");
    let decision = (0..STARTS)
        .map(|_| first_decision(engine, core))
        .collect::<Result<Vec<_>>>()?;
    println!(
        "| load the component and decide once, ms | {:.2} |",
        least_ms(&decision)
    );
    let starts = (0..STARTS)
        .map(|_| start(core, program))
        .collect::<Result<Vec<_>>>()?;
    println!(
        "| process start to the first answer of the API, ms | {:.0} |",
        least_ms(&starts)
    );
    for entities in [1, 60, 2000] {
        let home = Demo::start(core, program, entities)?;
        home.first_answer()?;
        std::thread::sleep(Duration::from_secs(3));
        println!(
            "| resident with {entities} entities, MiB | {:.1} |",
            home.resident_mib()?
        );
    }
    Ok(())
}

fn least_ms(durations: &[Duration]) -> f64 {
    durations
        .iter()
        .min()
        .map_or(f64::NAN, Duration::as_secs_f64)
        * 1e3
}

fn first_decision(engine: &Engine, core: &Path) -> Result<Duration> {
    let started = Clock::now();
    let mut component = Component::load(engine, core)?;
    let series = Series {
        entity: "sensor.first".into(),
        attribute: None,
    };
    let handles = component.intern(&[series])?;
    let verdicts =
        component.observe_numbers(Instant { mono: 0, wall: 0 }, &handles, &[1.0], &[])?;
    let took = started.elapsed();
    if verdicts != [0x80] {
        bail!("the first value of a series was not published");
    }
    Ok(took)
}

fn start(core: &Path, program: &Path) -> Result<Duration> {
    let started = Clock::now();
    let home = Demo::start(core, program, 60)?;
    home.first_answer()?;
    Ok(started.elapsed())
}

/// A simulated home in a process of its own; killed at the end.
struct Demo {
    process: Child,
    address: SocketAddr,
    _data: tempfile::TempDir,
}

impl Demo {
    fn start(core: &Path, program: &Path, entities: u32) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let data = tempfile::tempdir()?;
        let process = Command::new(program)
            .args(["demo", "--entities", &entities.to_string()])
            .args(["--listen", &address.to_string()])
            .arg("--core")
            .arg(core)
            .arg("--data-dir")
            .arg(data.path())
            // As in the app's image.
            .env("MALLOC_ARENA_MAX", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self {
            process,
            address,
            _data: data,
        })
    }

    /// Waits until the health check answers that all is well.
    fn first_answer(&self) -> Result<()> {
        let started = Clock::now();
        while started.elapsed() < PATIENCE {
            if self.ask().is_ok_and(|line| line.contains(" 200 ")) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        bail!(
            "the program did not answer on {} in {PATIENCE:?}",
            self.address
        )
    }

    fn ask(&self) -> Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(
            stream,
            "GET /healthz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        )?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        reader.read_to_end(&mut Vec::new())?;
        Ok(line)
    }

    fn resident_mib(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.trim().strip_suffix(" kB"))
            .context("no VmRSS in the process status")?;
        Ok(kib.trim().parse::<f64>()? / 1024.0)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

//! The app's image, built and run as on a user's machine, but without a daemon and a registry.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, thread};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::component;
use crate::skip::skip;

/// What the provided store holds to build on.
const BASE: &str = "localhost/weirhouse-base";

/// The address of the Supervisor in tests. Nothing else listens there.
pub const SUPERVISOR: &str = "127.0.0.2";

/// The address at which the app of tests listens, beside what else this machine runs.
pub const APP: &str = "127.0.0.3";

/// The built image.
pub struct Image {
    store: PathBuf,
    tag: String,
    /// Bytes beyond its base.
    pub added_bytes: u64,
    /// Whether it holds what users get, or a build for debugging.
    pub is_released: bool,
}

/// A container of it; removed when dropped.
pub struct Container<'a> {
    image: &'a Image,
    name: String,
    /// When it was started.
    pub started: Instant,
}

impl Image {
    /// Builds it from the repository's Dockerfile and the program under test, or says why the test is skipped.
    ///
    /// With `WEIRHOUSE_DIST`, the absolute path of what `cargo xtask dist` made, it is the image that users get.
    pub fn build_or_skip() -> Result<Option<Self>> {
        let Some(store) = env::var_os("WEIRHOUSE_CONTAINERS") else {
            let reason = env::var("WEIRHOUSE_CONTAINERS_MISSING").unwrap_or_else(|_| {
                "WEIRHOUSE_CONTAINERS is not set; `cargo xtask test` sets it".to_owned()
            });
            skip(&format!("needs to run containers: {reason}"))?;
            return Ok(None);
        };
        let context = tempfile::tempdir()?;
        let dist = context.path().join("target/dist");
        fs::create_dir_all(&dist)?;
        let released = env::var_os("WEIRHOUSE_DIST").map(PathBuf::from);
        match &released {
            Some(released) => copy_released(released, &dist)?,
            None => copy_debugging(&dist)?,
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut image = Self {
            store: store.into(),
            tag: format!("localhost/weirhouse-test-{}", std::process::id()),
            added_bytes: 0,
            is_released: released.is_some(),
        };
        let build = |command: &mut Command| {
            command
                .args(["bud", "--isolation", "chroot", "--quiet"])
                // The other form of image has no health check.
                .args(["--format", "docker", "--network", "host"])
                .args(["--build-arg", &format!("BASE={BASE}")])
                .args(["--build-arg", "PROGRAM=given"])
                .args(["--tag", &image.tag, "--file"])
                .arg(root.join("addon/Dockerfile"))
                .arg(context.path());
        };
        image.engine("buildah", build)?;
        image.added_bytes = image.size(&image.tag)?.saturating_sub(image.size(BASE)?);
        Ok(Some(image))
    }

    /// Starts the app on a data folder, as the Supervisor would. A folder `config` beside that is the one that users
    /// share with the app.
    pub fn start(&self, data: &Path) -> Result<Container<'_>> {
        self.start_with(data, &[])
    }

    /// [`Image::start`] with a limit on the private memory of each process (`RLIMIT_DATA`): on what it could write to,
    /// used or not. That is no limit on a container's resident memory, which a control group would be: it counts no
    /// pages of files, and what goes beyond it is refused, not ended.
    pub fn start_limited(&self, data: &Path, bytes: u64) -> Result<Container<'_>> {
        self.start_with(data, &["--ulimit", &format!("data={bytes}:{bytes}")])
    }

    fn start_with(&self, data: &Path, arguments: &[&str]) -> Result<Container<'_>> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("weirhouse-test-{}-{number}", std::process::id());
        let started = Instant::now();
        self.engine("podman", |command| {
            command
                .args(["run", "--detach", "--name", &name])
                .args(["--no-healthcheck", "--cgroups", "disabled"])
                .args([
                    "--ulimit",
                    "nofile=4096:4096",
                    "--ulimit",
                    "nproc=4096:4096",
                ])
                .args(arguments)
                .args(["--read-only", "--tmpfs", "/tmp", "--network", "host"])
                .args(["--add-host", &format!("supervisor:{SUPERVISOR}")])
                .args([
                    "--env",
                    &format!("SUPERVISOR_TOKEN={}", crate::supervisor::TOKEN),
                ])
                .args(["--env", &format!("WEIRHOUSE_LISTEN={APP}:8098")])
                .args(["--env", &format!("WEIRHOUSE_INGRESS_LISTEN={APP}:8099")])
                .args(["--volume", &format!("{}:/data", data.display())]);
            let shared = data.with_file_name("config");
            if shared.is_dir() {
                command.args(["--volume", &format!("{}:/config:ro", shared.display())]);
            }
            command.arg(&self.tag);
        })?;
        Ok(Container {
            image: self,
            name,
            started,
        })
    }

    /// What its Dockerfile says of it.
    pub fn configuration(&self) -> Result<Value> {
        let text = self.engine("podman", |command| {
            command.args(["image", "inspect", &self.tag]);
        })?;
        let inspected: Value = serde_json::from_str(&text)?;
        Ok(inspected[0].clone())
    }

    fn size(&self, tag: &str) -> Result<u64> {
        let text = self.engine("podman", |command| {
            command.args(["image", "inspect", "--format", "{{.Size}}", tag]);
        })?;
        Ok(text.trim().parse()?)
    }

    /// Runs a command of the engine that must succeed, and gives what it printed.
    fn engine(&self, program: &str, arguments: impl FnOnce(&mut Command)) -> Result<String> {
        let output = self.run(program, arguments)?;
        if !output.status.success() {
            bail!(
                "{program} ended with {}: {}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn run(&self, program: &str, arguments: impl FnOnce(&mut Command)) -> Result<Output> {
        let mut command =
            Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("container/engine"));
        command.arg(&self.store).arg(program);
        arguments(&mut command);
        command.output().context("cannot run the container engine")
    }
}

/// What `cargo xtask dist` made.
fn copy_released(released: &Path, dist: &Path) -> Result<()> {
    for name in ["weirhouse", "weirhouse-compile", "weirhouse-core.cwasm"] {
        let path = released.join(name);
        fs::copy(&path, dist.join(name))
            .with_context(|| format!("cannot copy {}", path.display()))?;
    }
    Ok(())
}

/// The program under test and what belongs to it.
fn copy_debugging(dist: &Path) -> Result<()> {
    let program = env::var_os("WEIRHOUSE_BIN").context("WEIRHOUSE_BIN is not set")?;
    let stripped = Command::new("strip")
        .arg("-o")
        .arg(dist.join("weirhouse"))
        .arg(&program)
        .status()
        .context("cannot run strip")?;
    ensure!(stripped.success(), "strip ended with {stripped}");
    let compiler = env::var_os("WEIRHOUSE_COMPILE").context("WEIRHOUSE_COMPILE is not set")?;
    fs::copy(compiler, dist.join("weirhouse-compile"))?;
    fs::copy(component::path()?, dist.join("weirhouse-core.cwasm"))?;
    Ok(())
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = self.run("podman", |command| {
            command.args(["image", "rm", "--force", &self.tag]);
        });
        // The stage that held the program.
        let _ = self.run("buildah", |command| {
            command.args(["rmi", "--prune", "--force"]);
        });
    }
}

impl Container<'_> {
    /// Waits until the app says that it works; gives how long it took from the start.
    pub fn wait_until_healthy(&self, patience: Duration) -> Result<Duration> {
        loop {
            if self.exec(&["weirhouse", "healthcheck"])?.status.success() {
                return Ok(self.started.elapsed());
            }
            if self.started.elapsed() > patience {
                bail!("the app is not healthy: {}", self.log()?);
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Runs a command inside.
    pub fn exec(&self, arguments: &[&str]) -> Result<Output> {
        self.image.run("podman", |command| {
            command.args(["exec", &self.name]).args(arguments);
        })
    }

    /// Waits until the app ends by itself; gives its exit status.
    pub fn wait(&self) -> Result<i32> {
        let text = self.image.engine("podman", |command| {
            command.args(["wait", &self.name]);
        })?;
        Ok(text.trim().parse()?)
    }

    /// Stops it as the Supervisor does, and gives its exit status.
    pub fn stop(&self, patience: Duration) -> Result<i32> {
        let seconds = patience.as_secs().to_string();
        self.image.engine("podman", |command| {
            command.args(["stop", "--time", &seconds, &self.name]);
        })?;
        self.wait()
    }

    /// What it printed.
    pub fn log(&self) -> Result<String> {
        let output = self.image.run("podman", |command| {
            command.args(["logs", &self.name]);
        })?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr))
    }

    /// What the kernel tells of its first process, under a name in `/proc/PID`.
    pub fn about(&self, name: &str) -> Result<String> {
        let text = self.image.engine("podman", |command| {
            command.args(["inspect", "--format", "{{.State.Pid}}", &self.name]);
        })?;
        let path = format!("/proc/{}/{name}", text.trim());
        fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
    }

    /// Memory it has now and had at most, in bytes.
    pub fn memory(&self) -> Result<(u64, u64)> {
        let status = self.about("status")?;
        let kib = |name: &str| -> Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            Ok(number.context("no such line")?.parse::<u64>()? * 1024)
        };
        Ok((kib("VmRSS:")?, kib("VmHWM:")?))
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        let _ = self.image.run("podman", |command| {
            command.args(["rm", "--force", "--time", "0", &self.name]);
        });
    }
}

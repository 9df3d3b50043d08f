//! What an instrumented program is made to do, so that the compiler learns what matters.
//!
//! It works before a stand-in for Home Assistant, and is read as dashboards, scripts and other programs do. What it
//! does not do here is taken for rare: it is moved out of the way, and built with less care for speed.

mod calls;
mod home;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::workspace::run;
use calls::Api;
use home::Home;

/// Longer than a start or an end takes, instrumented and on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// All that the training is, to tell it from another.
pub(crate) const WHAT: &str = concat!(
    include_str!("training.rs"),
    include_str!("training/calls.rs"),
    include_str!("training/home.rs")
);

/// Puts what the program does into files in `counts`. It works in `folder`, with the core of machine code `core`; what
/// the two folders held before is removed.
pub(crate) fn train(program: &Path, core: &Path, folder: &Path, counts: &Path) -> Result<()> {
    for made in [folder, counts] {
        let _ = fs::remove_dir_all(made);
        fs::create_dir_all(made).with_context(|| format!("cannot create {}", made.display()))?;
    }
    let home = Home::start()?;
    let token = folder.join("home-token");
    fs::write(&token, "any")?;
    // Free until the program takes it.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut service = Command::new(program)
        .args(["serve", "--log", "warn", "--ha-url", &home.url()])
        .arg("--ha-token-file")
        .arg(&token)
        .arg("--data-dir")
        .arg(folder.join("data"))
        .args(["--listen", &address.to_string()])
        .env_clear()
        .env("WEIRHOUSE_CORE", core)
        .env("LLVM_PROFILE_FILE", counts.join("%p.profraw"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let called = connected(
        &mut service,
        &address.to_string(),
        &folder.join("data/token"),
    )
    .and_then(|api| api.work());
    let ended = end(&mut service);
    called.context("the program could not be trained")?;
    ended
}

/// Waits until the program answers and has the home.
fn connected(service: &mut Child, address: &str, token: &Path) -> Result<Api> {
    let begun = Instant::now();
    loop {
        if let Some(status) = service.try_wait()? {
            bail!("it ended with {status}");
        }
        if let Ok(token) = fs::read_to_string(token) {
            let api = Api::new(address, token.trim());
            if api.has_home() {
                return Ok(api);
            }
        }
        if begun.elapsed() > PATIENCE {
            bail!("it has not connected within {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Ends the program in order: its counts are written last.
fn end(service: &mut Child) -> Result<()> {
    if service.try_wait()?.is_none() {
        run(Command::new("sh").args(["-c", &format!("kill -TERM {}", service.id())]))?;
    }
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(status) = service.try_wait()? {
            if status.success() {
                return Ok(());
            }
            bail!("the program in training ended with {status}");
        }
        thread::sleep(Duration::from_millis(20));
    }
    service.kill()?;
    bail!("the program in training did not end within {PATIENCE:?}");
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::path::PathBuf;

    use super::*;

    /// What is changed in the program may end its training, and a release is too late to learn that.
    #[test]
    fn the_program_is_trained() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let made = |name| folder.path().join(name);
        let built = |variable| {
            let named = env::var_os(variable).map(PathBuf::from);
            named.context("nothing is named: run the tests with `cargo xtask test`")
        };
        let (program, core) = (built("WEIRHOUSE_BIN")?, built("WEIRHOUSE_CORE_CWASM")?);
        train(&program, &core, &made("work"), &made("counts"))
    }
}

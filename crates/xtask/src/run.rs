//! `cargo xtask run`: builds Weirhouse as released and runs it in place of this program.

use std::ffi::OsStr;
use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::component;
use crate::progress::note;
use crate::release;
use crate::workspace::{Workspace, shown};

/// Builds, then runs: the demonstration, or with `--ha-url` a Home Assistant.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<ExitCode> {
    let component = component::build(workspace)?;
    let program = release::build(workspace)?;
    // The host looks for the core beside its own program.
    let core = program.with_file_name("weirhouse-core.cwasm");
    fs::copy(&component.cwasm, &core)
        .with_context(|| format!("cannot write {}", core.display()))?;

    let data = workspace.out_dir()?.join("run");
    fs::create_dir_all(&data).with_context(|| format!("cannot create {}", data.display()))?;
    let mut weirhouse = Command::new(program);
    weirhouse
        .args([
            OsStr::new(subcommand(arguments)),
            OsStr::new("--data-dir"),
            data.as_os_str(),
        ])
        .args(arguments);
    note(&shown(&weirhouse));
    replace(&mut weirhouse)
}

fn subcommand(arguments: &[String]) -> &'static str {
    let serves = arguments
        .iter()
        .any(|argument| argument == "--ha-url" || argument.starts_with("--ha-url="));
    if serves { "serve" } else { "demo" }
}

/// Becomes the command, so that Ctrl-C and termination reach it directly.
#[cfg(unix)]
fn replace(command: &mut Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    let error = command.exec();
    Err(error).with_context(|| format!("cannot run {}", shown(command)))
}

#[cfg(not(unix))]
fn replace(command: &mut Command) -> Result<ExitCode> {
    crate::workspace::run(command)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::subcommand;

    #[test]
    fn serves_only_where_a_home_assistant_is_named() {
        for (arguments, expected) in [
            (&[] as &[&str], "demo"),
            (&["--speed", "10"], "demo"),
            (&["--ha-url", "http://127.0.0.1:8123"], "serve"),
            (
                &["--log", "debug", "--ha-url=http://127.0.0.1:8123"],
                "serve",
            ),
        ] {
            let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
            assert_eq!(subcommand(&arguments), expected, "{arguments:?}");
        }
    }
}

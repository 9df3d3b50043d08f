//! `cargo xtask dist`: what the app's image installs.
//!
//! The image is made on its own base and architecture, and this runs there. For
//! another architecture it serves to try the app by emulation.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;

use crate::architecture::{Architecture, Programs};
use crate::component;
use crate::guided;
use crate::progress::{note, step};
use crate::workspace::{Workspace, run};

#[derive(Args)]
pub(crate) struct Options {
    /// Build for this architecture, by default this machine's; what is for another one goes to a folder named after it,
    /// such as `target/dist-aarch64`
    #[arg(long)]
    arch: Option<Architecture>,
}

/// Puts the program, its optimizer and the compiler of plugins into `target/dist`.
pub(crate) fn run_dist(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let architecture = options.arch.map_or_else(Architecture::own, Ok)?;
    let programs = Programs::of(workspace, architecture)?;
    let core = component::build_wasm(workspace)?;
    let program = program(workspace, &programs)?;
    // That of developers is built in less time, compiles for all architectures, and is more than twice as large.
    let compiler = step("building the compiler of plugins for the image", || {
        let features = ["--no-default-features"];
        programs.build(workspace, "weirhouse-compile", "compact", &features, &SMALL)
    })?;
    let folder = workspace.target.join(programs.folder());
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;

    let installed = folder.join("weirhouse");
    fs::copy(&program, &installed)
        .with_context(|| format!("cannot write {}", installed.display()))?;
    let installed_compiler = folder.join("weirhouse-compile");
    fs::copy(&compiler, &installed_compiler)
        .with_context(|| format!("cannot write {}", installed_compiler.display()))?;
    let optimizer = folder.join("weirhouse-core.cwasm");
    // One for another architecture does not run here, and compiles for its own only.
    let runs_here = match programs {
        Programs::Own => compiler,
        Programs::Other(..) => component::build(workspace)?.compiler,
    };
    compile(&runs_here, &core, &optimizer, &architecture.triple())?;
    for path in [installed, installed_compiler, optimizer] {
        let bytes = fs::metadata(&path)
            .with_context(|| format!("cannot read {}", path.display()))?
            .len();
        note(&format!(
            "{} ({} KiB)",
            path.display(),
            bytes.div_ceil(1024)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// The program as users get it.
pub(crate) fn program(workspace: &Workspace, programs: &Programs) -> Result<PathBuf> {
    let flags = [&SMALL[..], &RESIDENT].concat();
    // One for another architecture cannot be trained here.
    if matches!(programs, Programs::Own)
        && let Some(guided) = guided::build(workspace, "weirhouse", &flags)?
    {
        return Ok(guided);
    }
    step("building weirhouse for the image", || {
        programs.build(workspace, "weirhouse", "release", &[], &flags)
    })
}

/// Half a megabyte of relocations packed into some kilobytes: that is read, and stays resident, at each start. The loader
/// has known the form since glibc 2.36.
const SMALL: [&str; 2] = ["-C", "link-arg=-Wl,-z,pack-relative-relocs"];

/// What keeps a program small that is always resident. Of the C library it carries what it uses: the whole one would be
/// 2 MiB more. Functions are copied into their callers less readily: half a MiB, for no time that can be measured.
const RESIDENT: [&str; 4] = [
    "-C",
    "target-feature=+crt-static",
    "-C",
    "llvm-args=--inline-threshold=100",
];

/// Makes machine code for the baseline of an architecture: the image runs on other processors than this one.
fn compile(compiler: &Path, component: &Path, machine_code: &Path, triple: &str) -> Result<()> {
    run(Command::new(compiler)
        .arg(component)
        .arg("-o")
        .arg(machine_code)
        .args(["--target", triple]))
}

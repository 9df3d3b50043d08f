//! `cargo xtask component`: the core as a WebAssembly component, and its machine code for this machine.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::encoding;
use crate::fingerprint;
use crate::forwarding;
use crate::progress::{note, step};
use crate::wasm_target::{self, WasmTarget};
use crate::workspace::{Workspace, run};

/// What the command makes, and made it with.
pub(crate) struct Component {
    /// The component.
    pub(crate) wasm: PathBuf,
    /// Its machine code for this machine, which the host loads.
    pub(crate) cwasm: PathBuf,
    /// The program `weirhouse-compile`.
    pub(crate) compiler: PathBuf,
    /// How the target was provided, for others who compile for it.
    pub(crate) target: WasmTarget,
}

/// Builds the component alone, if it is not up to date.
pub(crate) fn build_wasm(workspace: &Workspace) -> Result<PathBuf> {
    let target = WasmTarget::provide(workspace)?;
    Ok(make_wasm(workspace, &target, &CORE)?.0)
}

/// Builds whatever is not up to date.
pub(crate) fn build(workspace: &Workspace) -> Result<Component> {
    let target = WasmTarget::provide(workspace)?;
    let (wasm, encoded) = make_wasm(workspace, &target, &CORE)?;

    // A child process, so that neither this program nor the host carries the code generator.
    step("building the compiler of components", || {
        run(workspace
            .cargo("build")
            .args(["--profile", "tool", "--package", "weirhouse-compile"]))
    })?;
    let compiler = workspace
        .target
        .join("tool")
        .join(format!("weirhouse-compile{}", std::env::consts::EXE_SUFFIX));
    let cwasm = wasm.with_extension("cwasm");
    let translated = make_cwasm(&compiler, &wasm, &cwasm, &[])?;

    for (path, new) in [(&wasm, encoded), (&cwasm, translated)] {
        let bytes = fs::metadata(path)
            .with_context(|| format!("cannot read {}", path.display()))?
            .len();
        let state = if new { "made" } else { "up to date" };
        note(&format!(
            "{} ({} KiB, {state})",
            path.display(),
            bytes.div_ceil(1024)
        ));
    }
    Ok(Component {
        wasm,
        cwasm,
        compiler,
        target,
    })
}

/// A way to build the core.
struct Variant {
    /// Name of the product, without its extension.
    name: &'static str,
    /// What is being built, for the progress line.
    what: &'static str,
    /// The folder below the target folder that cargo builds it in; variants in one folder would
    /// overwrite each other.
    folder: &'static str,
    features: &'static [&'static str],
}

const CORE: Variant = Variant {
    name: "core",
    what: "building the core for WebAssembly",
    folder: "",
    features: &[],
};

const FAULTY: Variant = Variant {
    name: "faulty",
    what: "building the core with faults on demand, for tests",
    folder: "fault-injection",
    features: &["--features", "fault-injection"],
};

/// Machine code of a core that commits faults on demand, for tests of what surrounds it.
pub(crate) fn build_faulty(workspace: &Workspace, component: &Component) -> Result<PathBuf> {
    let (wasm, _) = make_wasm(workspace, &component.target, &FAULTY)?;
    let cwasm = wasm.with_extension("cwasm");
    make_cwasm(&component.compiler, &wasm, &cwasm, &[])?;
    Ok(cwasm)
}

/// Machine code of the core that counts its instructions, for tests of what calls cost.
pub(crate) fn build_counting(component: &Component) -> Result<PathBuf> {
    let cwasm = component.wasm.with_file_name("counting.cwasm");
    make_cwasm(
        &component.compiler,
        &component.wasm,
        &cwasm,
        &["--counting"],
    )?;
    Ok(cwasm)
}

/// Builds and encodes one variant; says whether it was made anew.
fn make_wasm(
    workspace: &Workspace,
    target: &WasmTarget,
    variant: &Variant,
) -> Result<(PathBuf, bool)> {
    let folder = workspace.target.join(variant.folder);
    step(variant.what, || {
        run(target
            .cargo(workspace, "build", "weirhouse-component")
            .arg("--release")
            .args(variant.features)
            .arg("--target-dir")
            .arg(&folder))
    })?;
    let module = folder
        .join(wasm_target::NAME)
        .join("release/weirhouse_component.wasm");
    let wasm = workspace
        .out_dir()?
        .join(variant.name)
        .with_extension("wasm");
    let made = fingerprint::make(&wasm, &[&module], forwarding::HOW, || {
        step("encoding the component", || encode(&module, &wasm))
    })?;
    Ok((wasm, made))
}

/// Compiles a component for this machine; says whether that was needed.
fn make_cwasm(compiler: &Path, wasm: &Path, cwasm: &Path, options: &[&str]) -> Result<bool> {
    fingerprint::make(cwasm, &[wasm, compiler], &cpu_features(), || {
        step("compiling the component for this machine", || {
            run(std::process::Command::new(compiler)
                .arg(wasm)
                .arg("-o")
                .arg(cwasm)
                .args(options))
        })
    })
}

/// What the machine code may rely on: a target folder can outlive the machine it was filled on.
fn cpu_features() -> String {
    let description = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = |line: &&str| line.starts_with("flags") || line.starts_with("Features");
    format!(
        "{} {}",
        std::env::consts::ARCH,
        description.lines().find(flags).unwrap_or_default()
    )
}

/// Makes a component of the core's module, and checks that it is closed.
fn encode(module: &Path, component: &Path) -> Result<()> {
    let encoded = encoding::encode(module)?;
    let imports = encoding::imports(&encoded)?;
    if !imports.is_empty() {
        bail!(
            "the core must be closed, but its component imports {}",
            imports.join(", ")
        );
    }
    let encoded = forwarding::forward(&encoded)?;
    fs::write(component, encoded).with_context(|| format!("cannot write {}", component.display()))
}

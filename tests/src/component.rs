//! Where the built component is.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

/// The precompiled core: the file that `WEIRHOUSE_CORE_CWASM` names, else
/// `target/weirhouse/core.cwasm` of this workspace.
pub fn path() -> Result<PathBuf> {
    built("WEIRHOUSE_CORE_CWASM", "weirhouse/core.cwasm")
}

/// The precompiled core that commits faults on demand: the file that
/// `WEIRHOUSE_FAULTY_CWASM` names, else `target/weirhouse/faulty.cwasm`.
pub fn faulty_path() -> Result<PathBuf> {
    built("WEIRHOUSE_FAULTY_CWASM", "weirhouse/faulty.cwasm")
}

/// The precompiled core that counts its instructions: the file that
/// `WEIRHOUSE_COUNTING_CWASM` names, else `target/weirhouse/counting.cwasm`.
pub fn counting_path() -> Result<PathBuf> {
    built("WEIRHOUSE_COUNTING_CWASM", "weirhouse/counting.cwasm")
}

/// The bench `instructions` of the core, as released: the file that
/// `WEIRHOUSE_INSTRUCTIONS` names.
pub fn instructions_path() -> Result<PathBuf> {
    std::env::var_os("WEIRHOUSE_INSTRUCTIONS")
        .map(PathBuf::from)
        .context("WEIRHOUSE_INSTRUCTIONS names nothing: run the tests with `cargo xtask test`")
}

/// The program, built for debugging.
pub fn program_path() -> Result<PathBuf> {
    built("WEIRHOUSE_BIN", "debug/weirhouse")
}

fn built(variable: &str, in_target: &str) -> Result<PathBuf> {
    let path = std::env::var_os(variable).map_or_else(
        || {
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../target")
                .join(in_target)
        },
        PathBuf::from,
    );
    ensure!(
        path.exists(),
        "{} is not built: run the tests with `cargo xtask test`, or name the file in {variable}",
        path.display()
    );
    Ok(path)
}

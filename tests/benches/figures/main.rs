//! First figures of speed and size, as ratios measured side by side in one run.
//!
//! Run it with `cargo xtask bench`, which builds everything it needs. Each
//! figure is the least of several interleaved rounds: noise only ever adds.
//! Nothing here can fail for being slow.

#![allow(
    clippy::unwrap_used,
    reason = "a call that fails while it is measured may only end the bench"
)]

mod cache;
mod first_level;
mod frames;
mod passage;
mod process;
mod python;
mod readings;
mod rounds;

use std::path::PathBuf;

use anyhow::{Context, Result};
use weirhouse_runner::{Component, Engine};
use weirhouse_tests::native::Native;

fn main() -> Result<()> {
    let core = path("WEIRHOUSE_CORE_CWASM")?;
    let program = path("WEIRHOUSE_BIN")?;
    let engine = Engine::new()?;
    readings::empty_call(&mut Component::load(&engine, &core)?);
    readings::by_batch(&mut Component::load(&engine, &core)?, 2_000)?;
    readings::against_python(&mut Component::load(&engine, &core)?, 2_000)?;
    readings::by_entities(&|| Ok(Box::new(Component::load(&engine, &core)?)))?;
    frames::by_frame(
        &mut Component::load(&engine, &core)?,
        &mut Native::new(),
        2_000,
    )?;
    first_level::measure(&engine, &core)?;
    cache::measure(&mut Component::load(&engine, &core)?)?;
    process::measure(&engine, &core, &program)
}

fn path(variable: &str) -> Result<PathBuf> {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .with_context(|| format!("{variable} is not set; run `cargo xtask bench`"))
}

//! Plugins that are built as their authors build them: the examples, and those made for tests.
//!
//! `cargo xtask plugins` builds them; this reads only `WEIRHOUSE_PLUGINS`, which `cargo xtask test` sets.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::skip::skip;

/// The component of a plugin, such as `presence-pace` or `hostile-loop`; says why the test is skipped if there is none.
pub fn find_or_skip(name: &str) -> Result<Option<PathBuf>> {
    let Some(folder) = env::var_os("WEIRHOUSE_PLUGINS") else {
        skip("needs plugins: WEIRHOUSE_PLUGINS is not set; `cargo xtask test` sets it")?;
        return Ok(None);
    };
    let component = Path::new(&folder).join(format!("{name}.wasm"));
    if component.exists() {
        return Ok(Some(component));
    }
    let reason = env::var("WEIRHOUSE_PLUGINS_MISSING")
        .unwrap_or_else(|_| format!("there is no {}", component.display()));
    skip(&format!("needs the plugin {name}: {reason}"))?;
    Ok(None)
}

/// The folder that an example is made from.
pub fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples/plugins")
        .join(name)
}

/// The folder that `weirhouse plugin new --lang LANGUAGE` writes from.
pub fn template(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crates/host/src/plugins/templates")
        .join(language)
}

/// The folder of the interface of plugins.
pub fn interface() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit/plugin")
}

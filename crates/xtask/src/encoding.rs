//! Components from modules that `wit-bindgen` has put their world into, and what components want of their host.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use wit_component::{ComponentEncoder, DecodedWasm};
use wit_parser::{Resolve, TypeDefKind, WorldItem, WorldKey};

/// Makes a component of a module; fails if it would export nothing.
pub(crate) fn encode(module: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    let encoded = ComponentEncoder::default()
        .validate(true)
        .module(&bytes)
        .and_then(ComponentEncoder::encode)
        .with_context(|| {
            format!(
                "cannot make a component of {}: does it export its world?",
                module.display()
            )
        })?;
    if world(&encoded)?.1.exports.is_empty() {
        bail!(
            "the component exports nothing: {} does not export its world",
            module.display()
        );
    }
    Ok(encoded)
}

/// Names of what a host would have to supply; interfaces that hold only types are not among them.
pub(crate) fn imports(component: &[u8]) -> Result<Vec<String>> {
    let (resolve, world) = world(component)?;
    Ok(world
        .imports
        .iter()
        .filter_map(|(key, item)| needed_import(&resolve, key, item))
        .collect())
}

fn world(component: &[u8]) -> Result<(Resolve, wit_parser::World)> {
    match wit_component::decode(component).context("cannot read the component back")? {
        DecodedWasm::Component(resolve, world) => {
            let world = resolve.worlds[world].clone();
            Ok((resolve, world))
        }
        DecodedWasm::WitPackage(..) => bail!("it holds only WIT, no code"),
    }
}

fn needed_import(resolve: &Resolve, key: &WorldKey, item: &WorldItem) -> Option<String> {
    let is_resource = |id| matches!(resolve.types[id].kind, TypeDefKind::Resource);
    let needed = match item {
        WorldItem::Function(_) => true,
        WorldItem::Type { id, .. } => is_resource(*id),
        WorldItem::Interface { id, .. } => {
            let interface = &resolve.interfaces[*id];
            !interface.functions.is_empty() || interface.types.values().any(|id| is_resource(*id))
        }
    };
    needed.then(|| resolve.name_world_key(key))
}

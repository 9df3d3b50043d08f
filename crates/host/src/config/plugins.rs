//! What the configuration says of plugins.

use weirhouse_runner::plugin::Capability;

use super::document::Value;
use super::fields::{Fields, flag, text, texts};
use super::{Config, Fault};
use crate::plugins::{Entry, is_name};

/// All `[[plugin]]`.
pub(super) fn plugins(
    config: &mut Config,
    tables: Vec<Fields<'_>>,
    faults: &mut Vec<Fault>,
) -> Vec<Entry> {
    let mut plugins: Vec<Entry> = Vec::with_capacity(tables.len());
    for mut fields in tables {
        let mut plugin = Entry::new("");
        fields.set("name", faults, &mut plugin.name, text);
        fields.set("enabled", faults, &mut plugin.enabled, flag);
        fields.set("grant", faults, &mut plugin.granted, capabilities);
        if let Some(settings) = fields.take("set", faults, settings) {
            plugin.settings = settings.into_iter().collect();
        }
        if plugin.name.is_empty() {
            faults
                .push(fields.wrong("has no `name`; `weirhouse plugin list` names those there are"));
        } else if !is_name(&plugin.name) {
            faults.push(fields.wrong(
                "has a `name` that no plugin can have: they are lower-case letters, digits and hyphens",
            ));
        } else if plugins.iter().any(|it| it.name == plugin.name) {
            faults.push(fields.wrong("is the second of its `name`; say all of a plugin in one"));
        }
        fields.finish(config, faults);
        plugins.push(plugin);
    }
    plugins
}

/// The parts of one text separated by commas, or of several.
fn parts(value: &Value) -> Result<Vec<String>, String> {
    let texts = texts(value)?;
    let parts = texts.iter().flat_map(|text| text.split(','));
    let parts = parts.map(|part| part.trim().to_owned());
    Ok(parts.filter(|part| !part.is_empty()).collect())
}

fn capabilities(value: &Value) -> Result<Vec<String>, String> {
    let parts = parts(value)?;
    match parts.iter().find(|it| Capability::from_name(it).is_none()) {
        None => Ok(parts),
        Some(other) => Err(format!(
            "grants `{other}`, which there is not; there are log, settings, entities and store"
        )),
    }
}

fn settings(value: &Value) -> Result<Vec<(String, String)>, String> {
    let pair = |part: String| {
        let pair = part.split_once('=');
        pair.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
    };
    let pairs: Option<Vec<_>> = parts(value)?.into_iter().map(pair).collect();
    pairs.ok_or_else(|| "must be texts such as \"wander=2\"".to_owned())
}

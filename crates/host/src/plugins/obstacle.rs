//! Why a plugin does not work.

use std::path::Path;

use weirhouse_runner::plugin::Package;

use super::register::Entry;
use super::status::{PluginState, PluginStatus};

/// What keeps a plugin from working, if anything; `taken` is its name if another
/// file has it.
pub fn obstacle(
    package: &Package,
    entry: &Entry,
    sha256: &str,
    taken: bool,
) -> Option<(PluginState, Option<String>)> {
    let name = &package.description().name;
    let refused = |message: String| Some((PluginState::Refused, Some(message)));
    if !is_name(name) {
        return refused(format!(
            "it calls itself {name:?}; a name has lower-case letters, digits and hyphens, at most 40"
        ));
    }
    if taken {
        return refused("another file is a plugin of the same name".to_owned());
    }
    if !entry.enabled {
        return Some((PluginState::Disabled, None));
    }
    if let Err(unknown) = package.needs() {
        return refused(format!(
            "it needs {}, which there is not",
            unknown.join(", ")
        ));
    }
    let lacking = lacking(package, entry);
    if !lacking.is_empty() {
        let list = lacking.join(",");
        let message = format!("grant it what it needs: weirhouse plugin grant {name} {list}");
        return Some((PluginState::NeedsGrants, Some(message)));
    }
    let quarantine = entry.quarantine.as_ref().filter(|it| it.sha256 == sha256)?;
    let message = format!("since {}: {}", quarantine.since, quarantine.fault);
    Some((PluginState::Quarantined, Some(message)))
}

/// What a plugin needs, as far as there is such, and is not granted.
pub fn lacking(package: &Package, entry: &Entry) -> Vec<String> {
    let granted = entry.capabilities();
    let needs = package.needs().unwrap_or_default();
    let lacking = needs.iter().filter(|it| !granted.contains(it));
    lacking.map(ToString::to_string).collect()
}

/// A plugin that does not work, by what it says of itself.
pub(super) fn described(package: &Package, sha256: &str) -> PluginStatus {
    let description = package.description();
    let needs = package.needs().unwrap_or_default();
    PluginStatus {
        version: description.version.clone(),
        summary: description.summary.clone(),
        author: description.author.clone(),
        licence: description.licence.clone(),
        functions: description.functions.clone(),
        needs: needs.iter().map(ToString::to_string).collect(),
        ..PluginStatus::unknown(&description.name, sha256)
    }
}

/// A file that is of no use.
pub(super) fn unusable(path: &Path, sha256: &str, message: String) -> PluginStatus {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    PluginStatus {
        message: Some(message),
        ..PluginStatus::unknown(&stem, sha256)
    }
}

/// Whether a plugin may be called that: it becomes the name of files.
pub fn is_name(name: &str) -> bool {
    let fine = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-';
    !name.is_empty() && name.len() <= 40 && name.chars().all(fine)
}

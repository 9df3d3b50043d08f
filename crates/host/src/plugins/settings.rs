//! Settings of plugins: what users write over what plugins list.

use std::collections::BTreeMap;

use weirhouse_runner::plugin::Package;
use weirhouse_runner::plugin::wit::about::Setting;

/// The settings of a plugin: what the user wrote over its defaults.
pub fn settings(package: &Package, written: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let listed = package.description().settings.iter();
    let value = |it: &Setting| {
        let value = written.get(&it.name).unwrap_or(&it.default);
        (it.name.clone(), value.clone())
    };
    listed.map(value).collect()
}

/// What is wrong with a setting that a user wrote, if anything: the plugin has
/// none of that name, or it is of another kind. Without a value, only the name
/// counts.
pub fn wrong_setting(package: &Package, name: &str, value: Option<&str>) -> Option<String> {
    let listed = &package.description().settings;
    let Some(known) = listed.iter().find(|it| it.name == name) else {
        let names: Vec<&str> = listed.iter().map(|it| it.name.as_str()).collect();
        return Some(if names.is_empty() {
            format!("it has no setting `{name}`, nor any other")
        } else {
            format!("it has no setting `{name}`; it has: {}", names.join(", "))
        });
    };
    let value = value?;
    let fine = match known.kind.as_str() {
        "number" => value.parse().is_ok_and(f64::is_finite),
        "flag" => ["true", "false"].contains(&value),
        _ => true,
    };
    let example = match known.kind.as_str() {
        "flag" => "; it is true or false",
        _ => "",
    };
    (!fine).then(|| {
        format!(
            "`{name}` is a {}, and `{value}` is none{example}",
            known.kind
        )
    })
}

/// All that is wrong with what a user wrote, in a sentence.
pub(super) fn wrong_settings(
    package: &Package,
    written: &BTreeMap<String, String>,
) -> Option<String> {
    let wrong = written.iter();
    let wrong = wrong.filter_map(|(name, value)| wrong_setting(package, name, Some(value)));
    let wrong: Vec<String> = wrong.collect();
    (!wrong.is_empty()).then(|| wrong.join("; "))
}

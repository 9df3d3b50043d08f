//! Whether plugins that were built for a released WIT go on to run.
//!
//! `wit/released/plugin-X.Y.Z` is `wit/plugin` as it was released. As long as the version is compatible, what runs by the one
//! must run by the other: the host may offer more, and ask for more that may be missing, and that is all.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use wit_component::semver_check;
use wit_parser::{PackageId, PackageName, Resolve, WorldId, WorldItem, WorldKey};

use crate::workspace::Workspace;

/// The world that the host binds. It looks for each export by itself, so that a newer one may be missing; the exports of
/// every other world are what authors must supply.
const OF_THE_HOST: &str = "plugin";

/// Holds `wit/plugin` against every release that it is compatible with; gives the folders of those.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let wit = workspace.root.join("wit");
    let current = wit.join("plugin");
    let all = wit.join("released");
    let mut checked = Vec::new();
    for entry in fs::read_dir(&all).with_context(|| format!("cannot read {}", all.display()))? {
        let released = entry?.path();
        let compared = compare(&released, &current).with_context(|| {
            format!(
                "{} must run what was built for {}",
                current.display(),
                released.display()
            )
        })?;
        if compared {
            checked.push(released);
        }
    }
    Ok(checked)
}

/// Fails if a plugin that was built for `released` may not run by `current`; false if that was never promised.
fn compare(released: &Path, current: &Path) -> Result<bool> {
    let (mut before, before_package) = read(released)?;
    let (mut both, now_package) = read(current)?;
    let version = |resolve: &Resolve, package: PackageId| {
        let name = &resolve.packages[package].name;
        let version = name.version.clone();
        version.with_context(|| format!("the package {name} names no version"))
    };
    let released_version = version(&before, before_package)?;
    let version = version(&both, now_package)?;
    let named = released.file_name().unwrap_or_default().to_string_lossy();
    ensure!(
        named.ends_with(&format!("-{released_version}")),
        "{named} holds version {released_version}"
    );
    let compatible = released_version.major == version.major
        && (version.major > 0 || released_version.minor == version.minor);
    if !compatible {
        return Ok(false);
    }

    // Two packages of one name and version could not stand side by side.
    set_apart(&mut before, before_package);
    let map = both.merge(before).context("cannot compare the two")?;
    let before_package = map.packages[before_package.index()];
    let worlds = both.packages[before_package].worlds.clone();
    for (name, before) in &worlds {
        let Some(now) = both.packages[now_package].worlds.get(name).copied() else {
            bail!("the world {name} is gone");
        };
        check_world(&both, *before, now).with_context(|| format!("the world {name}"))?;
        if released_version == version {
            check_world(&both, now, *before).with_context(|| {
                format!("the world {name} has more than version {version}: raise the version")
            })?;
        }
    }
    if released_version == version && worlds.len() < both.packages[now_package].worlds.len() {
        bail!("there are more worlds than in version {version}: raise the version");
    }
    Ok(true)
}

/// Fails if what is of the shape of the world `before` may not do where the world `now` is wanted.
fn check_world(resolve: &Resolve, before: WorldId, now: WorldId) -> Result<()> {
    let mut resolve = resolve.clone();
    let exported = exports(&resolve, before);
    let exported_now = exports(&resolve, now);
    for (name, functions) in &exported {
        // A host that does not call it any more is as good as one that cannot.
        let Some((_, functions_now)) = exported_now.iter().find(|(now, _)| now == name) else {
            bail!("the export {name} is gone");
        };
        if let Some(gone) = functions.iter().find(|name| !functions_now.contains(name)) {
            bail!("the function {gone} of the export {name} is gone");
        }
    }
    if resolve.worlds[now].name == OF_THE_HOST {
        let mut wanted = resolve.worlds[now].exports.clone();
        wanted.retain(|key, _| {
            let name = export_name(&resolve, key);
            exported.iter().any(|(before, _)| *before == name)
        });
        resolve.worlds[now].exports = wanted;
    }
    semver_check(resolve, before, now)
}

/// The exports of a world by name, each with the names of its functions.
fn exports(resolve: &Resolve, world: WorldId) -> Vec<(String, Vec<String>)> {
    resolve.worlds[world]
        .exports
        .iter()
        .map(|(key, item)| {
            let functions = match item {
                WorldItem::Interface { id, .. } => {
                    resolve.interfaces[*id].functions.keys().cloned().collect()
                }
                WorldItem::Function(_) | WorldItem::Type { .. } => Vec::new(),
            };
            (export_name(resolve, key), functions)
        })
        .collect()
}

/// Without package and version.
fn export_name(resolve: &Resolve, key: &WorldKey) -> String {
    match key {
        WorldKey::Name(name) => name.clone(),
        WorldKey::Interface(id) => resolve.interfaces[*id].name.clone().unwrap_or_default(),
    }
}

fn read(folder: &Path) -> Result<(Resolve, PackageId)> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(folder)?;
    Ok((resolve, package))
}

/// Takes the version from a package, so that it is another one than that of the same name.
fn set_apart(resolve: &mut Resolve, package: PackageId) {
    let versioned = resolve.packages[package].name.clone();
    let name = PackageName {
        version: None,
        ..versioned.clone()
    };
    resolve.packages[package].name = name.clone();
    resolve.package_names.shift_remove(&versioned);
    resolve.package_names.insert(name, package);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares a release of version 0.1.0 to what it became by edits: file, text, and what replaces it.
    fn after(edits: &[(&str, &str, &str)]) -> Result<bool> {
        let scratch = tempfile::tempdir().unwrap();
        let released = scratch.path().join("plugin-0.1.0");
        let current = scratch.path().join("plugin");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/released/plugin-0.1.0");
        for folder in [&released, &current] {
            fs::create_dir(folder).unwrap();
            for entry in fs::read_dir(&source).unwrap() {
                let file = entry.unwrap().path();
                fs::copy(&file, folder.join(file.file_name().unwrap())).unwrap();
            }
        }
        for (file, text, replaced) in edits {
            let path = current.join(file);
            let before = fs::read_to_string(&path).unwrap_or_default();
            assert!(before.contains(text), "{file} has no {text:?}");
            fs::write(&path, before.replacen(text, replaced, 1)).unwrap();
        }
        compare(&released, &current)
    }

    const NEWER: (&str, &str, &str) = (
        "world.wit",
        "package weirhouse:plugin@0.1.0",
        "package weirhouse:plugin@0.1.1",
    );

    fn refused(edits: &[(&str, &str, &str)], expected: &str) {
        let error = format!("{:#}", after(edits).unwrap_err());
        assert!(error.contains(expected), "{error}");
    }

    const MORE_OF_LOG: (&str, &str, &str) = (
        "log.wit",
        "  /// Writes one line",
        "  @since(version = 0.1.0)\n  flush: func();\n\n  /// Writes one line",
    );

    #[test]
    fn the_same_is_compatible() {
        assert!(after(&[]).unwrap());
        assert!(after(&[NEWER]).unwrap());
    }

    #[test]
    fn the_host_may_offer_more() {
        assert!(after(&[NEWER, MORE_OF_LOG]).unwrap(), "another function");
        let interface = (
            "world.wit",
            "  import store;",
            "  import store;\n  @since(version = 0.1.1)\n  import clock;",
        );
        let clock = (
            "clock.wit",
            "",
            "@since(version = 0.1.1)\ninterface clock {\n  @since(version = 0.1.1)\n  now: func() -> u64;\n}\n",
        );
        assert!(after(&[NEWER, interface, clock]).unwrap());
    }

    #[test]
    fn the_host_may_look_for_another_export_that_authors_need_not_have() {
        let forecast = (
            "forecast.wit",
            "",
            "@since(version = 0.1.1)\ninterface forecast {\n  @since(version = 0.1.1)\n  next: func() -> f64;\n}\n",
        );
        let host = (
            "world.wit",
            "  export state;",
            "  export state;\n  @since(version = 0.1.1)\n  export forecast;",
        );
        assert!(after(&[NEWER, forecast, host]).unwrap());
        let authors = (
            "world.wit",
            "  export judge;",
            "  export judge;\n  @since(version = 0.1.1)\n  export forecast;",
        );
        refused(&[NEWER, forecast, authors], "the world judging");
    }

    #[test]
    fn what_is_there_does_not_change() {
        let cases = [
            (
                "a record grows",
                "types.wit",
                "readings: u32,",
                "readings: u32,\n    silent: u32,",
            ),
            (
                "a field of another type",
                "interval.wit",
                "changes-per-hour: f64",
                "changes-per-hour: f32",
            ),
            (
                "a variant grows",
                "judge.wit",
                "    suppress,",
                "    suppress,\n    hold,",
            ),
            (
                "an enum grows",
                "log.wit",
                "    debug,",
                "    debug,\n    trace,",
            ),
            (
                "another parameter",
                "settings.wit",
                "get: func(name: string)",
                "get: func(name: string, home: string)",
            ),
            (
                "another result",
                "store.wit",
                "-> option<list<u8>>",
                "-> list<u8>",
            ),
        ];
        for (what, file, text, replaced) in cases {
            let error = after(&[NEWER, (file, text, replaced)]).expect_err(what);
            let error = format!("{error:#}");
            assert!(error.contains("not semver-compatible"), "{what}: {error}");
        }
    }

    #[test]
    fn nothing_goes() {
        refused(
            &[
                NEWER,
                (
                    "world.wit",
                    "  @since(version = 0.1.0)\n  import store;\n",
                    "",
                ),
            ],
            "the world services",
        );
        refused(
            &[NEWER, ("store.wit", "delete: func", "remove: func")],
            "the world services",
        );
        refused(
            &[
                NEWER,
                (
                    "world.wit",
                    "  @since(version = 0.1.0)\n  export state;\n",
                    "",
                ),
            ],
            "the export state is gone",
        );
        refused(
            &[NEWER, ("state.wit", "  restore: func", "  resume: func")],
            "the function restore of the export state is gone",
        );
        refused(
            &[
                NEWER,
                ("world.wit", "world keeping {", "world holding {"),
                ("world.wit", "include keeping;", "include holding;"),
            ],
            "the world keeping is gone",
        );
    }

    #[test]
    fn what_is_new_has_a_newer_version() {
        refused(&[MORE_OF_LOG], "raise the version");
    }

    #[test]
    fn another_minor_version_before_1_promises_nothing() {
        let breaking = ("world.wit", "plugin@0.1.0;", "plugin@0.2.0;");
        let changed = ("types.wit", "readings: u32,", "readings: u64,");
        assert!(!after(&[breaking, changed]).unwrap());
    }
}

//! What the Supervisor reads in `addon/`, held against its rules and against
//! the program it installs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use weirhouse_tests::program::run;
use weirhouse_tests::skip;

const LANGUAGES: [&str; 6] = ["en", "de", "fr", "it", "nl", "es"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text(name: &str) -> Result<String> {
    let path = root().join(name);
    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

fn yaml(name: &str) -> Result<Value> {
    serde_saphyr::from_str(&text(name)?).with_context(|| format!("{name} is no YAML"))
}

fn app() -> Result<Value> {
    yaml("addon/config.yaml")
}

#[test]
fn the_version_is_the_same_everywhere() -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(app()?["version"], version);
    let changelog = text("addon/CHANGELOG.md")?;
    let newest = changelog.lines().find_map(|line| line.strip_prefix("## "));
    assert_eq!(newest, Some(version));
    assert!(text("addon/Dockerfile")?.contains(&format!("BUILD_VERSION={version}\n")));
    Ok(())
}

/// The Supervisor takes every file of such a name for another app.
#[test]
fn no_other_file_is_named_like_an_apps_configuration() -> Result<()> {
    fn look(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_folder = entry.file_type()?.is_dir();
            if is_folder && !name.starts_with('.') && name != "target" && name != "node_modules" {
                look(&entry.path(), found)?;
            } else if ["config.yaml", "config.yml", "config.json"].contains(&name.as_str()) {
                found.push(entry.path());
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    look(&root(), &mut found)?;
    assert_eq!(found, [root().join("addon/config.yaml")]);
    Ok(())
}

#[test]
fn it_asks_for_no_more_than_it_needs() -> Result<()> {
    let app = app()?;
    let keys: BTreeSet<&str> = app
        .as_object()
        .context("no mapping")?
        .keys()
        .map(String::as_str)
        .collect();
    // Each of these lowers the rating or is shown as a permission.
    for refused in [
        "hassio_api",
        "hassio_role",
        "auth_api",
        "docker_api",
        "full_access",
        "host_network",
        "host_pid",
        "host_ipc",
        "host_dbus",
        "host_uts",
        "privileged",
        "devices",
        "kernel_modules",
        "usb",
        "gpio",
        "watchdog",
        "webui",
    ] {
        assert!(!keys.contains(refused), "{refused}");
    }
    // Where users put plugins, and no other folder.
    assert_eq!(
        app["map"],
        json!([{ "type": "app_config", "read_only": true }])
    );
    // What says the default is refused by the linter of the community.
    for (key, default) in [
        ("boot", json!("auto")),
        ("stage", json!("stable")),
        ("init", json!(true)),
        ("ingress_port", json!(8099)),
        ("ingress_entry", json!("/")),
        ("panel_admin", json!(true)),
        ("startup", json!("application")),
        ("backup", json!("hot")),
        ("timeout", json!(10)),
        ("apparmor", json!(true)),
    ] {
        assert_ne!(app[key], default, "{key} says the default");
    }
    assert_eq!(
        app["ports"],
        json!({ "8098/tcp": null }),
        "published by nobody but the user"
    );
    assert_eq!(rating(&app, root().join("addon/apparmor.txt").is_file()), 8);
    Ok(())
}

/// The Supervisor's rating from 1 to 8, for an app that asks for none of what
/// the test above refuses.
fn rating(app: &Value, has_profile: bool) -> i32 {
    let ingress = if app["ingress"] == true { 2 } else { 0 };
    5 + ingress + i32::from(has_profile)
}

/// Names of options with those of their fields.
fn options(schema: &Value) -> Result<Vec<(String, Vec<String>)>> {
    let schema = schema.as_object().context("the schema is no mapping")?;
    let fields = |shape: &Value| {
        let shape = shape.get(0).unwrap_or(shape);
        shape
            .as_object()
            .map(|fields| fields.keys().cloned().collect())
            .unwrap_or_default()
    };
    let options = schema.iter();
    Ok(options
        .map(|(name, shape)| (name.clone(), fields(shape)))
        .collect())
}

#[test]
fn every_option_is_explained_in_every_language() -> Result<()> {
    let app = app()?;
    for language in LANGUAGES {
        let file = yaml(&format!("addon/translations/{language}.yaml"))?;
        let explained = &file["configuration"];
        let is_explained = |entry: &Value, what: &str| -> Result<()> {
            for part in ["name", "description"] {
                let said = entry[part].as_str().unwrap_or_default();
                ensure!(!said.trim().is_empty(), "{language}: {part} of {what}");
            }
            Ok(())
        };
        let options = options(&app["schema"])?;
        assert_eq!(
            explained.as_object().map(serde_json::Map::len),
            Some(options.len()),
            "{language}"
        );
        for (option, fields) in options {
            is_explained(&explained[&option], &option)?;
            let said = &explained[&option]["fields"];
            assert_eq!(
                said.as_object().map_or(0, serde_json::Map::len),
                fields.len(),
                "{language} {option}"
            );
            for field in fields {
                is_explained(&said[&field], &format!("{option}.{field}"))?;
            }
        }
        ensure!(
            file["network"]["8098/tcp"].is_string(),
            "{language}: the port"
        );
    }
    Ok(())
}

/// Whether the Supervisor lets this be left out: single values that say so, and lists of such. No group and no list of
/// groups can, whatever is in them.
fn is_optional(shape: &Value) -> bool {
    let shape = shape.get(0).unwrap_or(shape);
    shape.as_str().is_some_and(|shape| shape.ends_with('?'))
}

/// Options are checked at every start, those of the app itself included: one that lacks something never starts.
#[test]
fn the_supervisor_starts_it_with_its_own_options() -> Result<()> {
    fn complete(schema: &Value, options: &Value, of: &str) -> Result<()> {
        for (name, shape) in schema.as_object().context("the schema is no mapping")? {
            let option = options.get(name);
            if is_optional(shape) {
                ensure!(option.is_none(), "{of}{name} is optional and has a default");
                continue;
            }
            let option = option.with_context(|| format!("{of}{name} lacks a default"))?;
            ensure!(
                shape.is_array() == option.is_array() && shape.is_object() == option.is_object(),
                "{of}{name} is {option}"
            );
            if shape.is_object() {
                complete(shape, option, &format!("{of}{name}."))?;
            }
        }
        Ok(())
    }
    let app = app()?;
    complete(&app["schema"], &app["options"], "")
}

/// What the form accepts for one field, as examples.
fn accepted(shape: &str) -> Vec<Value> {
    let shape = shape.trim_end_matches('?');
    if let Some(words) = shape
        .strip_prefix("list(")
        .and_then(|it| it.strip_suffix(')'))
    {
        return words.split('|').map(|word| json!(word)).collect();
    }
    if shape.starts_with("match(") && shape.contains("settings") {
        return vec![json!("log"), json!("settings, store")];
    }
    if shape.starts_with("match(") && shape.contains('=') {
        return vec![json!("wander=2"), json!("wander=2, name=x")];
    }
    if shape.starts_with("match(") && shape.contains(":[0-5]") {
        return vec![json!("00:00"), json!("23:59")];
    }
    if shape.starts_with("match(") && shape.contains('%') {
        return vec![json!("2%"), json!("0.5%")];
    }
    if shape.starts_with("match(") {
        return vec![json!("90s"), json!("1h 30m")];
    }
    match shape {
        "bool" => vec![json!(true), json!(false)],
        "int(1,)" => vec![json!(1), json!(500)],
        "float(0,)" => vec![json!(0), json!(0.5)],
        _ => Vec::new(),
    }
}

/// Whether the program takes these options as the Supervisor writes them.
fn check(folder: &Path, options: &Value) -> Result<()> {
    let path = folder.join("options.json");
    fs::write(&path, options.to_string())?;
    let path = path.display().to_string();
    let checked = run(&["config", "check", &path])?;
    ensure!(
        checked.status.success(),
        "{options}: {}",
        String::from_utf8_lossy(&checked.stderr)
    );
    Ok(())
}

#[test]
fn the_program_takes_whatever_the_form_takes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let app = app()?;
    check(folder.path(), &app["options"])?;
    let fields = |option: &str, of: &Value| -> Vec<(String, Vec<Value>)> {
        let shape = of[option].get(0).unwrap_or(&of[option]);
        let fields = shape.as_object().into_iter().flatten();
        fields
            .map(|(name, shape)| (name.clone(), accepted(shape.as_str().unwrap_or_default())))
            .collect()
    };
    let schema = &app["schema"];
    for presets in accepted(schema["presets"].as_str().context("presets")?) {
        check(folder.path(), &json!({ "presets": presets }))?;
    }
    for group in ["log", "mqtt"] {
        for (field, values) in fields(group, schema) {
            for value in values {
                check(folder.path(), &json!({ group: { &field: value } }))?;
            }
        }
    }
    for (field, values) in fields("rule", schema) {
        for value in values {
            // Some say how a threshold is applied, and need one.
            let mut rule = json!({ "entity": "sensor.*", "absolute": 0.5 });
            rule[&field] = value;
            check(folder.path(), &json!({ "rule": [rule] }))?;
        }
    }
    for named in ["domain", "device_class"] {
        let rule = json!({ named: "sensor", "attribute": "brightness", "absolute": 2 });
        check(folder.path(), &json!({ "rule": [rule] }))?;
    }
    for (field, values) in fields("refresh", schema) {
        for value in values {
            let mut refresh = json!({ "entity": "sensor.meter" });
            refresh[&field] = value;
            match field.as_str() {
                "volatility" => refresh["class"] = json!("weather"),
                "shortest" => refresh["longest"] = json!("1d"),
                "longest" => refresh["shortest"] = json!("30s"),
                _ => {}
            }
            check(folder.path(), &json!({ "refresh": [refresh] }))?;
        }
    }
    for (field, values) in fields("budget", schema) {
        for value in values {
            let mut budget = json!({ "name": "cloud", "per_day": 50 });
            budget[&field] = value;
            let refresh = json!({ "entity": "sensor.meter", "budget": "cloud" });
            let options = json!({ "budget": [budget], "refresh": [refresh] });
            check(folder.path(), &options)?;
        }
    }
    for (field, values) in fields("plugin", schema) {
        for value in values {
            let mut plugin = json!({ "name": "kalman-power" });
            plugin[&field] = value;
            check(folder.path(), &json!({ "plugin": [plugin] }))?;
        }
    }
    Ok(())
}

/// All sources of the program and of what it shows.
fn sources(folder: &Path, all: &mut String) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, all)?;
        } else if let Ok(text) = fs::read_to_string(&path) {
            *all += &text;
        }
    }
    Ok(())
}

#[test]
fn what_users_look_up_is_what_the_program_says() -> Result<()> {
    let mut said = String::new();
    for part in ["crates/host/src", "crates/hass/src"] {
        sources(&root().join(part), &mut said)?;
    }
    let docs = text("addon/DOCS.md")?;
    let (_, table) = docs
        .split_once("## When something is wrong")
        .context("there is no table of symptoms")?;
    let symptoms = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let symptoms: Vec<&str> = symptoms
        .filter_map(|line| line.split_once('`'))
        .map(|(symptom, _)| symptom)
        .collect();
    ensure!(symptoms.len() > 10, "only {} symptoms", symptoms.len());
    for symptom in symptoms {
        assert!(said.contains(symptom), "nothing says `{symptom}`");
    }
    Ok(())
}

#[test]
fn every_field_of_a_rule_is_explained() -> Result<()> {
    let docs = text("addon/DOCS.md")?;
    let row = docs.lines().find(|line| line.starts_with("| Rules |"));
    let row = row.context("rules are not explained")?;
    let app = app()?;
    let fields = app["schema"]["rule"][0].as_object();
    for field in fields.context("there are no rules")?.keys() {
        assert!(row.contains(&format!("`{field}")), "{field} is not there");
    }
    Ok(())
}

#[test]
fn the_pictures_have_the_sizes_of_the_store() -> Result<()> {
    for (name, width, height) in [("icon.png", 128, 128), ("logo.png", 250, 100)] {
        let bytes = fs::read(root().join("addon").join(name))?;
        ensure!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"), "{name} is no PNG");
        let number = |at: usize| {
            let bytes = bytes[at..at + 4].try_into();
            bytes.map(u32::from_be_bytes)
        };
        assert_eq!((number(16)?, number(20)?), (width, height), "{name}");
    }
    Ok(())
}

#[test]
fn the_profile_is_accepted() -> Result<()> {
    let profile = text("addon/apparmor.txt")?;
    let names: Vec<&str> = profile
        .lines()
        .filter_map(|line| line.strip_prefix("profile "))
        .collect();
    assert_eq!(names.len(), 1, "the Supervisor renames exactly one profile");
    assert!(names[0].starts_with("weirhouse "));
    let compiled = Command::new("apparmor_parser")
        .args(["--skip-kernel-load", "--skip-cache", "--skip-read-cache"])
        .arg(root().join("addon/apparmor.txt"))
        .output();
    let Ok(compiled) = compiled else {
        return skip::skip("apparmor_parser is not installed");
    };
    ensure!(
        compiled.status.success(),
        "{}",
        String::from_utf8_lossy(&compiled.stderr)
    );
    Ok(())
}

/// The numbers of the architectures in the machine code's own header (ELF).
fn machine(arch: &str) -> Result<u16> {
    match arch {
        "amd64" => Ok(62),
        "aarch64" => Ok(183),
        other => anyhow::bail!("{other} has no number here"),
    }
}

#[test]
fn the_optimizer_can_be_made_for_every_machine_of_the_app() -> Result<()> {
    let app = app()?;
    let compiler = std::env::var_os("WEIRHOUSE_COMPILE").context("run by `cargo xtask test`")?;
    let component = std::env::var_os("WEIRHOUSE_CORE_WASM").context("run by `cargo xtask test`")?;
    let folder = tempfile::tempdir()?;
    for arch in app["arch"].as_array().context("no list")? {
        let arch = arch.as_str().context("no text")?;
        let cpu = if arch == "amd64" { "x86_64" } else { arch };
        let made = folder.path().join(arch);
        let output = Command::new(&compiler)
            .arg(&component)
            .arg("-o")
            .arg(&made)
            .args(["--target", &format!("{cpu}-unknown-linux-gnu")])
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arch}: {said}");
        let header = fs::read(&made)?;
        assert_eq!(&header[..4], b"\x7fELF", "{arch}");
        assert_eq!(
            u16::from_le_bytes([header[18], header[19]]),
            machine(arch)?,
            "{arch}"
        );
    }
    Ok(())
}

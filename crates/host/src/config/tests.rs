//! Files of all kinds, right and wrong.

mod cache;
mod verified;

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;
use crate::hub::Refresh;

/// Every key there is.
const COMPLETE: &str = r#"
presets = false

[api]
listen = "0.0.0.0:9000"
allow_hosts = ["hub.lan"]
cors_origins = ["https://dashboard.lan:8443"]
requests_per_second = 50
burst = 100

[home_assistant]
url = "http://homeassistant.local:8123"
token_file = "ha.token"

[log]
level = "warn"
format = "json"
[log.modules]
store = "debug"

[default_rule]
absolute = 0.5
percentage = "1 %"
combine = "any"
max_age = "15m"
settle = "10s"
publishing = "exact"
zero_crossing = true
levels = [18, 24.5]
total = false
learn = true

[batching]
window = "250ms"
max = 20
flush_on_full = true
capacity = 1000
overflow = "drop-new"

[cache]
entries = 500
bytes = "8 MiB"
value_bytes = 65536
memory_life = "1m"
disk_life = "1d"
levels = "memory-only"
eviction = "w-tiny-lfu"
disk_entries = 100
disk_bytes = "1 MiB"
stale_while_revalidate = "1m"
stale_if_error = "1h"
negative_life = "30s"
lease = "10s"
refresh_ahead = "20%"
refresh_ahead_reads = 5

[[namespace]]
name = "weather"
disk_life = "2d"

[[rule]]
entity = "sensor.power_*"
absolute = 5

[[rule]]
domain = ["sensor", "number"]
device_class = "temperature"
attribute = "offset"
absolute = 0.2

[[refresh]]
entity = "sensor.meter"
every = "60s"

[[refresh]]
entity = "weather.home"
class = "weather"
volatility = "low"

[[refresh]]
entity = "sensor.tank"
shortest = "5m"
longest = "6h"

[[budget]]
name = "forecast"
per_day = 50
per_minute = 2
reserve = "10%"
resets = "06:30"
night_from = "22:00"
night_to = "05:00"
night_weight = 0.2

[[refresh]]
entity = "sensor.solar_today"
budget = "forecast"
longest = "12h"
weight = 3
"#;

fn read(content: &str) -> Result<Config, Faults> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    fs::write(&path, content).unwrap();
    Config::read(&[path])
}

#[test]
fn a_file_with_everything_is_taken() {
    let config = read(COMPLETE).unwrap();
    assert_eq!(config.api.listen, "0.0.0.0:9000".parse().unwrap());
    assert_eq!(config.api.rate_limit.burst, 100);
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.hub.default_rule.percentage, Some(0.01));
    assert_eq!(config.hub.default_rule.max_age, Some(900_000_000));
    assert_eq!(config.hub.rules.len(), 2);
    assert_eq!(config.hub.rules[1].conditions.domains, ["sensor", "number"]);
    let cache = config.hub.cache.unwrap();
    assert_eq!((cache.max_bytes, cache.capacity), (8 << 20, 500));
    let fetch = config.hub.fetch.unwrap();
    assert_eq!(fetch.stale.if_error, 3_600_000_000);
    assert_eq!(fetch.negative_life, Some(30_000_000));
    let ahead = fetch.refresh_ahead.unwrap();
    assert_eq!((ahead.share, ahead.least_reads), (0.2, 5));
    let meter = Refresh::Every(Duration::from_mins(1));
    assert_eq!(config.hub.refresh[0], ("sensor.meter".to_owned(), meter));
    let (name, budget) = &config.hub.budgets[0];
    assert_eq!((name.as_str(), budget.per_day), ("forecast", Some(50)));
    assert_eq!((budget.reserve, budget.reset_minute), (0.1, 390));
    let night = budget.night.unwrap();
    assert_eq!((night.from_minute, night.to_minute), (1_320, 300));
    match &config.hub.refresh[3].1 {
        Refresh::Planned {
            budget,
            bounds,
            weight,
        } => {
            assert_eq!((budget.as_str(), *weight), ("forecast", 3.0));
            assert_eq!(bounds.shortest, 60_000_000);
            assert_eq!(bounds.longest, 12 * 3_600_000_000);
        }
        other => panic!("{other:?}"),
    }
    match config.origin("rule[2].absolute") {
        Some(Origin::File(path, Some(line))) => {
            assert!(path.ends_with(FILE));
            let text = COMPLETE.lines().nth(line - 1).unwrap();
            assert_eq!(text, "absolute = 0.2");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_shown_is_a_file_that_makes_the_same() {
    for content in ["", COMPLETE] {
        let config = read(content).unwrap();
        let shown = config.show();
        let again = read(&shown).unwrap_or_else(|faults| panic!("{faults}\n{shown}"));
        let values = |text: &str| -> Vec<String> {
            let values = text.lines().map(|line| line.split("  #").next().unwrap());
            values.map(|value| value.trim_end().to_owned()).collect()
        };
        assert_eq!(values(&again.show()), values(&shown));
    }
    let content = "[api]\nburst = 7\n[log.modules]\nstore = \"debug\"\n";
    let shown = read(content).unwrap().show();
    let line = |key: &str| shown.lines().find(|line| line.starts_with(key)).unwrap();
    assert!(line("burst").ends_with("weirhouse.toml:2"), "{shown}");
    assert!(line("store").ends_with("weirhouse.toml:4"), "{shown}");
    assert!(line("listen").ends_with("# default"), "{shown}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of mistakes")]
fn every_fault_is_named_with_its_line_and_what_is_accepted() {
    for (content, line, words) in [
        (
            "[api]\nlisten = 8098",
            2,
            "`api.listen` must be an IP address with a port, such as \"127.0.0.1:8098\", not 8098",
        ),
        ("[api]\n\nlisten = \"localhost:1\"", 3, "`api.listen`"),
        (
            "[api]\nlissten = \"127.0.0.1:1\"",
            2,
            "`api.lissten` is unknown; perhaps `listen` is meant; accepted here: listen, ",
        ),
        ("[apl]", 1, "perhaps `api` is meant"),
        ("[zzz]", 1, "`zzz` is unknown; accepted here: api, "),
        ("presets = 1", 1, "`presets` must be true or false, not 1"),
        ("[api]\nburst = 0", 2, "from 1 to 1000000, not 0"),
        ("[api]\nburst = 1.5", 2, "whole number"),
        ("[api]\ncors_origins = [\"*\"]", 2, "list of origins"),
        ("[log]\nlevel = \"dbug\"", 2, "(perhaps \"debug\")"),
        (
            "[log.modules]\nsture = \"info\"",
            2,
            "perhaps `store` is meant",
        ),
        (
            "[log.modules]\nstore = \"loud\"",
            2,
            "`log.modules.store` must be one of",
        ),
        ("[default_rule]\nabsolute = -1", 2, "at least 0"),
        ("[default_rule]\nabsolute = nan", 2, "at least 0"),
        ("[default_rule]\npercentage = \"many\"", 2, "\"1%\""),
        ("[default_rule]\nsettle = 10", 2, "with its unit"),
        ("[default_rule]\nlevels = [1, \"a\"]", 2, "list of numbers"),
        ("[[rule]]\nabsolute = 1", 1, "[default_rule]"),
        ("[[rule]]\ndomain = \"Sensor\"", 2, "must be a domain"),
        ("[rule]\nabsolute = 1", 1, "[[rule]]"),
        ("[[plugin]]\nname = \"Two Words\"", 1, "lower-case letters"),
        ("rule = [1]", 1, "`rule[1]` must be a table"),
        (
            "[[refresh]]\nentity = \"meter\"\nevery = \"60s\"",
            2,
            "entity id",
        ),
        (
            "[[refresh]]\nentity = \"sensor.meter\"",
            1,
            "either `every`",
        ),
        (
            "[[refresh]]\nentity = \"sensor.meter\"\nclass = \"wether\"",
            3,
            "(perhaps \"weather\")",
        ),
        (
            "[batching]\noverflow = \"drop\"",
            2,
            "\"drop-oldest\", \"drop-new\"",
        ),
        ("[cache]\nbytes = \"8 MiBi\"", 2, "\"16 MiB\""),
        ("[cache]\nbytes = 1979-05-27", 2, "not a date"),
        (
            "[cache]\nrefresh_ahead_reads = 5",
            2,
            "without `refresh_ahead`",
        ),
        ("[[budget]]\nper_day = 5", 1, "must have a `name`"),
        ("[[budget]]\nname = \"a\"", 1, "`per_day` or `per_minute`"),
        ("[[budget]]\nname = \"a\"\nper_day = 0", 3, "from 1 to"),
        (
            "[[budget]]\nname = \"a\"\nper_day = 5\nresets = \"24:00\"",
            4,
            "\"22:30\"",
        ),
        (
            "[[budget]]\nname = \"a\"\nper_day = 5\nnight_from = \"22:00\"",
            1,
            "`night_to`",
        ),
        (
            "[[budget]]\nname = \"a\"\nper_day = 5\n[[budget]]\nname = \"a\"\nper_day = 6",
            5,
            "called \"a\" already",
        ),
        (
            "[[refresh]]\nentity = \"sensor.a\"\nbudget = \"cloud\"",
            3,
            "no [[budget]] called \"cloud\"",
        ),
        (
            "[[refresh]]\nentity = \"sensor.a\"\nshortest = \"5m\"",
            1,
            "`shortest` with `longest`",
        ),
        (
            "[[refresh]]\nentity = \"sensor.a\"\nevery = \"5m\"\nweight = 2",
            4,
            "a `budget`",
        ),
        ("a = 1\na = 2", 2, "duplicate"),
        ("[api\n", 1, ""),
    ] {
        is_named(content, line, words);
    }
}

#[test]
fn what_a_start_would_refuse_or_never_use_is_a_fault() {
    for (content, line, words) in [
        (
            "[api]\nallow_hosts = [\"hub.lan:8098\"]",
            2,
            "list of host names",
        ),
        (
            "[home_assistant]\nurl = \"homeassistant.local\"",
            2,
            "`home_assistant.url`: \"homeassistant.local\" is not a Home Assistant URL",
        ),
        (
            "[home_assistant]\n\nclients_url = \"http://me:word@ha\"",
            3,
            "`home_assistant.clients_url`: \"http://…@ha\" is not",
        ),
        (
            "[[rule]]\nentity = \"sensor.a, sensor.b\"",
            2,
            "`rule[1].entity` must be an entity id",
        ),
        (
            "[[rule]]\nentity = [\"sensor.a\", \"Sensor.*\"]",
            2,
            "a glob",
        ),
        (
            "[[refresh]]\nentity = \"sensor.a\"\nevery = \"60s\"\nvolatility = \"low\"",
            4,
            "`refresh[1].volatility`: it says how often a `class`",
        ),
        (
            "[[refresh]]\nentity = \"sensor.a\"\nevery = \"60s\"\n[[refresh]]\nentity = \"sensor.a\"\nclass = \"gps\"",
            5,
            "`refresh[2].entity`: another [[refresh]] names sensor.a already",
        ),
    ] {
        is_named(content, line, words);
    }
}

/// Fails unless one of the faults is at this line and says these words.
fn is_named(content: &str, line: usize, words: &str) {
    let faults = read(content).unwrap_err();
    let named = faults
        .0
        .iter()
        .any(|fault| fault.line == Some(line) && fault.to_string().contains(words));
    assert!(
        named,
        "{content:?} should name line {line} and {words:?}: {faults}"
    );
    assert!(faults.to_string().contains(FILE), "{faults}");
}

#[test]
fn all_faults_are_told_at_once() {
    let faults = read("[log]\nlevel = 1\n[api]\nburst = 0\nx = 1\n").unwrap_err();
    let lines: Vec<_> = faults.0.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [Some(2), Some(4), Some(5)], "{faults}");
}

#[test]
fn later_files_replace_earlier_ones_value_by_value() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(FILE), COMPLETE).unwrap();
    let options = r#"{"api": {"burst": 7, "listen": null}, "presets": true,
        "default_rule": {"absolute": 2}, "rule": [{"entity": "sensor.a", "settle": "1s"}]}"#;
    fs::write(folder.path().join(OPTIONS), options).unwrap();
    let files = Config::files(None, folder.path());
    assert_eq!(files.len(), 2);
    let config = Config::read(&files).unwrap();
    assert_eq!(config.api.rate_limit.burst, 7);
    assert_eq!(config.api.rate_limit.per_second, 50);
    assert!(config.hub.presets);
    let rule = &config.hub.default_rule;
    assert_eq!((rule.absolute, rule.percentage), (Some(2.0), Some(0.01)));
    assert_eq!(
        (rule.settle, &*rule.levels),
        (Some(10_000_000), &[18.0, 24.5][..])
    );
    // Lists are replaced as a whole, and their rules rest on nothing.
    assert_eq!(config.hub.rules.len(), 1);
    assert_eq!(config.hub.rules[0].rule.absolute, None);
    let origin = config.origin("api.burst").unwrap().to_string();
    assert!(origin.ends_with(OPTIONS), "{origin}");

    fs::write(folder.path().join(OPTIONS), r#"{"api": {"burst": "x"}}"#).unwrap();
    let faults = Config::read(&files).unwrap_err().to_string();
    assert!(
        faults.contains("options.json: `api.burst` must be"),
        "{faults}"
    );
    fs::write(folder.path().join(OPTIONS), "{\n").unwrap();
    let faults = Config::read(&files).unwrap_err().to_string();
    assert!(faults.contains("options.json:"), "{faults}");
}

#[test]
fn files_are_named_from_the_folder_of_the_file_that_names_them() {
    let folder = tempfile::tempdir().unwrap();
    let (file, options) = (
        folder.path().join(FILE),
        folder.path().join("sub").join(OPTIONS),
    );
    fs::create_dir(folder.path().join("sub")).unwrap();
    fs::write(
        &file,
        "[home_assistant]\ntoken_file = \"keys/ha.token\"\n[mqtt]\npassword_file = \"/run/word\"\n",
    )
    .unwrap();
    let read = |files: &[PathBuf]| {
        let config = Config::read(files).unwrap();
        let files = [config.home_assistant.token_file, config.mqtt.password_file];
        files.map(Option::unwrap)
    };
    let token = folder.path().join("keys/ha.token");
    assert_eq!(
        read(std::slice::from_ref(&file)),
        [token.clone(), "/run/word".into()]
    );
    fs::write(&options, r#"{"mqtt": {"password_file": "word"}}"#).unwrap();
    let word = folder.path().join("sub/word");
    assert_eq!(read(&[file, options]), [token, word]);
}

#[test]
fn files_that_are_none_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none.toml");
    let faults = Config::read(std::slice::from_ref(&missing)).unwrap_err();
    assert!(faults.to_string().contains("none.toml"), "{faults}");
    let binary = folder.path().join("binary.toml");
    fs::write(&binary, b"a = 1\nb = \"\xff\"\n").unwrap();
    let faults = Config::read(&[binary]).unwrap_err().to_string();
    assert!(
        faults.contains("binary.toml:2: it is not UTF-8"),
        "{faults}"
    );
    let huge = folder.path().join("huge.toml");
    fs::write(&huge, vec![b'\n'; (1 << 20) + 1]).unwrap();
    let faults = Config::read(&[huge]).unwrap_err().to_string();
    assert!(faults.contains("at most"), "{faults}");
}

#[test]
fn what_stands_in_place_of_a_file_is_not_taken_for_none() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Config::files(None, folder.path()).is_empty());
    for name in [FILE, OPTIONS] {
        let path = folder.path().join(name);
        let refused = |words: &str| {
            let files = Config::files(None, folder.path());
            assert_eq!(files, std::slice::from_ref(&path), "{words}");
            let faults = Config::read(&files).unwrap_err().to_string();
            assert!(faults.contains(name) && faults.contains(words), "{faults}");
        };
        fs::create_dir(&path).unwrap();
        refused("it is a folder");
        fs::remove_dir(&path).unwrap();
        symlink(folder.path().join("nowhere"), &path).unwrap();
        refused("it cannot be read");
        fs::remove_file(&path).unwrap();
        symlink(&path, &path).unwrap();
        refused("it cannot be read");
        fs::remove_file(&path).unwrap();
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR, 0).unwrap();
        refused("it is a pipe");
        fs::remove_file(&path).unwrap();
    }
}

/// What people read. Its block of all keys is a file, examples included.
const DOCUMENT: &str = include_str!("../../../../docs/configuration.md");

#[test]
fn the_documented_keys_are_those_that_are_read_and_their_defaults_are_true() {
    let (_, block) = DOCUMENT.split_once("## All keys").unwrap();
    let lines = block.lines().filter_map(|line| line.strip_prefix("    "));
    let defaults: Vec<&str> = lines.take_while(|line| !line.starts_with("[[")).collect();
    let documented = read(&defaults.join("\n")).unwrap();
    let values = |config: &Config| -> Vec<String> {
        let shown = config.show();
        let lines = shown
            .lines()
            .map(|line| line.split("  #").next().unwrap().trim_end());
        lines.map(str::to_owned).collect()
    };
    assert_eq!(values(&documented), values(&Config::default()));
    // The values that may stand there are named beside the key.
    let (_, modules) = block.split_once("# store = \"debug\"").unwrap();
    let modules = modules.lines().next().unwrap().trim_start();
    assert_eq!(
        modules,
        format!("# {}", MODULES.map(|(name, _)| name).join(", "))
    );
    // Every key of the complete file is in the document.
    for line in COMPLETE.lines() {
        let key = line.split(" = ").next().unwrap();
        if line.contains(" = ") {
            assert!(
                block.contains(&format!("{key} = ")),
                "{key} is not documented"
            );
        }
    }
}

//! `weirhouse plugin` as its users type it, beside a service that runs.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use weirhouse::plugins::{Folder, Installed, Quarantine, RegisterLock};
use weirhouse_tests::program::{PATIENCE, Program, run};
use weirhouse_tests::{component, plugin};

/// Runs `weirhouse plugin …` on a data folder; gives both outputs.
fn command(data: &Path, arguments: &[&str]) -> Result<String> {
    let data = data.display().to_string();
    let all = [&["plugin"], arguments, &["--data-dir", &data]].concat();
    let output = run(&all)?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said)?;
    ensure!(output.status.success(), "{arguments:?}: {said}");
    Ok(said)
}

/// Waits until a running service says of a plugin what is wanted.
fn wait_for(service: &Program, name: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    let began = Instant::now();
    loop {
        let listed = service.json("/v1/plugins")?;
        let plugins = listed["plugins"].as_array().context("a list")?;
        match plugins.iter().find(|it| it["name"] == name) {
            Some(plugin) if wanted(plugin) => return Ok(plugin.clone()),
            other if began.elapsed() > PATIENCE * 2 => bail!("{name}: {other:?}"),
            _ => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

#[test]
fn a_plugin_is_installed_granted_set_quarantined_released_and_removed() -> Result<()> {
    let (Some(kalman), Some(trap)) = (
        plugin::find_or_skip("kalman-power")?,
        plugin::find_or_skip("hostile-trap")?,
    ) else {
        return Ok(());
    };
    component::path()?;
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let arguments = ["--entities", "40", "--rate", "200"];
    let service = Program::start("demo", &data, &arguments)?;

    let kalman = kalman.display().to_string();
    let said = command(&data, &["install", &kalman, "--grant", "settings"])?;
    assert!(
        said.contains("weirhouse plugin grant kalman-power entities"),
        "{said}"
    );
    wait_for(&service, "kalman-power", |it| it["state"] == "needs-grants")?;
    command(&data, &["grant", "kalman-power", "entities"])?;
    let working = wait_for(&service, "kalman-power", |it| {
        it["advised"].as_u64() > Some(20)
    })?;
    assert_eq!(working["state"], "working");
    assert_eq!(working["faults"], json!([]));
    command(&data, &["set", "kalman-power", "wander=3"])?;
    let refused = command(&data, &["set", "kalman-power", "wander=much"]);
    let refused = refused.unwrap_or_else(|error| error.to_string());
    assert!(refused.contains("`wander` is a number"), "{refused}");

    // The same through the API.
    let path = "/v1/plugins/kalman-power";
    for (settings, expected) in [
        (
            json!({"wander": "much"}),
            "`wander` is a number, and `much` is none",
        ),
        (
            json!({"wonder": "1"}),
            "it has no setting `wonder`; it has: ",
        ),
    ] {
        let body = json!({"settings": settings, "enabled": false}).to_string();
        let refused = service.patch(path, body.as_bytes())?;
        assert_eq!(refused.status, 400);
        assert!(refused.text().contains(expected), "{}", refused.text());
    }
    let fine = service.patch(path, br#"{"settings": {"wander": "2.5"}}"#)?;
    assert_eq!(fine.status, 204, "{}", fine.text());
    wait_for(&service, "kalman-power", |it| it["state"] == "working")?;

    // Put to rest, and back to work.
    let listed = command(&data, &["list", "--json"])?;
    let listed: Value = serde_json::from_str(listed.lines().next().context("a line")?)?;
    assert_eq!(listed["granted"], json!(["settings", "entities"]));
    command(&data, &["disable", "kalman-power"])?;
    wait_for(&service, "kalman-power", |it| it["state"] == "disabled")?;
    command(&data, &["enable", "kalman-power", "--first"])?;
    wait_for(&service, "kalman-power", |it| it["state"] == "working")?;

    // One that claims nothing that reports is never asked, and never fails; its
    // snapshot does.
    command(&data, &["install", &trap.display().to_string()])?;
    wait_for(&service, "hostile-trap", |it| it["state"] == "working")?;
    command(&data, &["remove", "hostile-trap"])?;
    let began = Instant::now();
    while service.json("/v1/plugins")?["plugins"]
        .as_array()
        .map(Vec::len)
        != Some(1)
    {
        ensure!(began.elapsed() < PATIENCE, "it is still listed");
        std::thread::sleep(Duration::from_millis(50));
    }
    let metrics = service.get("/metrics")?.text();
    assert!(
        metrics.contains("weirhouse_plugin_working{plugin=\"kalman-power\"} 1"),
        "{metrics}"
    );
    assert_eq!(service.stop()?, 0);
    let learned = data.join("plugins/state/kalman-power.learned");
    let learned = std::fs::read_to_string(learned)?;
    assert!(learned.starts_with("kalman-power 1\nsensor."), "{learned}");

    // It goes on where it was.
    let service = Program::start("demo", &data, &arguments)?;
    wait_for(&service, "kalman-power", |it| it["state"] == "working")?;
    assert_eq!(service.stop()?, 0);
    Ok(())
}

#[test]
fn a_plugin_is_known_by_its_name_whatever_its_file_is_called() -> Result<()> {
    let (Some(kalman), Some(pinned)) = (
        plugin::find_or_skip("kalman-power")?,
        plugin::find_or_skip("pinned-0.1.0")?,
    ) else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let plugins = data.join("plugins");
    std::fs::create_dir_all(&plugins)?;
    let meter = plugins.join("Meter in the cellar (2).wasm");
    std::fs::copy(&kalman, &meter)?;
    let other = plugins.join("kalman-power-old.wasm");
    std::fs::copy(&pinned, &other)?;
    let outside = folder.path().join("x.wasm");
    std::fs::write(&outside, "somebody's")?;

    let listed = |data: &Path| -> Result<Vec<Value>> {
        let listed = command(data, &["list", "--json"])?;
        Ok(listed
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()?)
    };
    let absolute = folder.path().join("x").display().to_string();
    for (name, expected) in [
        ("../../x", "no plugin can be called that"),
        (absolute.as_str(), "no plugin can be called that"),
        (
            "kalman-power.wasm",
            "named without `.wasm`, such as `kalman-power`",
        ),
        // That is a file's name, and the plugin in it is another.
        ("kalman-power-old", "there is no plugin `kalman-power-old`"),
    ] {
        for action in [&["remove"][..], &["disable"], &["quarantine", "release"]] {
            let refused = command(&data, &[action, &[name]].concat());
            let refused = refused.unwrap_or_else(|error| error.to_string());
            assert!(refused.contains(expected), "{action:?} {name}: {refused}");
        }
    }
    assert!(outside.exists() && other.exists() && meter.exists());
    assert_eq!(listed(&data)?.len(), 2);
    assert!(!plugins.join("register.json").exists(), "nothing was said");

    command(&data, &["grant", "kalman-power", "settings,entities"])?;
    command(&data, &["set", "kalman-power", "wander=3"])?;
    let refused = command(&data, &["set", "kalman-power", "wonder=3"]);
    let refused = refused.unwrap_or_else(|error| error.to_string());
    assert!(refused.contains("it has no setting `wonder`"), "{refused}");
    command(&data, &["disable", "kalman-power"])?;
    let all = listed(&data)?;
    let row = all.iter().find(|it| it["name"] == "kalman-power");
    assert_eq!(row.context("a row")?["state"], "disabled");
    command(&data, &["remove", "kalman-power"])?;
    assert!(!meter.exists() && other.exists());
    let again = command(&data, &["remove", "kalman-power"]);
    let again = again.unwrap_or_else(|error| error.to_string());
    assert!(
        again.contains("there is no plugin `kalman-power`"),
        "{again}"
    );
    Ok(())
}

#[test]
fn a_plugin_that_was_switched_off_and_on_is_tried_again() -> Result<()> {
    let Some(kalman) = plugin::find_or_skip("kalman-power")? else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let kalman = kalman.display().to_string();
    command(&data, &["install", &kalman, "--grant", "settings,entities"])?;
    let plugins = Folder::new(data.join("plugins"));
    let sha256 = Installed::at(&plugins.place("kalman-power"))?.sha256;
    RegisterLock::take(&plugins)?.change(|register| {
        register.entry("kalman-power").quarantine = Some(Quarantine {
            fault: "made up".to_owned(),
            since: "2026-11-01T12:00:00+00:00".to_owned(),
            sha256,
        });
    })?;
    let state = || -> Result<Value> {
        let listed: Value = serde_json::from_str(&command(&data, &["list", "--json"])?)?;
        Ok(listed["state"].clone())
    };
    assert_eq!(state()?, "quarantined");
    command(&data, &["enable", "kalman-power"])?;
    assert_eq!(state()?, "quarantined", "it was on all the time");
    command(&data, &["disable", "kalman-power"])?;
    assert_eq!(state()?, "disabled");
    command(&data, &["enable", "kalman-power"])?;
    assert_eq!(state()?, "enabled");
    Ok(())
}

#[test]
fn the_list_and_a_running_service_say_the_same_of_files_that_cannot_work() -> Result<()> {
    let Some(kalman) = plugin::find_or_skip("kalman-power")? else {
        return Ok(());
    };
    component::path()?;
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let plugins = data.join("plugins");
    std::fs::create_dir_all(&plugins)?;
    for name in ["meter", "meter-again"] {
        std::fs::copy(&kalman, plugins.join(name).with_extension("wasm"))?;
    }
    std::fs::write(plugins.join("broken.wasm"), "no component")?;
    let unreadable = plugins.join("unreadable.wasm");
    std::fs::copy(&kalman, &unreadable)?;
    std::fs::set_permissions(&unreadable, Permissions::from_mode(0o000))?;
    // Root may read it all the same.
    let is_unreadable = std::fs::read(&unreadable).is_err();
    if !is_unreadable {
        std::fs::remove_file(&unreadable)?;
    }
    command(&data, &["grant", "kalman-power", "settings,entities"])?;

    let listed = command(&data, &["list", "--json"])?;
    let listed: Vec<Value> = listed
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let service = Program::start("demo", &data, &["--entities", "4"])?;
    wait_for(&service, "kalman-power", |it| it["state"] == "working")?;
    let answer = service.json("/v1/plugins")?;
    let told = answer["plugins"].as_array().context("a list")?;
    assert_eq!(listed.len(), told.len(), "{listed:?}");
    let said = |row: &Value, message: &str| {
        let refused = row["state"] == "refused";
        let message = row[message].as_str().unwrap_or_default();
        let message = message.rsplit(".wasm: ").next().unwrap_or_default();
        refused.then(|| format!("{} {message}", row["name"]))
    };
    let mut here: Vec<_> = listed
        .iter()
        .filter_map(|row| said(row, "summary"))
        .collect();
    let mut there: Vec<_> = told.iter().filter_map(|row| said(row, "message")).collect();
    here.sort();
    there.sort();
    assert_eq!(here, there);
    assert_eq!(here.len(), if is_unreadable { 3 } else { 2 });
    assert!(
        here.iter().any(|it| it.contains("of the same name")),
        "{here:?}"
    );

    let metrics = service.get("/metrics")?.text();
    let series = metrics.lines().filter_map(|line| line.rsplit_once(' '));
    let mut series: Vec<&str> = series.map(|(series, _)| series).collect();
    series.retain(|it| it.starts_with("weirhouse_plugin"));
    let all = series.len();
    series.sort_unstable();
    series.dedup();
    assert_eq!(series.len(), all, "{metrics}");
    assert!(
        metrics.contains("weirhouse_plugin_working{plugin=\"kalman-power\"} 1"),
        "{metrics}"
    );
    assert_eq!(service.stop()?, 0);
    Ok(())
}

#[test]
fn a_file_is_looked_at_tried_and_measured_before_it_is_installed() -> Result<()> {
    let Some(kalman) = plugin::find_or_skip("kalman-power")? else {
        return Ok(());
    };
    component::path()?;
    let folder = tempfile::tempdir()?;
    let kalman = kalman.display().to_string();
    let plugin = |arguments: &[&str]| -> Result<String> {
        let output = run(&[&["plugin"], arguments].concat())?;
        let said = [output.stdout, output.stderr].concat();
        Ok(String::from_utf8(said)?)
    };
    let inspected: Value = serde_json::from_str(&plugin(&["inspect", &kalman, "--json"])?)?;
    assert_eq!(inspected["imports"], json!(["settings", "entities"]));
    let checked = plugin(&["check", &kalman])?;
    assert!(checked.contains("ok: it kept to its limits"), "{checked}");
    let trace = Path::new(env!("CARGO_MANIFEST_DIR")).join("traces/demo_and_noisy_sensors.jsonl");
    let trace = trace.display().to_string();
    let golden = folder.path().join("golden").display().to_string();
    let test = ["test", &kalman, "--trace", &trace, "--golden", &golden];
    let first = plugin(&[&test[..], &["--no-presets"]].concat())?;
    assert!(first.contains("suppress   noise"), "{first}");
    let again = plugin(&[&test[..], &["--no-presets"]].concat())?;
    assert_eq!(again, first, "the same every time");
    let other = plugin(&test)?;
    assert!(other.contains("this is not what"), "{other}");
    let Some(pinned) = weirhouse_tests::plugin::find_or_skip("pinned-0.1.0")? else {
        return Ok(());
    };
    let trace = folder.path().join("trace.jsonl");
    let lines = [
        r#"{"weirhouse_trace":1,"source":"by hand","started":"2026-01-01T00:00:00+00:00"}"#,
        r#"{"t":0,"e":"sensor.pinned_a","s":"10"}"#,
        r#"{"t":1000,"e":"sensor.pinned_a","s":"11"}"#,
        r#"{"t":2000,"e":"sensor.pinned_a","s":"20"}"#,
    ];
    std::fs::write(&trace, lines.join("\n"))?;
    let (pinned, trace) = (pinned.display().to_string(), trace.display().to_string());
    let table = plugin(&["test", &pinned, "--trace", &trace, "--no-presets"])?;
    for expected in [
        "       1  publish    moved",
        "       1  suppress   hardly moved",
    ] {
        assert!(table.contains(expected), "the first is nobody's: {table}");
    }
    let bench = plugin(&["bench", &kalman])?;
    assert!(bench.contains("built-in policy"), "{bench}");
    Ok(())
}

#[test]
fn what_is_wrong_with_a_file_is_said_in_a_sentence() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let nothing = folder.path().join("nothing.wasm");
    std::fs::write(&nothing, b"not WebAssembly")?;
    for (name, expected) in [
        ("hostile-wrong-world", "so it is no plugin"),
        ("hostile-wrong-version", "this program runs 0.1.1"),
        ("hostile-many-claims", "there may be 256"),
        ("hostile-loop", "it ran past its deadline"),
        ("hostile-memory", "it panicked or ran out of memory"),
        ("hostile-nan", "`judge` replaced"),
        ("hostile-miscount", "was asked about 256"),
        ("hostile-columns", "`judge-numbers` was asked about"),
        ("", "it is no WebAssembly"),
    ] {
        let file = if name.is_empty() {
            nothing.clone()
        } else if let Some(file) = plugin::find_or_skip(name)? {
            file
        } else {
            return Ok(());
        };
        let output = run(&["plugin", "check", &file.display().to_string()])?;
        let said = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(2), "{name}: {said}");
        assert!(said.contains(expected), "{name}: {said}");
        assert!(said.trim_end().lines().count() <= 3, "{name}: {said}");
    }
    Ok(())
}

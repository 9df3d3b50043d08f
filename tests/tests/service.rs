//! The service from outside: what it keeps when it is killed, and how it says
//! that it cannot work.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::Output;
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::Result;
use serde_json::{Value, json};
use weirhouse_tests::program::{PATIENCE, Program, free_address, run, run_service};

/// A data folder of its own, inside one that is removed at the end.
fn folder() -> Result<(tempfile::TempDir, std::path::PathBuf)> {
    let parent = tempfile::tempdir()?;
    let data = parent.path().join("data");
    fs::create_dir(&data)?;
    Ok((parent, data))
}

fn assert_ends(output: &Output, status: i32, words: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in: {text}");
    }
}

#[test]
fn what_was_committed_outlives_kill_9_with_the_life_it_has_left() -> Result<()> {
    let (_parent, data) = folder()?;
    for round in 0..3 {
        let program = Program::start("demo", &data, &["--rate", "200"])?;
        for earlier in 0..round {
            let answer = program.get(&format!("/v1/cache/kept/round-{earlier}"))?;
            assert_eq!(
                (answer.status, &*answer.text()),
                (200, &*format!("value {earlier}"))
            );
            let life = answer
                .header("cache-control")
                .trim_start_matches("private, max-age=");
            assert!((1..=600).contains(&life.parse::<u32>()?), "{life}");
            let gone = program.get(&format!("/v1/cache/kept/deleted-{earlier}"))?;
            assert_eq!(gone.status, 404, "a delete outlives it too");
        }
        let put = |key: &str, query: &str| {
            let path = format!("/v1/cache/kept/{key}-{round}?ttl=600{query}");
            program.put(&path, format!("value {round}").as_bytes())
        };
        assert_eq!(put("deleted", "&wait=durable")?.status, 204);
        assert_eq!(
            put("round", "&wait=durable")?.header("weirhouse-durable"),
            "true"
        );
        let path = format!("/v1/cache/kept/deleted-{round}?wait=durable");
        assert_eq!(program.delete(&path)?.header("weirhouse-existed"), "true");
        assert_eq!(put("late", "")?.header("weirhouse-durable"), "false");
        program.kill()?;
    }
    Ok(())
}

#[test]
fn a_value_on_disk_comes_back_as_a_hit_of_the_second_level_once() -> Result<()> {
    let (_parent, data) = folder()?;
    let program = Program::start("demo", &data, &["--rate", "1"])?;
    program.put("/v1/cache/a/key%2Fwith?wait=durable", b"")?;
    assert_eq!(program.stop()?, 0);
    let program = Program::start("demo", &data, &["--rate", "1"])?;
    // A key that was hot is read at the start, so one of many is asked for.
    let answer = program.get("/v1/cache/a/key/with")?;
    assert_eq!(
        (answer.status, answer.body.len()),
        (200, 0),
        "an empty value is a value"
    );
    assert_eq!(
        program
            .get("/v1/cache/a/key/with")?
            .header("weirhouse-cache"),
        "l1"
    );
    Ok(())
}

#[test]
fn the_simulated_home_is_judged_and_learning_outlives_a_restart() -> Result<()> {
    let (_parent, data) = folder()?;
    let program = Program::start("demo", &data, &["--rate", "500"])?;
    let stats = program.wait_for_stats("a suppressed reading", |stats| {
        stats["updates"]["suppressed"].as_u64() > Some(50)
            && stats["batches"]["batches"].as_u64() > Some(5)
    })?;
    assert_eq!(stats["home"]["entities"], 60);
    assert_eq!(program.stop()?, 0);
    let program = Program::start("demo", &data, &["--rate", "1"])?;
    let stats = program.wait_for_stats("the snapshot", |stats| stats["home"]["stale"] == false)?;
    // To an optimizer that knew nothing all sixty would be first values, and published.
    assert!(stats["updates"]["observed"].as_u64() >= Some(60), "{stats}");
    assert!(stats["updates"]["published"].as_u64() < Some(60), "{stats}");
    let text = String::from_utf8(program.get("/metrics")?.body)?;
    assert!(text.contains("weirhouse_"), "{text}");
    Ok(())
}

#[test]
fn the_simulated_home_is_mirrored_and_read_in_every_way() -> Result<()> {
    let (_parent, data) = folder()?;
    let program = Program::start("demo", &data, &["--rate", "50"])?;
    program.wait_for_stats("the snapshot", |stats| stats["home"]["stale"] == false)?;
    let (mut followed, mut cursor) = (BTreeMap::new(), String::new());
    let deadline = Instant::now() + PATIENCE;
    let mut told = 0;
    // Readings keep coming: what was told in changes must add up to the whole all the same.
    while told < 30 {
        let since = if cursor.is_empty() {
            String::new()
        } else {
            format!("?since={cursor}")
        };
        let changes = program.json(&format!("/v1/states{since}"))?;
        assert_eq!(changes["full"] == true, cursor.is_empty());
        changes["cursor"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut cursor);
        for state in changes["states"].as_array().into_iter().flatten() {
            told += usize::from(changes["full"] == false);
            followed.insert(state["entity_id"].to_string(), state.clone());
        }
        assert!(Instant::now() < deadline, "only {told} changes were told");
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(followed.len(), 60);
    // At some moment nothing changes between the two answers.
    loop {
        let changes = program.json(&format!("/v1/states?since={cursor}"))?;
        let whole = program.json("/v1/states")?;
        for state in changes["states"].as_array().into_iter().flatten() {
            followed.insert(state["entity_id"].to_string(), state.clone());
        }
        changes["cursor"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut cursor);
        let states = whole["states"].as_array().cloned().unwrap_or_default();
        if states.iter().eq(followed.values()) {
            break;
        }
        assert!(Instant::now() < deadline, "the changes do not add up");
    }

    let kitchen = program.json("/v1/states?area=kitchen&domain=sensor&fields=state&expand=area")?;
    let kitchen = kitchen["states"].as_array().cloned().unwrap_or_default();
    assert!(kitchen.len() > 3, "{kitchen:?}");
    for state in &kitchen {
        let entity = state["entity_id"].as_str().unwrap_or_default();
        assert!(entity.starts_with("sensor.kitchen_"), "{entity}");
        assert_eq!(state["expanded"]["area"]["floor_id"], "ground");
    }
    let areas = program.json("/v1/areas?floor=upper")?;
    assert_eq!(areas["areas"].as_array().map(Vec::len), Some(3));

    let unchanged = program.get("/v1/areas")?;
    let again = program.get_with("/v1/areas", &[("if-none-match", unchanged.header("etag"))])?;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let packed = program.get_with("/v1/states", &[("accept-encoding", "gzip")])?;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(
        packed.body.starts_with(&[0x1f, 0x8b]),
        "{} bytes",
        packed.body.len()
    );

    let batch = json!({ "requests": [
        { "path": "/v1/states/sensor.kitchen_temperature?fields=state" },
        { "path": "/v1/states/sensor.nowhere" },
        { "method": "PUT", "path": "/v1/cache/a/b", "body": [1, 2] },
        { "path": "/v1/cache/a/b" },
    ] });
    let answer = program.post("/v1/batch", batch.to_string().as_bytes())?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer: Value = serde_json::from_slice(&answer.body)?;
    let statuses: Vec<_> = (0..4)
        .map(|at| answer["responses"][at]["status"].as_u64())
        .collect();
    assert_eq!(statuses, [Some(200), Some(404), Some(204), Some(200)]);
    assert_eq!(answer["responses"][3]["body"], json!([1, 2]));

    // What was mirrored outlives the program, and is marked until the home was heard.
    assert_eq!(program.stop()?, 0);
    assert!(data.join("mirror.blob").exists());
    Ok(())
}

#[test]
fn refreshes_are_scheduled_and_too_short_an_interval_is_refused() -> Result<()> {
    let (_parent, data) = folder()?;
    let arguments = ["--refresh", "sensor.a=14s"];
    let refused = run_service("demo", &data, free_address()?, &arguments)?;
    assert_ends(&refused, 2, &["at least 15 s"]);
    let refused = run_service("demo", &data, free_address()?, &["--refresh", "sensor.a"])?;
    assert_ends(&refused, 2, &["sensor.meter=60s"]);

    let program = Program::start("demo", &data, &["--refresh", "sensor.a=15s"])?;
    let stats = program.wait_for_stats("a refresh", |stats| {
        stats["schedule"]["refreshes"].as_u64() > Some(0)
    })?;
    assert_eq!(stats["schedule"]["registered"], 1);
    assert!(stats["uptime_s"].as_f64() >= Some(15.0), "{stats}");
    Ok(())
}

#[test]
fn refreshes_out_of_a_budget_are_counted() -> Result<()> {
    let (_parent, data) = folder()?;
    let config = r#"
[[budget]]
name = "cloud"
per_minute = 8
per_day = 100000

[[refresh]]
entity = "sensor.a"
budget = "cloud"
shortest = "15s"
longest = "20s"

[[refresh]]
entity = "sensor.b"
budget = "cloud"
shortest = "15s"
longest = "20s"
"#;
    fs::write(data.join("weirhouse.toml"), config)?;
    let program = Program::start("demo", &data, &["--rate", "1"])?;
    let stats = program.wait_for_stats("a refresh", |stats| {
        stats["schedule"]["refreshes"].as_u64() >= Some(2)
    })?;
    let budget = &stats["schedule"]["budgets"]["cloud"];
    assert_eq!(
        (&budget["members"], &budget["today"]),
        (&2.into(), &2.into())
    );
    assert_eq!(
        (&budget["last_minute"], &budget["left_today"]),
        (&2.into(), &99_998.into())
    );
    let metrics = program.get("/metrics")?.text();
    let left = "weirhouse_budget_left_today{budget=\"cloud\"} 99998";
    assert!(metrics.lines().any(|line| line == left), "{metrics}");
    Ok(())
}

#[test]
fn a_second_instance_on_the_same_folder_is_told_so() -> Result<()> {
    let (_parent, data) = folder()?;
    let _first = Program::start("demo", &data, &["--rate", "1"])?;
    let second = run_service("demo", &data, free_address()?, &["--rate", "1"])?;
    assert_ends(
        &second,
        4,
        &[&data.display().to_string(), "choose another folder"],
    );
    Ok(())
}

#[test]
fn a_taken_port_is_named_with_the_way_out() -> Result<()> {
    let (_parent, data) = folder()?;
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?;
    let output = run_service("demo", &data, address, &["--rate", "1"])?;
    assert_ends(&output, 5, &[&address.port().to_string(), "--listen"]);
    Ok(())
}

#[test]
fn a_missing_or_foreign_component_is_named_with_the_way_out() -> Result<()> {
    let (parent, data) = folder()?;
    let foreign = parent.path().join("foreign.cwasm");
    fs::write(&foreign, b"not machine code")?;
    let missing = parent.path().join("missing.cwasm");
    for path in [&foreign, &missing] {
        let path = path.display().to_string();
        let output = run_service("demo", &data, free_address()?, &["--core", &path])?;
        assert_ends(&output, 6, &[&path, "cargo xtask component"]);
    }
    Ok(())
}

#[test]
fn a_damaged_store_is_set_aside_and_the_service_starts() -> Result<()> {
    let (_parent, data) = folder()?;
    Program::start("demo", &data, &["--rate", "1"])?.stop()?;
    fs::write(data.join("l2.redb"), b"this is no database")?;
    let program = Program::start("demo", &data, &["--rate", "1"])?;
    assert_eq!(program.put("/v1/cache/a/b?wait=durable", b"1")?.status, 204);
    let kept = fs::read_dir(&data)?.filter_map(Result::ok).any(|entry| {
        entry
            .file_name()
            .to_string_lossy()
            .starts_with("l2.redb.damaged-")
    });
    assert!(kept, "the damaged file is kept beside");
    Ok(())
}

#[test]
fn wrong_addresses_and_tokens_end_in_words() -> Result<()> {
    let (parent, data) = folder()?;
    let token = parent.path().join("token");
    fs::write(&token, "abc")?;
    let token = token.display().to_string();
    let serve = |url: &str| {
        let arguments = ["--ha-url", url, "--ha-token-file", &token];
        run_service("serve", &data, free_address()?, &arguments)
    };
    for (url, words) in [
        ("nonsense://x", "unknown scheme"),
        ("127.0.0.1:8123", "http:// or https:// is missing"),
        ("http://127.0.0.1:99999", "the port is not a number"),
        ("http://user:secret@127.0.0.1:1", "a user name in it"),
    ] {
        let output = serve(url)?;
        assert_ends(&output, 2, &[words, "write it like"]);
        assert!(output.stdout.is_empty(), "nothing is announced before");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!text.contains("secret"), "{text}");
    }
    assert!(!data.join("token").exists(), "and nothing is made");
    let missing = parent.path().join("none").display().to_string();
    let arguments = [
        "--ha-url",
        "http://127.0.0.1:1",
        "--ha-token-file",
        &missing,
    ];
    let output = run_service("serve", &data, free_address()?, &arguments)?;
    assert_ends(&output, 2, &[&missing, "--ha-token-file"]);
    Ok(())
}

#[test]
fn an_absent_home_assistant_leaves_the_rest_at_work() -> Result<()> {
    let (parent, data) = folder()?;
    let token = parent.path().join("token");
    fs::write(&token, "abc")?;
    let token = token.display().to_string();
    let url = format!("http://{}", free_address()?);
    let arguments = ["--ha-url", &url, "--ha-token-file", &token];
    let program = Program::start("serve", &data, &arguments)?;
    let stats = program.wait_for_stats("a reason", |stats| stats["home"]["reason"].is_string())?;
    let reason = stats["home"]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("refused the connection"), "{reason}");
    assert_eq!(program.put("/v1/cache/a/b", b"1")?.status, 204);
    assert_eq!(program.get("/healthz")?.status, 200);

    // Its clients are refused one by one, and the log says so once.
    let upgrade = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    for _ in 0..5 {
        let refused = program.get_with("/api/websocket", &upgrade)?;
        assert_eq!(refused.status, 503, "{}", refused.text());
    }
    assert_eq!(program.stop()?, 0);
    let log = fs::read_to_string(data.with_extension("log"))?;
    let said = log.matches("clients cannot be connected").count();
    assert_eq!(said, 1, "{log}");
    assert!(!log.contains("a request failed"), "{log}");
    Ok(())
}

#[test]
fn a_recording_that_cannot_be_kept_is_refused_before_a_connection_is_made() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (token, kept) = (folder.path().join("token"), folder.path().join("kept"));
    fs::write(&token, "abc")?;
    fs::write(&kept, "a day of readings")?;
    let token = token.display().to_string();
    for (out, words) in [
        (kept.clone(), "exists already"),
        (folder.path().join("none/day.trace"), "there is no folder"),
    ] {
        let out = out.display().to_string();
        let output = run(&[
            "record",
            "--out",
            &out,
            "--ha-url",
            "http://127.0.0.1:1",
            "--ha-token-file",
            &token,
        ])?;
        assert_ends(&output, 2, &[words, "--out"]);
    }
    assert_eq!(fs::read_to_string(kept)?, "a day of readings");
    Ok(())
}

#[test]
fn a_log_on_a_full_disk_does_not_end_the_service() -> Result<()> {
    let (_parent, data) = folder()?;
    let full = fs::OpenOptions::new().write(true).open("/dev/full")?;
    let program = Program::start_logging("demo", &data, &["--log", "trace"], full)?;
    assert_eq!(program.put("/v1/cache/a/b", b"1")?.status, 204);
    assert_eq!(program.stop()?, 0);
    Ok(())
}

#[test]
fn an_instance_is_asked_where_its_configuration_says() -> Result<()> {
    let (_parent, data) = folder()?;
    let program = Program::start("demo", &data, &["--rate", "1"])?;
    let address = program.address.to_string();
    let listen = format!("[api]\nlisten = \"{address}\"\n");
    let folder = data.display().to_string();
    // Also where something else in the file has become wrong.
    for more in ["", "burts = 1\n"] {
        fs::write(data.join("weirhouse.toml"), format!("{listen}{more}"))?;
        for command in [
            &["healthcheck"][..],
            &["backup", "prepare"],
            &["backup", "finish"],
        ] {
            let output = run(&[command, &["--data-dir", &folder]].concat())?;
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{command:?}: {said}");
        }
    }
    assert_eq!(program.stop()?, 0);
    let output = run(&["healthcheck", "--data-dir", &folder])?;
    assert_ends(&output, 1, &[&address, "no answer from"]);
    Ok(())
}

#[test]
fn a_stop_told_twice_at_once_still_saves() -> Result<()> {
    let (_parent, data) = folder()?;
    let program = Program::start("demo", &data, &["--rate", "500"])?;
    program.put("/v1/cache/a/late", b"kept")?;
    assert_eq!(program.stop_twice()?, 0);
    let program = Program::start("demo", &data, &["--rate", "1"])?;
    assert_eq!(program.get("/v1/cache/a/late")?.text(), "kept");
    Ok(())
}

#[test]
fn a_broken_trace_line_is_named() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let trace = folder.path().join("broken.jsonl");
    let header = r#"{"weirhouse_trace":1,"source":"test","started":"2026-01-01T00:00:00Z"}"#;
    fs::write(
        &trace,
        format!("{header}\n{{\"t\":0,\"e\":\"sensor.a\",\"s\":\"1\"}}\n{{\"t\":\n"),
    )?;
    let output = run(&["replay", &trace.display().to_string()])?;
    assert_ends(&output, 2, &["broken.jsonl", "3"]);
    Ok(())
}

#[test]
fn many_clients_at_once_lose_nothing() -> Result<()> {
    let (_parent, data) = folder()?;
    let program = Program::start("demo", &data, &["--rate", "100"])?;
    thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|client| {
                let program = &program;
                scope.spawn(move || -> Result<()> {
                    for number in 0..50 {
                        let path = format!("/v1/cache/many/{client}-{number}");
                        let value = format!("{client} {number}");
                        assert_eq!(program.put(&path, value.as_bytes())?.status, 204);
                        assert_eq!(program.get(&path)?.text(), value);
                    }
                    Ok(())
                })
            })
            .collect();
        for client in clients {
            client.join().unwrap()?;
        }
        Ok(())
    })
}

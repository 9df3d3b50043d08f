//! Tokens, limits and configuration of a running instance, by command and file.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::Value;
use weirhouse_tests::program::{PATIENCE, Program, run};
use weirhouse_tests::stream::{Events, close_code, socket};

fn folder() -> Result<(tempfile::TempDir, std::path::PathBuf)> {
    let parent = tempfile::tempdir()?;
    let data = parent.path().join("data");
    fs::create_dir(&data)?;
    Ok((parent, data))
}

/// Makes a token by command.
fn create(data: &Path, arguments: &[&str]) -> Result<String> {
    let folder = data.display().to_string();
    let all = [&["token", "create", "--data-dir", &folder], arguments].concat();
    let output = run(&all)?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Waits until a request is answered with this status.
fn wait_for_status(program: &Program, path: &str, status: u16) -> Result<()> {
    let started = Instant::now();
    loop {
        let answer = program.get(path)?;
        if answer.status == status {
            return Ok(());
        }
        if started.elapsed() > PATIENCE {
            bail!("{path} is answered with {}, not {status}", answer.status);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn kind(body: &[u8]) -> Result<String> {
    let problem: Value = serde_json::from_slice(body)?;
    let kind = problem["type"].as_str().unwrap_or_default();
    Ok(kind.trim_start_matches("urn:weirhouse:problem:").to_owned())
}

#[test]
fn tokens_made_and_revoked_by_command_count_at_once() -> Result<()> {
    let (_parent, data) = folder()?;
    let mut program = Program::start("demo", &data, &["--log", "trace", "--rate", "1"])?;
    let owner = program.token.clone();
    let token = create(&data, &["--name", "node-red", "--scope", "read"])?;
    program.use_token(&token);
    // The first request with it, however soon it comes.
    assert_eq!(program.get("/v1/stats")?.status, 200);
    let refused = program.put("/v1/cache/a/b", b"1")?;
    assert_eq!(
        (refused.status, kind(&refused.body)?.as_str()),
        (403, "forbidden")
    );
    assert!(
        refused
            .header("www-authenticate")
            .contains("scope=\"cache\"")
    );

    let folder = data.display().to_string();
    let listed = run(&["token", "list", "--data-dir", &folder])?;
    let listed = String::from_utf8(listed.stdout)?;
    assert!(
        listed.contains("node-red") && listed.contains("read"),
        "{listed}"
    );
    assert!(
        run(&["token", "revoke", "--data-dir", &folder, "node-red"])?
            .status
            .success()
    );
    wait_for_status(&program, "/v1/stats", 401)?;
    let again = run(&["token", "revoke", "--data-dir", &folder, "node-red"])?;
    assert_eq!(again.status.code(), Some(2));

    let over = create(
        &data,
        &["--name", "guest", "--scope", "read", "--expires", "1ms"],
    )?;
    program.use_token(&over);
    wait_for_status(&program, "/v1/stats", 401)?;
    let started = Instant::now();
    while !program.get("/v1/stats")?.text().contains("has expired") {
        assert!(
            started.elapsed() < PATIENCE,
            "an expired token is called so"
        );
        thread::sleep(Duration::from_millis(5));
    }

    // An end that no date can name.
    let never = ["--name", "far", "--scope", "read", "--expires", "3000000d"];
    let refused = run(&[&["token", "create", "--data-dir", &folder], &never[..]].concat())?;
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("--expires is too far away"), "{said}");

    program.use_token(&owner);
    assert_eq!(program.get("/v1/stats")?.status, 200);
    assert_eq!(program.stop()?, 0);
    // Not even the most talkative log, nor any file but the owner's, has a token.
    let secrets = [&token, &over].map(|token| token.rsplit('_').next().unwrap_or_default());
    let mut files = vec![data.with_extension("log")];
    for entry in fs::read_dir(&data)? {
        files.push(entry?.path());
    }
    for file in files {
        let content = fs::read(&file)?;
        let text = String::from_utf8_lossy(&content);
        for secret in secrets {
            assert!(!text.contains(secret), "{} holds a token", file.display());
        }
        if !file.ends_with("token") {
            assert!(
                !text.contains(&owner),
                "{} holds the owner's",
                file.display()
            );
        }
    }
    Ok(())
}

#[test]
fn a_revoked_token_ends_every_stream_it_opened_and_the_log_names_their_requests() -> Result<()> {
    for format in ["text", "json"] {
        let (_parent, data) = folder()?;
        let arguments = ["--rate", "200", "--log", "debug", "--log-format", format];
        let mut program = Program::start("demo", &data, &arguments)?;
        let owner = program.token.clone();
        program.use_token(&create(&data, &["--name", "wall", "--scope", "read"])?);
        wait_for_status(&program, "/v1/stats", 200)?;
        // Of a busy home, and of an entity that does not exist, so that nothing ever happens.
        let queries = [
            "",
            "entity=lock.none",
            "significance=none",
            "significance=none&entity=lock.none",
        ];
        let mut streams = Vec::new();
        for (number, query) in queries.into_iter().enumerate() {
            let id = format!("X-Request-Id: events-{number}\r\n");
            let mut events = Events::open(&program, query, &id)?;
            if query.contains("significance") {
                let opening = events.read()?;
                assert_eq!(opening.data["request_id"], format!("events-{number}"));
            }
            streams.push((events, socket(&program, query)?));
        }
        let folder = data.display().to_string();
        let revoked = run(&["token", "revoke", "--data-dir", &folder, "wall"])?;
        assert!(revoked.status.success());
        for (number, (mut events, mut socket)) in streams.into_iter().enumerate() {
            let rest = events.rest()?;
            // Ended at once, not at the next sign of life.
            assert!(!rest.iter().any(|line| line.starts_with(':')), "{number}");
            assert_eq!(close_code(&mut socket)?, 1008, "{number}");
        }
        assert_eq!(program.get("/v1/stats")?.status, 401);

        program.use_token(&owner);
        assert_eq!(
            program
                .get_with("/v1/stats", &[("x-request-id", "asked")])?
                .status,
            200
        );
        let kept = program.json("/v1/log")?.to_string();
        assert_eq!(program.stop()?, 0);
        let log = fs::read_to_string(data.with_extension("log"))?;
        for id in ["events-0", "events-1", "events-2", "events-3", "asked"] {
            let what = if id == "asked" {
                "/v1/stats"
            } else {
                "a stream ends"
            };
            let named = match format {
                "json" => format!("\"request_id\":\"{id}\""),
                _ => format!("request_id={id}"),
            };
            let is_it = |line: &&str| line.contains(what) && line.contains(&named);
            let line = log
                .lines()
                .find(is_it)
                .unwrap_or_else(|| panic!("{id}: {log}"));
            assert_eq!(line.matches("request_id").count(), 1, "{line}");
            if format == "json" {
                serde_json::from_str::<Value>(line)?;
            }
            let is_kept = kept.contains(&format!("request_id={id}"));
            assert_eq!(is_kept, id != "asked", "{kept}");
        }
    }
    Ok(())
}

#[test]
fn changed_rules_come_into_force_and_broken_ones_do_not() -> Result<()> {
    let (_parent, data) = folder()?;
    let file = data.join("weirhouse.toml");
    fs::write(&file, "[default_rule]\nabsolute = 0.5\n")?;
    let mut program = Program::start("demo", &data, &["--rate", "1"])?;
    let token = create(&data, &["--name", "a", "--scope", "read"])?;
    program.use_token(&token);
    wait_for_status(&program, "/v1/stats", 200)?;
    // The rate limit is what of a reload shows most plainly from outside.
    fs::write(&file, "[api]\nrequests_per_second = 1\nburst = 1\n")?;
    wait_for_status(&program, "/v1/stats", 429)?;
    fs::write(&file, "[api]\nrequests_per_secnd = 1000\n")?;
    let log = data.with_extension("log");
    let started = Instant::now();
    let told = "weirhouse.toml:2: `api.requests_per_secnd` is unknown; perhaps `requests_per_second` is meant";
    while !fs::read_to_string(&log)?.contains(told) {
        assert!(
            started.elapsed() < PATIENCE,
            "{}",
            fs::read_to_string(&log)?
        );
        thread::sleep(Duration::from_millis(5));
    }
    wait_for_status(&program, "/v1/stats", 429)?;
    fs::write(&file, "[[rule]]\ndomain = \"sensor\"\nabsolute = 1000\n")?;
    program.hang_up()?;
    wait_for_status(&program, "/v1/stats", 200)?;
    for _ in 0..20 {
        assert_eq!(program.get("/v1/stats")?.status, 200);
    }
    assert_eq!(program.stop()?, 0);
    Ok(())
}

/// Of the Home Assistant that a configuration names.
fn what_a_start_refuses_is_named(file: &Path, folder: &str) -> Result<()> {
    let name = file.display().to_string();
    let url = "[home_assistant]\nurl = \"http://ha:8123\"\n";
    let token = format!("{url}token_file = {:?}\n", format!("{folder}/ha.token"));
    for (content, arguments, words) in [
        (
            token.as_str(),
            vec![name.as_str()],
            "weirhouse.toml:3: `home_assistant.token_file`: cannot read",
        ),
        (
            token.as_str(),
            vec!["--data-dir", folder],
            "weirhouse.toml:3: `home_assistant.token_file`: cannot read",
        ),
        (
            url,
            vec!["--data-dir", folder],
            "weirhouse.toml:2: `home_assistant.url`: the Home Assistant has an address, but no token",
        ),
        (
            "",
            vec![
                "--data-dir",
                folder,
                "--ha-url",
                "ha",
                "--ha-token-file",
                "none",
            ],
            "option --ha-url: `home_assistant.url`: \"ha\" is not",
        ),
    ] {
        fs::write(file, content)?;
        let checked = run(&[&["config", "check"], &arguments[..]].concat())?;
        let said = String::from_utf8_lossy(&checked.stderr);
        assert_eq!(checked.status.code(), Some(2), "{said}");
        assert!(said.contains(words), "{words}: {said}");
    }
    // The other half may come with an option.
    fs::write(file, url)?;
    assert!(run(&["config", "check", &name])?.status.success());
    Ok(())
}

#[test]
fn what_waits_for_the_next_start_is_told_once_and_until_it_is_taken_back() -> Result<()> {
    let (_parent, data) = folder()?;
    let file = data.join("weirhouse.toml");
    let program = Program::start("demo", &data, &["--rate", "1"])?;
    let log = data.with_extension("log");
    let waits = "takes effect at the next start";
    // Whether a reading told of something that waits, and of something that does not any more.
    for (nth, (content, told, taken_back)) in (1..).zip([
        ("[api]\nallow_hosts = [\"hub.lan\"]\n", true, false),
        (
            "[api]\nallow_hosts = [\"hub.lan\"]\nburst = 7\n",
            false,
            false,
        ),
        ("[api]\nburst = 7\n", false, true),
        ("[api]\nburst = 8\n", false, false),
    ]) {
        let before = fs::read_to_string(&log)?;
        fs::write(&file, content)?;
        let started = Instant::now();
        let all = loop {
            let all = fs::read_to_string(&log)?;
            if all.matches("was read anew and is in force").count() == nth {
                break all;
            }
            assert!(started.elapsed() < PATIENCE, "{all}");
            thread::sleep(Duration::from_millis(5));
        };
        let new = all.strip_prefix(&before).unwrap_or(&all);
        assert_eq!(new.contains(waits), told, "{content}: {new}");
        assert_eq!(
            new.contains("as it was at the start again"),
            taken_back,
            "{content}: {new}"
        );
    }
    assert_eq!(program.stop()?, 0);
    Ok(())
}

#[test]
fn check_names_what_is_wrong_and_show_where_values_come_from() -> Result<()> {
    let (_parent, data) = folder()?;
    let file = data.join("weirhouse.toml");
    let name = file.display().to_string();
    fs::write(
        &file,
        "[api]\nburst = 7\n[[rule]]\nentity = \"sensor.[a\"\npublishing = \"centred\"\n",
    )?;
    let output = run(&["config", "check", &name])?;
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    for words in [
        "weirhouse.toml:3: `rule[1]`: publishing `centred`",
        "weirhouse.toml:4: `rule[1].entity`: malformed glob",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    fs::write(&file, "[api]\nburst = 7\n")?;
    assert!(run(&["config", "check", &name])?.status.success());
    let folder = data.display().to_string();
    what_a_start_refuses_is_named(&file, &folder)?;
    fs::write(&file, "[api]\nburst = 7\n")?;
    let options = r#"{"rule": [{"entity": "sensor.a", "publishing": "centred"}]}"#;
    fs::write(data.join("options.json"), options)?;
    let refused = run(&["config", "check", "--data-dir", &folder])?;
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        said.contains("options.json: `rule[1]`: publishing"),
        "{said}"
    );
    fs::write(data.join("options.json"), r#"{"presets": false}"#)?;
    let shown = run(&["config", "show", "--data-dir", &folder, "--settle", "10s"])?;
    let shown = String::from_utf8(shown.stdout)?;
    for (line, origin) in [
        ("burst = 7", "weirhouse.toml:2"),
        ("presets = false", "options.json"),
        ("settle = \"10s\"", "option --settle"),
        ("max = 50", "default"),
    ] {
        let found = shown.lines().find(|it| it.starts_with(line));
        assert!(
            found.is_some_and(|it| it.ends_with(origin)),
            "{line}: {shown}"
        );
    }
    Ok(())
}

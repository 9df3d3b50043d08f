//! The app as users run it: its image in a container with a read-only root, in front of a stand-in for the Supervisor and
//! a real Home Assistant.
//!
//! It is the program built for debugging, as in all tests. For the figures of what users get, run
//!
//!     cargo xtask dist
//!     WEIRHOUSE_DIST=$PWD/target/dist cargo xtask test -p weirhouse-tests -- --nocapture it_lives_as_an_app_does

mod memory;
mod refusals;

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use weirhouse_tests::container::{APP, Container, Image, SUPERVISOR};
use weirhouse_tests::home_assistant::{ConfigFolderOptions, HomeAssistant};
use weirhouse_tests::plugin;
use weirhouse_tests::supervisor::Supervisor;

/// Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long a released app is left alone before its memory is told.
const IDLE: Duration = Duration::from_mins(1);

/// Time that the Supervisor gives the app to stop, as its configuration asks.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// Tests take turns: each app listens at the same addresses, as on a user's machine.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A home of some hundred entities of which few change by themselves.
fn quiet() -> ConfigFolderOptions {
    ConfigFolderOptions {
        noisy_sensors: 4,
        ..ConfigFolderOptions::default()
    }
}

/// The Supervisor in front of a Home Assistant.
fn supervisor(home: &HomeAssistant) -> Result<Supervisor> {
    let address: SocketAddr = format!("{SUPERVISOR}:80").parse()?;
    Supervisor::start(address, home.port(), home.token())
}

/// Asks the app's API with the owner's token.
fn ask(data: &Path, method: &str, path: &str, body: &[u8]) -> Result<(u16, Vec<u8>)> {
    let token = fs::read_to_string(data.join("token"))?;
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .into();
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("http://{APP}:8098{path}"))
        .header("authorization", format!("Bearer {}", token.trim()))
        .body(body.to_vec())?;
    let mut answer = agent.run(request)?;
    Ok((answer.status().as_u16(), answer.body_mut().read_to_vec()?))
}

fn stats(data: &Path) -> Result<Value> {
    let (status, body) = ask(data, "GET", "/v1/stats", b"")?;
    ensure!(status == 200, "{status}");
    Ok(serde_json::from_slice(&body)?)
}

fn wait_for(data: &Path, what: &str, condition: impl Fn(&Value) -> bool) -> Result<Value> {
    let started = Instant::now();
    loop {
        let stats = stats(data)?;
        if condition(&stats) {
            return Ok(stats);
        }
        if started.elapsed() > PATIENCE {
            bail!("{what} did not happen: {stats}");
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// Opens the page as Home Assistant's ingress does, from an address of loopback.
async fn visit(from: Ipv4Addr, path: &str) -> Result<String> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let mut stream = socket.connect(format!("{APP}:8099").parse()?).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: home.example:8123\r\nx-ingress-path: /api/hassio_ingress/abc\r\nx-remote-user-id: 1\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // One who is refused may find the connection reset behind the answer.
    let _ = stream.read_to_end(&mut answer).await;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn visit_now(from: Ipv4Addr, path: &str) -> Result<String> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(visit(from, path))
}

/// A data folder as the Supervisor makes it, with the form's own values and a plugin.
fn installed(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let app: Value = serde_saphyr::from_str(include_str!("../../../addon/config.yaml"))?;
    let mut options = app["options"].clone();
    options["plugin"] = json!([{ "name": "kalman-power", "grant": "settings, entities" }]);
    fs::write(folder.join("options.json"), options.to_string())?;
    // The stand-in for the Supervisor comes from there.
    fs::write(
        folder.join("weirhouse.toml"),
        "[ingress]\nfrom = \"127.0.0.1\"\n",
    )?;
    Ok(())
}

/// A plugin that is put into the shared folder works: it is compiled in the container, and granted by the options.
fn check_plugin(data: &Path) -> Result<()> {
    let Some(file) = plugin::find_or_skip("kalman-power")? else {
        return Ok(());
    };
    fs::copy(
        file,
        data.with_file_name("config").join("kalman-power.wasm"),
    )?;
    let started = Instant::now();
    loop {
        let (status, body) = ask(data, "GET", "/v1/plugins", b"")?;
        ensure!(status == 200, "{status}");
        let listed: Value = serde_json::from_slice(&body)?;
        if listed["plugins"][0]["state"] == "working" {
            return Ok(());
        }
        ensure!(started.elapsed() < PATIENCE, "it does not work: {listed}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// Copies what a backup holds: all but what the app's configuration excludes.
fn back_up(data: &Path, backup: &Path) -> Result<()> {
    let excluded = ["l2.redb", "l2.redb.mark"];
    fs::create_dir_all(backup)?;
    for entry in fs::read_dir(data)? {
        let entry = entry?;
        if !excluded.iter().any(|name| entry.file_name() == *name) {
            let copied = Command::new("cp")
                .arg("-a")
                .arg(entry.path())
                .arg(backup)
                .status()?;
            ensure!(copied.success(), "cp ended with {copied}");
        }
    }
    Ok(())
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[test]
fn it_lives_as_an_app_does() -> Result<()> {
    let _turn = turn();
    let Some(image) = Image::build_or_skip()? else {
        return Ok(());
    };
    let Some(mut home) = HomeAssistant::start_or_skip(&quiet())? else {
        return Ok(());
    };
    let supervisor = supervisor(&home)?;
    check_labels(&image.configuration()?)?;

    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    installed(&data)?;
    fs::create_dir(folder.path().join("config"))?;
    let app = image.start(&data)?;
    let healthy = app.wait_until_healthy(PATIENCE)?;
    wait_for(&data, "the first snapshot", |stats| {
        stats["home"]["connected"] == true && stats["home"]["entities"].as_u64() > Some(4)
    })?;
    ensure!(
        supervisor.asked().contains(&"/services/mqtt".to_owned()),
        "a broker is asked for: {:?}",
        supervisor.asked()
    );
    if image.is_released {
        thread::sleep(IDLE);
    }
    let (resident, peak) = app.memory()?;
    println!(
        "image {:.1} MiB beyond its base, healthy after {:.2} s, resident {:.1} MiB, at most {:.1} MiB ({})",
        mib(image.added_bytes),
        healthy.as_secs_f64(),
        mib(resident),
        mib(peak),
        if image.is_released {
            "as released, after a minute"
        } else {
            "a build for debugging"
        }
    );

    check_plugin(&data)?;

    // Announced to nobody, since nobody is there; Home Assistant is not troubled.
    ensure!(
        supervisor.announced().is_empty(),
        "{:?}",
        supervisor.announced()
    );

    check_page()?;

    // Home Assistant goes and comes back.
    home.stop()?;
    let away = wait_for(&data, "the connection is gone", |stats| {
        stats["home"]["connected"] == false
    })?;
    ensure!(away["home"]["stale"] == true, "{away}");
    app.wait_until_healthy(PATIENCE)?;
    install_companion(home.config())?;
    home.start_again()?;
    wait_for(&data, "the connection is back", |stats| {
        stats["home"]["connected"] == true && stats["home"]["stale"] == false
    })?;

    check_companion(&supervisor, &app, &data)?;
    ensure!(
        supervisor.refused().is_empty(),
        "the Supervisor refused {:?}",
        supervisor.refused()
    );

    // What is cached survives the end, which comes in time.
    let value = b"kept over a restart";
    let (status, _) = ask(&data, "PUT", "/v1/cache/test/key", value)?;
    assert_eq!(status, 204);
    let stopping = Instant::now();
    assert_eq!(app.stop(STOP_LIMIT)?, 0);
    ensure!(stopping.elapsed() < STOP_LIMIT, "{:?}", stopping.elapsed());
    drop(app);
    let app = image.start(&data)?;
    app.wait_until_healthy(PATIENCE)?;
    assert_eq!(
        ask(&data, "GET", "/v1/cache/test/key", b"")?,
        (200, value.to_vec())
    );

    // A backup while it works, and what is restored from it.
    let prepared = app.exec(&["weirhouse", "backup", "prepare"])?;
    ensure!(prepared.status.success(), "{prepared:?}");
    let backup = folder.path().join("backup");
    back_up(&data, &backup)?;
    let finished = app.exec(&["weirhouse", "backup", "finish"])?;
    ensure!(finished.status.success(), "{finished:?}");
    assert_eq!(app.stop(STOP_LIMIT)?, 0);
    drop(app);
    ensure!(
        !backup.join("l2.redb").exists(),
        "the database itself is not copied"
    );
    let app = image.start(&backup)?;
    app.wait_until_healthy(PATIENCE)?;
    assert_eq!(
        ask(&backup, "GET", "/v1/cache/test/key", b"")?,
        (200, value.to_vec())
    );
    assert_eq!(app.stop(STOP_LIMIT)?, 0);
    Ok(())
}

/// The page is for the Supervisor and nobody else.
fn check_page() -> Result<()> {
    let page = visit_now(Ipv4Addr::LOCALHOST, "/")?;
    ensure!(
        page.starts_with("HTTP/1.1 200") && page.contains("Weirhouse"),
        "{page}"
    );
    let figures = visit_now(Ipv4Addr::LOCALHOST, "/v1/stats")?;
    ensure!(
        figures.starts_with("HTTP/1.1 200"),
        "no token is needed there: {figures}"
    );
    let forged = visit_now(Ipv4Addr::new(127, 0, 0, 9), "/v1/stats")?;
    ensure!(forged.starts_with("HTTP/1.1 403"), "{forged}");
    Ok(())
}

/// The companion is told where the API is, once it is there.
fn check_companion(supervisor: &Supervisor, app: &Container<'_>, data: &Path) -> Result<()> {
    let started = Instant::now();
    while supervisor.announced().is_empty() {
        ensure!(
            started.elapsed() < PATIENCE,
            "the companion is not told: {}",
            app.log()?
        );
        thread::sleep(Duration::from_millis(100));
    }
    let announced = &supervisor.announced()[0];
    assert_eq!(announced["service"], "weirhouse");
    assert_eq!(announced["config"]["port"], 8098);
    let token = fs::read_to_string(data.join("token"))?;
    assert_eq!(announced["config"]["token"], token.trim());
    Ok(())
}

/// An integration of the domain that the app announces itself to.
fn install_companion(config: &Path) -> Result<()> {
    let folder = config.join("custom_components/weirhouse");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("__init__.py"), "")?;
    let manifest = json!({
        "domain": "weirhouse", "name": "Weirhouse", "version": "0.1.0", "codeowners": [],
        "documentation": "https://github.com/weirhouse/weirhouse", "iot_class": "local_push", "requirements": [],
    });
    fs::write(folder.join("manifest.json"), manifest.to_string())?;
    Ok(())
}

/// What the Supervisor and registries read of an image.
fn check_labels(image: &Value) -> Result<()> {
    let labels = image["Config"]["Labels"].as_object().context("no labels")?;
    for (label, value) in [
        ("io.hass.type", "app"),
        ("io.hass.version", env!("CARGO_PKG_VERSION")),
        ("org.opencontainers.image.licenses", "Apache-2.0"),
    ] {
        ensure!(
            labels.get(label) == Some(&value.into()),
            "{label}: {labels:?}"
        );
    }
    let check = &image["Healthcheck"]["Test"];
    assert_eq!(*check, json!(["CMD", "/usr/bin/weirhouse", "healthcheck"]));
    Ok(())
}

/// Starts the app, which must refuse to run; gives what it says.
fn refusal(image: &Image, data: &Path) -> Result<String> {
    refusal_of(&image.start(data)?)
}

/// What an app says that ends by itself, and not well.
fn refusal_of(app: &Container<'_>) -> Result<String> {
    let status = app.wait()?;
    let log = app.log()?;
    ensure!(status != 0, "it ended with 0: {log}");
    Ok(log)
}

#[test]
fn it_says_what_is_wrong_at_the_start() -> Result<()> {
    let _turn = turn();
    let Some(image) = Image::build_or_skip()? else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    for (options, said) in [
        ("{\"log\":", "options.json"),
        ("{\"loog\":{}}", "perhaps `log` is meant"),
        ("{\"log\":{\"level\":\"loud\"}}", "must be one of"),
        (
            "{\"refresh\":[{\"entity\":\"sensor.a\",\"every\":\"1s\"}]}",
            "at least 15 s",
        ),
    ] {
        let data = folder.path().join("wrong");
        installed(&data)?;
        fs::write(data.join("options.json"), options)?;
        let log = refusal(&image, &data)?;
        ensure!(log.contains(said), "{options}: {log}");
        ensure!(!log.contains("panicked"), "{log}");
    }

    // A disk without room for anything.
    let full = folder.path().join("full");
    fs::create_dir_all(&full)?;
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=8k", "none"])
        .arg(&full)
        .status()?;
    ensure!(mounted.success(), "mount ended with {mounted}");
    let outcome = installed(&full).and_then(|()| {
        let filler = fs::File::create(full.join("filler"))?;
        let _ = (&filler).write_all(&[0; 8192]);
        refusal(&image, &full)
    });
    let _ = Command::new("umount").arg(&full).status();
    let log = outcome?;
    ensure!(log.contains("choose another data folder"), "{log}");
    ensure!(!log.contains("panicked"), "{log}");
    Ok(())
}

/// What is left of an app that does not answer its Supervisor at all.
#[test]
fn without_a_supervisor_it_works_on_and_says_so() -> Result<()> {
    let _turn = turn();
    let Some(image) = Image::build_or_skip()? else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    installed(&data)?;
    // Nobody is at the Supervisor's address, or somebody who knows no Home Assistant.
    let app = image.start(&data)?;
    app.wait_until_healthy(PATIENCE)?;
    let away = stats(&data)?;
    assert_eq!(away["home"]["connected"], false);
    let health = String::from_utf8(ask(&data, "GET", "/healthz", b"")?.1)?;
    ensure!(health.contains("home-assistant"), "{health}");
    assert_eq!(app.stop(STOP_LIMIT)?, 0);
    Ok(())
}

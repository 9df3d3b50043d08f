//! The figures in Home Assistant, through a real broker and a real Home Assistant.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use weirhouse_tests::home_assistant::{ConfigFolderOptions, HomeAssistant};
use weirhouse_tests::program::{Program, free_address};
use weirhouse_tests::skip::skip;

/// Home Assistant installs its MQTT client when it first needs it.
const PATIENCE: Duration = Duration::from_mins(2);

const USER: &str = "weirhouse";
const PASSWORD: &str = "not a secret";

/// A broker that lets in only who knows the password.
struct Broker {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    process: Child,
}

impl Broker {
    fn start_or_skip(folder: &Path) -> Result<Option<Self>> {
        let found = [
            "/usr/sbin/mosquitto",
            "/usr/bin/mosquitto",
            "/usr/local/sbin/mosquitto",
        ]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.is_file());
        let Some(program) = found else {
            skip("needs the broker mosquitto, the Debian package of that name")?;
            return Ok(None);
        };
        fs::create_dir_all(folder)?;
        let users = folder.join("users");
        let made = Command::new("mosquitto_passwd")
            .args(["-b", "-c"])
            .arg(&users)
            .args([USER, PASSWORD])
            .status()
            .context("cannot run mosquitto_passwd")?;
        ensure!(made.success(), "mosquitto_passwd ended with {made}");
        let port = free_address()?.port();
        // Run by root, it would otherwise become a user who may not read the folder.
        let configuration = format!(
            "user root\nlistener {port} 127.0.0.1\nallow_anonymous false\npassword_file {}\n",
            users.display()
        );
        fs::write(folder.join("mosquitto.conf"), configuration)?;
        let process = Self::spawn(&program, folder, port)?;
        Ok(Some(Self {
            program,
            folder: folder.to_owned(),
            port,
            process,
        }))
    }

    fn spawn(program: &Path, folder: &Path, port: u16) -> Result<Child> {
        let log = fs::File::create(folder.join("log"))?;
        let process = Command::new(program)
            .arg("-c")
            .arg(folder.join("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        wait("the broker listens", || {
            Ok(TcpStream::connect(("127.0.0.1", port)).ok())
        })?;
        Ok(process)
    }

    fn stop(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    fn start_again(&mut self) -> Result<()> {
        self.process = Self::spawn(&self.program, &self.folder, self.port)?;
        Ok(())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

fn wait<T>(what: &str, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if started.elapsed() > PATIENCE {
            bail!("waited in vain until {what}");
        }
        thread::sleep(Duration::from_millis(200));
    }
}

/// Has Home Assistant use the broker, as a user would in its settings.
fn integrate(home: &HomeAssistant, broker: &Broker) -> Result<()> {
    let flow = home.post(
        "/api/config/config_entries/flow",
        &json!({ "handler": "mqtt", "show_advanced_options": false }),
    )?;
    let id = flow["flow_id"].as_str().context("no flow")?;
    let done = home.post(
        &format!("/api/config/config_entries/flow/{id}"),
        &json!({ "broker": "127.0.0.1", "port": broker.port, "username": USER, "password": PASSWORD, "other_settings": { "set_client_cert": false, "set_ca_cert": "off" } }),
    )?;
    ensure!(done["type"] == "create_entry", "{done}");
    Ok(())
}

/// The state of an entity with its attributes, if it is there.
fn figure(home: &HomeAssistant, entity: &str) -> Result<Option<(String, Value)>> {
    let state = home.state(entity)?;
    Ok(state.map(|state| (state.state, state.attributes)))
}

fn has_state(home: &HomeAssistant, entity: &str, wanted: &str) -> Result<()> {
    let mut last = None;
    wait(&format!("{entity} is {wanted}"), || {
        last = figure(home, entity)?.map(|(state, _)| state);
        Ok((last.as_deref() == Some(wanted)).then_some(()))
    })
    .with_context(|| format!("it is {last:?}; Home Assistant says: {}", home.end_of_log()))
}

#[test]
fn home_assistant_shows_the_figures_while_they_are_wanted() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let Some(mut broker) = Broker::start_or_skip(&folder.path().join("broker"))? else {
        return Ok(());
    };
    let quiet = ConfigFolderOptions {
        noisy_sensors: 2,
        ..ConfigFolderOptions::default()
    };
    let Some(home) = HomeAssistant::start_or_skip(&quiet)? else {
        return Ok(());
    };
    integrate(&home, &broker)?;

    let data = folder.path().join("data");
    fs::create_dir_all(&data)?;
    let password = folder.path().join("password");
    fs::write(&password, format!("{PASSWORD}\n"))?;
    let configuration = |enabled: bool| {
        format!(
            "[mqtt]\nenabled = {enabled}\nhost = \"127.0.0.1\"\nport = {}\nusername = \"{USER}\"\npassword_file = {:?}\nevery = \"1s\"\n",
            broker.port, password
        )
    };
    let on = configuration(true);
    let off = configuration(false);
    fs::write(data.join("weirhouse.toml"), &on)?;
    let token_file = home.token_file().display().to_string();
    let arguments = ["--ha-url", home.url(), "--ha-token-file", &token_file];
    let weirhouse = Program::start("serve", &data, &arguments)?;

    has_state(&home, "binary_sensor.weirhouse_problem", "off")?;
    let (observed, attributes) = wait("readings are counted", || {
        let now = figure(&home, "sensor.weirhouse_readings_in")?;
        Ok(now.filter(|(now, _)| now.parse::<u64>().is_ok_and(|it| it > 0)))
    })?;
    assert_eq!(attributes["unit_of_measurement"], "readings");
    assert_eq!(attributes["state_class"], "total_increasing");
    let (share, attributes) =
        figure(&home, "sensor.weirhouse_readings_suppressed")?.context("no share")?;
    ensure!(
        share
            .parse::<f64>()
            .is_ok_and(|it| (0.0..=100.0).contains(&it)),
        "{share}"
    );
    assert_eq!(attributes["unit_of_measurement"], "%");
    wait("the figure rises", || {
        let now = figure(&home, "sensor.weirhouse_readings_in")?;
        Ok(now.filter(|(now, _)| now.parse::<u64>().ok() > observed.parse().ok()))
    })?;

    // All belong to one device, and have identifiers, so that users can rename them.
    let mut commands = home.commands()?;
    let entities = commands.result(json!({ "type": "config/entity_registry/list" }))?;
    let ours: Vec<&Value> = entities
        .as_array()
        .context("no list")?
        .iter()
        .filter(|entity| {
            entity["platform"] == "mqtt"
                && entity["entity_id"]
                    .as_str()
                    .is_some_and(|id| id.contains(".weirhouse_"))
        })
        .collect();
    assert_eq!(ours.len(), 8, "{ours:?}");
    assert!(
        ours.iter()
            .all(|entity| entity["device_id"] == ours[0]["device_id"])
    );
    assert!(
        ours.iter()
            .all(|entity| entity["entity_category"] == "diagnostic")
    );

    // A broker that goes and comes back, with all that it kept lost.
    broker.stop()?;
    has_state(&home, "binary_sensor.weirhouse_problem", "unavailable")?;
    broker.start_again()?;
    has_state(&home, "binary_sensor.weirhouse_problem", "off")?;

    // The end is told, and so is a new start.
    assert_eq!(weirhouse.stop()?, 0);
    has_state(&home, "binary_sensor.weirhouse_problem", "unavailable")?;
    let weirhouse = Program::start("serve", &data, &arguments)?;
    has_state(&home, "binary_sensor.weirhouse_problem", "off")?;
    weirhouse.kill()?;
    has_state(&home, "binary_sensor.weirhouse_problem", "unavailable")?;

    // Turned off, nothing is left behind.
    fs::write(data.join("weirhouse.toml"), &off)?;
    let weirhouse = Program::start("serve", &data, &arguments)?;
    wait("the entities are gone", || {
        Ok(figure(&home, "binary_sensor.weirhouse_problem")?
            .is_none()
            .then_some(()))
    })?;
    assert_eq!(weirhouse.stop()?, 0);
    Ok(())
}

#[test]
fn a_broker_that_is_not_there_is_told_once_and_harms_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    fs::create_dir_all(&data)?;
    let port = free_address()?.port();
    fs::write(
        data.join("weirhouse.toml"),
        format!("[mqtt]\nhost = \"127.0.0.1\"\nport = {port}\n"),
    )?;
    let weirhouse = Program::start("demo", &data, &[] as &[&str])?;
    let log = wait("the log tells", || {
        let log = fs::read_to_string(data.with_extension("log"))?;
        Ok(log.contains("no MQTT broker").then_some(log))
    })?;
    ensure!(log.contains(&format!("127.0.0.1:{port}")), "{log}");
    weirhouse.wait_for_stats("readings", |stats| {
        stats["updates"]["observed"].as_u64() > Some(100)
    })?;
    assert_eq!(weirhouse.stop()?, 0);
    let log = fs::read_to_string(data.with_extension("log"))?;
    assert_eq!(log.matches("no MQTT broker").count(), 1, "{log}");
    Ok(())
}

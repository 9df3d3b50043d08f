//! What the Supervisor refuses of what an app asks Home Assistant.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};
use weirhouse_tests::container::{Image, SUPERVISOR};
use weirhouse_tests::home_assistant::HomeAssistant;
use weirhouse_tests::supervisor::TOKEN;

use super::{PATIENCE, STOP_LIMIT, ask, installed, quiet, supervisor, turn, wait_for};

/// An app without a program.
struct App(WebSocket<TcpStream>);

impl App {
    fn log_in() -> Result<Self> {
        let stream = TcpStream::connect((SUPERVISOR, 80))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let (socket, _) = client(format!("ws://{SUPERVISOR}/core/websocket"), stream)
            .map_err(|error| anyhow::anyhow!("no WebSocket: {error}"))?;
        let mut app = Self(socket);
        assert_eq!(app.next()?["type"], "auth_required");
        let answer = app.ask(&json!({ "type": "auth", "access_token": TOKEN }))?;
        assert_eq!(answer["type"], "auth_ok");
        Ok(app)
    }

    fn next(&mut self) -> Result<Value> {
        Ok(serde_json::from_str(self.0.read()?.to_text()?)?)
    }

    fn ask(&mut self, command: &Value) -> Result<Value> {
        self.0.send(Message::text(command.to_string()))?;
        self.next()
    }
}

/// The app needs none of what is refused to every app, and gets along where more is refused.
#[test]
fn it_works_on_where_the_supervisor_refuses_commands() -> Result<()> {
    let _turn = turn();
    let Some(image) = Image::build_or_skip()? else {
        return Ok(());
    };
    let Some(home) = HomeAssistant::start_or_skip(&quiet())? else {
        return Ok(());
    };
    let supervisor = supervisor(&home)?;
    let mut other = App::log_in()?;
    let command =
        json!({ "id": 7, "type": "supervisor/api", "endpoint": "/info", "method": "get" });
    let refused = json!({
        "id": 7, "type": "result", "success": false,
        "error": { "code": "unauthorized", "message": "Unauthorized" },
    });
    assert_eq!(other.ask(&command)?, refused);
    let pong = other.ask(&json!({ "id": 8, "type": "ping" }))?;
    assert_eq!(pong, json!({ "id": 8, "type": "pong" }));
    assert_eq!(supervisor.refused(), ["supervisor/api"]);

    supervisor.refuse("config/label_registry/");
    supervisor.refuse("manifest/");
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    installed(&data)?;
    let app = image.start(&data)?;
    app.wait_until_healthy(PATIENCE)?;
    wait_for(&data, "the first snapshot", |stats| {
        stats["home"]["connected"] == true && stats["home"]["stale"] == false
    })?;
    let tried = ["config/label_registry/list", "manifest/get"];
    let started = Instant::now();
    while !tried.iter().all(|kind| {
        let refused = supervisor.refused();
        refused.iter().any(|it| it == kind)
    }) {
        ensure!(
            started.elapsed() < PATIENCE,
            "only {:?} was tried",
            supervisor.refused()
        );
        thread::sleep(Duration::from_millis(100));
    }
    home.set_state("sensor.late", "7", &json!({}))?;
    let started = Instant::now();
    loop {
        let (status, body) = ask(&data, "GET", "/v1/states/sensor.late", b"")?;
        if status == 200 {
            let late: Value = serde_json::from_slice(&body)?;
            assert_eq!(late["state"], "7");
            break;
        }
        ensure!(started.elapsed() < PATIENCE, "{status}");
        thread::sleep(Duration::from_millis(100));
    }
    app.wait_until_healthy(PATIENCE)?;
    ensure!(
        supervisor.announced().is_empty(),
        "{:?}",
        supervisor.announced()
    );
    let refused = supervisor.refused();
    ensure!(
        refused[1..].iter().all(|kind| tried.contains(&&**kind)),
        "{refused:?}"
    );
    assert_eq!(app.stop(STOP_LIMIT)?, 0);
    let log = app.log()?;
    ensure!(
        log.contains("Home Assistant does not list this class")
            && log.contains("the companion integration was not told"),
        "{log}"
    );
    ensure!(!log.contains("panicked"), "{log}");
    Ok(())
}

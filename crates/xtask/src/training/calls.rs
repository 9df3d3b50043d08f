//! What is asked of the program in training.

use std::io::Read;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, client};
use ureq::Agent;

/// Rounds of [`READS`].
const ROUNDS: usize = 60;

/// Reads of one state in each round: that is asked for most.
const SINGLE: usize = 40;

/// How long streams are listened to, beside everything else.
const LISTENED: Duration = Duration::from_secs(6);

/// What a round reads.
const READS: [&str; 15] = [
    "/",
    "/healthz",
    "/metrics",
    "/v1/activity",
    "/v1/areas",
    "/v1/context?budget=1000",
    "/v1/devices",
    "/v1/entities",
    "/v1/history",
    "/v1/log?since=0",
    "/v1/plugins",
    "/v1/states",
    "/v1/states?domain=sensor&fields=state",
    "/v1/states/sensor.power_1",
    "/v1/stats",
];

/// The program's API.
pub(crate) struct Api {
    address: String,
    token: String,
    agent: Agent,
}

impl Api {
    pub(crate) fn new(address: &str, token: &str) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(30)))
            .http_status_as_error(false)
            .proxy(None);
        Self {
            address: address.to_owned(),
            token: token.to_owned(),
            agent: config.build().into(),
        }
    }

    /// Whether the program has the states of the home.
    pub(crate) fn has_home(&self) -> bool {
        let stats = self.call("GET", "/v1/stats", "");
        let stats: Option<Value> = stats.ok().and_then(|it| serde_json::from_str(&it).ok());
        stats.is_some_and(|stats| stats["home"]["entities"].as_u64() > Some(0))
    }

    /// Asks for everything.
    pub(crate) fn work(&self) -> Result<()> {
        thread::scope(|scope| {
            let listeners = [
                scope.spawn(|| self.listen("/v1/stream")),
                scope.spawn(|| {
                    self.listen("/v1/stream?snapshot=true&significance=5%25&interval=1s")
                }),
                scope.spawn(|| self.live_as_home_assistants_client()),
            ];
            for round in 0..ROUNDS {
                self.round(round)?;
            }
            for listener in listeners {
                let Ok(outcome) = listener.join() else {
                    bail!("who listened to the program panicked");
                };
                outcome?;
            }
            Ok(())
        })
    }

    fn round(&self, round: usize) -> Result<()> {
        for path in READS {
            self.call("GET", path, "")?;
        }
        for number in 0..SINGLE {
            self.call("GET", &format!("/v1/states/sensor.power_{number}"), "")?;
        }
        let value = format!("/v1/cache/training/{}", round % 20);
        self.call("PUT", &value, "a value")?;
        self.call("GET", &value, "")?;
        let reading = json!({ "readings": [{ "entity": "sensor.reported", "value": round }] });
        self.call("POST", "/v1/readings", &reading.to_string())?;
        Ok(())
    }

    fn call(&self, method: &str, path: &str, body: &str) -> Result<String> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .header("authorization", format!("Bearer {}", self.token))
            .header("accept-encoding", "gzip")
            .header("content-type", "application/json")
            .body(body.to_owned())?;
        let mut answer = self.agent.run(request)?;
        let mut text = Vec::new();
        answer.body_mut().as_reader().read_to_end(&mut text)?;
        let status = answer.status();
        ensure!(
            status.is_success(),
            "{method} {path} is answered with {status}"
        );
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Reads a stream of events for a while.
    fn listen(&self, path: &str) -> Result<()> {
        let begun = Instant::now();
        let mut answer = self
            .agent
            .get(format!("http://{}{path}", self.address))
            .header("authorization", format!("Bearer {}", self.token))
            .call()?;
        ensure!(
            answer.status().is_success(),
            "{path} is answered with {}",
            answer.status()
        );
        let mut events = answer.body_mut().as_reader();
        let mut some = [0; 4096];
        while begun.elapsed() < LISTENED {
            ensure!(events.read(&mut some)? > 0, "{path} ended");
        }
        Ok(())
    }

    /// Follows all states as a client of Home Assistant's own interface does.
    fn live_as_home_assistants_client(&self) -> Result<()> {
        let begun = Instant::now();
        let request = format!("ws://{}/api/websocket", self.address).into_client_request()?;
        let stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(LISTENED))?;
        let (mut socket, _) = client(request, stream).context("its WebSocket does not open")?;
        let commands = [
            json!({ "type": "auth", "access_token": "any" }),
            json!({ "id": 1, "type": "supported_features", "features": { "coalesce_messages": 1 } }),
            json!({ "id": 2, "type": "subscribe_entities" }),
            json!({ "id": 3, "type": "get_states" }),
            json!({ "id": 4, "type": "config/entity_registry/list" }),
        ];
        for command in commands {
            socket.send(Message::text(command.to_string()))?;
        }
        let mut events = 0;
        while begun.elapsed() < LISTENED {
            if socket.read()?.to_text()?.contains("\"event\"") {
                events += 1;
            }
        }
        ensure!(events > 0, "its WebSocket told of no change");
        Ok(())
    }
}

//! What clients should not send.

use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};
use weirhouse_tests::foreign_client::{Installed, Library};
use weirhouse_tests::home_assistant::HomeAssistant;
use weirhouse_tests::program::Program;

/// A socket on which anything can be said.
struct Raw(WebSocket<TcpStream>);

impl Raw {
    fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let (socket, _) = client(format!("ws://127.0.0.1:{port}/api/websocket"), stream)
            .map_err(|error| anyhow::anyhow!("no WebSocket: {error}"))?;
        Ok(Self(socket))
    }

    fn logged_in(port: u16, token: &str) -> Result<Self> {
        let mut raw = Self::connect(port)?;
        raw.next()?;
        raw.say(&json!({ "type": "auth", "access_token": token }).to_string())?;
        assert_eq!(raw.next()?["type"], "auth_ok");
        Ok(raw)
    }

    fn say(&mut self, text: &str) -> Result<()> {
        Ok(self.0.send(Message::text(text))?)
    }

    /// The next message.
    fn next(&mut self) -> Result<Value> {
        loop {
            if let Message::Text(text) = self.0.read()? {
                return Ok(serde_json::from_str(&text)?);
            }
        }
    }

    /// How it was closed; `None` if without a word.
    fn closed(&mut self) -> Option<CloseCode> {
        loop {
            match self.0.read() {
                Ok(Message::Close(frame)) => return frame.map(|frame| frame.code),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
}

pub(crate) fn is_answered_as_home_assistant_does(
    home: &HomeAssistant,
    weirhouse: &Program,
) -> Result<()> {
    let (ours, theirs) = (weirhouse.address.port(), home.port());

    // Commands that are none get the same answers.
    for text in [
        r#"{"id":5,"type":"no/such/command"}"#.to_owned(),
        r#"{"id":5,"type":"ping","more":1}"#.to_owned(),
        r#"{"id":5,"type":"get_states","more":1}"#.to_owned(),
        r#"{"id":5}"#.to_owned(),
        r#"{"id":"5","type":"ping"}"#.to_owned(),
        r#"{"id":-5,"type":"ping"}"#.to_owned(),
        r#"{"id":5.0,"type":"ping"}"#.to_owned(),
        r#"{"type":"ping"}"#.to_owned(),
        "7".to_owned(),
        r#"["a"]"#.to_owned(),
        r#"[{"id":5,"type":"ping"},{"id":5,"type":"ping"}]"#.to_owned(),
        r#"{"id":5,"type":"subscribe_entities","entity_ids":["no entity"]}"#.to_owned(),
        r#"{"id":5,"type":"unsubscribe_events","subscription":4}"#.to_owned(),
        r#"{"id":5,"type":"unsubscribe_events","subscription":0}"#.to_owned(),
        r#"{"id":5,"type":"unsubscribe_events","subscription":[]}"#.to_owned(),
        r#"{"id":5,"type":"unsubscribe_events"}"#.to_owned(),
        format!(r#"{{"id":5,"type":"ping","x":"{}"}}"#, "x".repeat(1 << 20)),
    ] {
        let mut answers = Vec::new();
        for port in [theirs, ours] {
            let mut raw = Raw::logged_in(port, home.token())?;
            raw.say(&text)?;
            raw.say(r#"{"id":9,"type":"ping"}"#)?;
            let mut told = Vec::new();
            loop {
                let mut message = raw.next()?;
                if message == json!({ "id": 9, "type": "pong" }) {
                    break;
                }
                // The words are Home Assistant's own affair, and may change.
                if let Some(error) = message["error"].as_object_mut() {
                    error.remove("message");
                }
                told.push(message);
            }
            answers.push(told);
        }
        let [theirs, ours] = &answers[..] else {
            continue;
        };
        let shown = text.get(..80).unwrap_or(&text);
        assert_eq!(theirs, ours, "{shown}");
        assert!(!ours.is_empty(), "{shown}");
    }

    // What is no JSON ends the conversation, and nothing else.
    for (text, code) in [("{", CloseCode::Invalid), ("", CloseCode::Invalid)] {
        let mut raw = Raw::logged_in(ours, home.token())?;
        raw.say(text)?;
        assert_eq!(raw.closed(), Some(code), "{text:?}");
    }
    let mut raw = Raw::logged_in(ours, home.token())?;
    raw.say(&format!(r#"{{"id":1,"type":"{}"}}"#, "x".repeat(5 << 20)))
        .ok();
    assert!(matches!(raw.closed(), Some(CloseCode::Size) | None));
    // Of one who has not logged in little is read.
    let mut raw = Raw::connect(ours)?;
    raw.next()?;
    raw.say(&"x".repeat(1 << 20)).ok();
    assert_eq!(raw.closed(), None);
    let mut raw = Raw::connect(ours)?;
    raw.0.send(Message::binary(vec![1, 2, 3]))?;
    raw.closed().context("no goodbye")?;

    let answer = weirhouse.get("/api/websocket")?;
    assert_eq!(
        (answer.status, answer.header("upgrade")),
        (426, "websocket")
    );
    assert_eq!(weirhouse.json("/v1/stats")?["optimizer"]["traps"], 0);
    Ok(())
}

/// Home Assistant's verdict, word for word; after several from one address there is a pause.
pub(crate) fn of_tokens(
    home: &HomeAssistant,
    weirhouse: &Program,
    clients: &Installed,
) -> Result<()> {
    let mut verdicts = Vec::new();
    for port in [home.port(), weirhouse.address.port()] {
        for auth in [
            json!({ "type": "auth", "access_token": "not-the-token" }),
            json!({ "type": "auth" }),
            json!({ "type": "ping", "id": 1 }),
        ] {
            let mut raw = Raw::connect(port)?;
            let greeting = raw.next()?;
            raw.say(&auth.to_string())?;
            verdicts.push([greeting, raw.next()?]);
            assert!(raw.closed().is_some());
        }
    }
    let (theirs, ours) = verdicts.split_at(3);
    assert_eq!(theirs, ours);
    assert_eq!(ours[0][1]["type"], "auth_invalid");

    let url = format!("http://{}", weirhouse.address);
    // A library gives up on it, rather than trying again.
    for (library, error) in [
        (Library::JavaScript, "invalid auth"),
        (Library::Python, "AuthenticationFailed"),
    ] {
        let refused = clients.start(library, &url, "not-the-token")?;
        assert_eq!(refused.err(), Some(json!(error)));
    }
    let pause = Raw::connect(weirhouse.address.port());
    assert!(pause.is_err_and(|error| error.to_string().contains("429")));
    Ok(())
}

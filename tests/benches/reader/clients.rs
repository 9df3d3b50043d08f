//! Who listens to changes: Home Assistant's own WebSocket, and streams of Weirhouse.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use crate::load::{find, number_after};

/// When each value was seen; every change of the bench has another.
pub(crate) type Seen = Rc<RefCell<HashMap<u64, Instant>>>;

/// What one listener received.
#[derive(Default, Clone, Copy)]
pub(crate) struct Received {
    /// Changes.
    pub(crate) changes: u64,
    /// Changes that it was told were merged into others, or missed.
    pub(crate) missed: u64,
    pub(crate) bytes: u64,
    pub(crate) messages: u64,
}

#[derive(Deserialize)]
struct Frame {
    event: Option<Event>,
}

#[derive(Deserialize)]
struct Event {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    new_state: Option<State>,
}

#[derive(Deserialize)]
struct State {
    entity_id: String,
    state: String,
}

/// Notes what Home Assistant tells a client that listens to all changes of states.
pub(crate) async fn listen_directly(
    address: SocketAddr,
    token: String,
    seen: Seen,
    received: Rc<RefCell<Received>>,
) -> Result<()> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut socket, _) = client_async(format!("ws://{address}/api/websocket"), stream).await?;
    let auth = serde_json::json!({ "type": "auth", "access_token": token });
    let subscribe =
        serde_json::json!({ "id": 1, "type": "subscribe_events", "event_type": "state_changed" });
    for message in [auth, subscribe] {
        socket.send(Message::text(message.to_string())).await?;
    }
    while let Some(message) = socket.next().await {
        let now = Instant::now();
        let Message::Text(text) = message? else {
            continue;
        };
        let Ok(Frame { event: Some(event) }) = serde_json::from_str(&text) else {
            continue;
        };
        let mut received = received.borrow_mut();
        received.messages += 1;
        received.bytes += text.len() as u64;
        if let Some(state) = event
            .data
            .new_state
            .filter(|it| it.entity_id.starts_with("sensor.bench_"))
            && let Ok(value) = state.state.parse()
        {
            received.changes += 1;
            seen.borrow_mut().insert(value, now);
        }
    }
    bail!("Home Assistant ended the connection")
}

/// Notes what `path` streams; `seen` only where the values are of interest.
pub(crate) async fn listen(
    address: SocketAddr,
    path: String,
    token: String,
    seen: Option<Seen>,
    received: Rc<RefCell<Received>>,
) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nAccept: text/event-stream\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut pending: Vec<u8> = Vec::with_capacity(1 << 16);
    loop {
        if stream.read_buf(&mut pending).await? == 0 {
            bail!("the stream ended");
        }
        let now = Instant::now();
        let mut done = 0;
        // An event ends with an empty line; the sizes of chunks between events are no lines of ours.
        while let Some(end) = pending.get(done..).and_then(|rest| find(rest, b"\n\n")) {
            let event = pending.get(done..done + end).context("an event")?;
            done += end + 2;
            let mut received = received.borrow_mut();
            received.messages += 1;
            received.bytes += end as u64 + 2;
            if find(event, b"event: lagged").is_some() {
                received.missed += number_after(event, b"\"missed\":").unwrap_or(0);
            } else if find(event, b"event: update").is_some()
                || find(event, b"event: change").is_some()
            {
                received.changes += 1;
                received.missed += number_after(event, b"\"merged\":").unwrap_or(0);
                if let Some(seen) = &seen
                    && find(event, b"\"entity_id\":\"sensor.bench_").is_some()
                    && let Some(value) = number_after(event, b"\"state\":\"")
                {
                    seen.borrow_mut().insert(value, now);
                }
            }
        }
        pending.drain(..done);
    }
}

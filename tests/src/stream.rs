//! Streams of a running program, event by event.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

use crate::program::{PATIENCE, Program};

/// One event of a stream.
#[derive(Debug)]
pub struct Event {
    /// What it is.
    pub name: String,
    /// Where to resume, if it says so.
    pub id: Option<String>,
    /// What it tells.
    pub data: Value,
}

/// Server-sent events, one by one.
pub struct Events(BufReader<TcpStream>);

impl Events {
    /// Opens `/v1/stream` with these parameters, and further lines of the head.
    pub fn open(program: &Program, query: &str, headers: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(program.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        // Without chunks there is nothing between the events.
        write!(
            stream,
            "GET /v1/stream?{query} HTTP/1.0\r\nHost: {}\r\nAuthorization: Bearer {}\r\n{headers}\r\n",
            program.address, program.token
        )?;
        let mut events = Self(BufReader::new(stream));
        let status = events.line()?.context("no answer")?;
        ensure!(status.contains(" 200 "), "{status}");
        while events.line()?.is_some_and(|line| !line.is_empty()) {}
        Ok(events)
    }

    /// The next line; `None` at the end of the stream.
    fn line(&mut self) -> Result<Option<String>> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line)?;
        Ok((read > 0).then(|| line.trim_end().to_owned()))
    }

    /// All lines that are still to come, up to the end of the stream.
    pub fn rest(&mut self) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        while let Some(line) = self.line()? {
            lines.push(line);
        }
        Ok(lines)
    }

    /// The next event; an error at the end of the stream.
    pub fn read(&mut self) -> Result<Event> {
        let mut fields = BTreeMap::new();
        loop {
            let line = self.line()?.context("the stream ended")?;
            match line.split_once(": ") {
                Some((name, value)) => {
                    fields.insert(name.to_owned(), value.to_owned());
                }
                None if fields.contains_key("event") => break,
                None => fields.clear(),
            }
        }
        Ok(Event {
            name: fields.remove("event").unwrap_or_default(),
            id: fields.remove("id"),
            data: serde_json::from_str(&fields.remove("data").context("an event without data")?)?,
        })
    }
}

/// Opens the same over a WebSocket.
pub fn socket(program: &Program, query: &str) -> Result<WebSocket<TcpStream>> {
    let mut request =
        format!("ws://{}/v1/stream?{query}", program.address).into_client_request()?;
    let token = format!("Bearer {}", program.token).parse()?;
    request.headers_mut().insert("authorization", token);
    let stream = TcpStream::connect(program.address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let (socket, answer) = client(request, stream).map_err(|error| anyhow::anyhow!("{error}"))?;
    ensure!(answer.status() == 101, "{answer:?}");
    Ok(socket)
}

/// Reads a WebSocket to its end, and gives the code of the close frame.
pub fn close_code(socket: &mut WebSocket<TcpStream>) -> Result<u16> {
    loop {
        if let Message::Close(frame) = socket.read()? {
            return Ok(frame.context("a farewell without a code")?.code.into());
        }
    }
}

/// The next event of a WebSocket.
pub fn next_message(socket: &mut WebSocket<TcpStream>) -> Result<Event> {
    loop {
        if let Message::Text(text) = socket.read()? {
            let mut message: Value = serde_json::from_str(&text)?;
            return Ok(Event {
                name: message["event"].as_str().context("no event")?.to_owned(),
                id: message["id"].as_str().map(str::to_owned),
                data: message["data"].take(),
            });
        }
    }
}

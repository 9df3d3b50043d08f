//! Commands over Home Assistant's WebSocket, one at a time.

use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

/// A connection that is logged in.
pub struct Commands {
    socket: WebSocket<TcpStream>,
    last_id: u64,
}

impl Commands {
    /// Logs in at this port of loopback, at Home Assistant or whoever speaks like it.
    pub fn connect(port: u16, token: &str) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("cannot connect")?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let (socket, _) = client(format!("ws://127.0.0.1:{port}/api/websocket"), stream)
            .map_err(|error| anyhow::anyhow!("no WebSocket: {error}"))?;
        let mut this = Self { socket, last_id: 0 };
        this.receive()?; // It asks for the token first.
        this.send(&json!({ "type": "auth", "access_token": token }))?;
        let answer = this.receive()?;
        if answer["type"] != "auth_ok" {
            bail!("the WebSocket refuses the token: {answer}");
        }
        Ok(this)
    }

    /// The identifier of the last command.
    pub fn last_id(&self) -> u64 {
        self.last_id
    }

    /// The command's result, or the error it was answered with.
    pub fn call(&mut self, mut command: Value) -> Result<Result<Value, Value>> {
        self.last_id += 1;
        command["id"] = self.last_id.into();
        self.send(&command)?;
        loop {
            let mut answer = self.receive()?;
            if answer["id"] == self.last_id && answer["type"] == "result" {
                let succeeded = answer["success"] == true;
                return Ok(if succeeded {
                    Ok(answer["result"].take())
                } else {
                    Err(answer["error"].take())
                });
            }
        }
    }

    /// The result of a command that must succeed.
    pub fn result(&mut self, command: Value) -> Result<Value> {
        let what = command.to_string();
        self.call(command)?
            .map_err(|error| anyhow::anyhow!("{what}: {error}"))
    }

    /// Sends a message as it is.
    pub fn send(&mut self, message: &Value) -> Result<()> {
        self.socket
            .send(Message::text(message.to_string()))
            .context("cannot write to the WebSocket")
    }

    /// Reads until the other side ends the connection, and gives the code of its farewell, if it says any; an error if
    /// it goes on.
    pub fn until_closed(&mut self) -> Result<Option<u16>> {
        loop {
            match self.socket.read() {
                Ok(Message::Close(frame)) => return Ok(frame.map(|frame| frame.code.into())),
                Err(
                    Error::ConnectionClosed
                    | Error::AlreadyClosed
                    | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake),
                ) => return Ok(None),
                Ok(_) => {}
                Err(error) => return Err(error).context("the connection goes on"),
            }
        }
    }

    /// The next message.
    pub fn receive(&mut self) -> Result<Value> {
        loop {
            if let Message::Text(text) = self
                .socket
                .read()
                .context("cannot read from the WebSocket")?
            {
                return serde_json::from_str(&text).with_context(|| format!("no JSON: {text}"));
            }
        }
    }
}

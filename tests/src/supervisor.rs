//! A stand-in for the Supervisor, as far as an app asks it: the way to Home Assistant and the broker.
//!
//! It behaves as the Supervisor does for an app with `homeassistant_api` and `services: mqtt:want`, by what can be
//! observed of it: the app's own token opens everything, Home Assistant's is never shown to the app, and while Home
//! Assistant is away the answer is 502.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept, client};

/// The token that the app is given.
pub const TOKEN: &str = "token-of-the-app";

/// Longest head of a request.
const LONGEST_HEAD: usize = 8 << 10;

/// A running stand-in; its threads end with the test.
pub struct Supervisor {
    shared: Arc<Shared>,
}

struct Shared {
    /// Home Assistant's port on loopback, and a token for it.
    home_port: u16,
    home_token: String,
    /// What is said of a broker.
    broker: Mutex<Option<Value>>,
    /// Paths that were asked for.
    asked: Mutex<Vec<String>>,
    /// What was announced to integrations.
    announced: Mutex<Vec<Value>>,
}

impl Supervisor {
    /// Answers at this address, in front of a Home Assistant on loopback.
    pub fn start(address: SocketAddr, home_port: u16, home_token: &str) -> Result<Self> {
        let listener = TcpListener::bind(address)
            .with_context(|| format!("cannot be the Supervisor at {address}"))?;
        let shared = Arc::new(Shared {
            home_port,
            home_token: home_token.to_owned(),
            broker: Mutex::default(),
            asked: Mutex::default(),
            announced: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = Arc::clone(&serving);
                // A request that cannot be answered is closed by being dropped.
                thread::spawn(move || serving.answer(stream));
            }
        });
        Ok(Self { shared })
    }

    /// Offers a broker from now on.
    pub fn offer_broker(&self, broker: Value) {
        *lock(&self.shared.broker) = Some(broker);
    }

    /// What was announced to integrations so far.
    pub fn announced(&self) -> Vec<Value> {
        lock(&self.shared.announced).clone()
    }

    /// Paths that were asked for so far.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.shared.asked).clone()
    }
}

impl Shared {
    fn answer(&self, mut stream: TcpStream) -> Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let head = peek_head(&stream)?;
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        lock(&self.asked).push(path.clone());
        if path == "/core/websocket" {
            return self.pass_on(stream);
        }
        let mut rest = vec![0; head.len()];
        stream.read_exact(&mut rest)?;
        let bearer = format!("bearer {TOKEN}");
        let may =
            header(&head, "authorization").is_some_and(|value| value.eq_ignore_ascii_case(&bearer));
        let (status, body) = match path.as_str() {
            _ if !may => (
                "401 Unauthorized",
                json!({ "result": "error", "message": "" }),
            ),
            "/services/mqtt" => match &*lock(&self.broker) {
                Some(broker) => ("200 OK", json!({ "result": "ok", "data": broker })),
                None => (
                    "400 Bad Request",
                    json!({ "result": "error", "message": "Service not enabled" }),
                ),
            },
            "/discovery" => {
                let length = header(&head, "content-length").and_then(|it| it.parse().ok());
                let mut body = vec![0; length.unwrap_or(0)];
                stream.read_exact(&mut body)?;
                lock(&self.announced).push(serde_json::from_slice(&body)?);
                ("200 OK", json!({ "result": "ok", "data": { "uuid": "1" } }))
            }
            _ => ("404 Not Found", json!({ "result": "error", "message": "" })),
        };
        let body = body.to_string();
        write!(
            stream,
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )?;
        Ok(())
    }

    /// The way to Home Assistant: the app logs in with its own token, the rest passes as it is.
    fn pass_on(&self, mut stream: TcpStream) -> Result<()> {
        let Ok(home) = self.log_in() else {
            stream.write_all(
                b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            )?;
            return Ok(());
        };
        let mut app = accept(stream).map_err(|error| anyhow::anyhow!("no WebSocket: {error}"))?;
        send(
            &mut app,
            &json!({ "type": "auth_required", "ha_version": "0" }),
        )?;
        let login = receive(&mut app)?;
        if login["access_token"] != TOKEN {
            return send(
                &mut app,
                &json!({ "type": "auth_invalid", "message": "Invalid access" }),
            );
        }
        send(&mut app, &json!({ "type": "auth_ok", "ha_version": "0" }))?;
        let app = app.get_ref().try_clone()?;
        app.set_read_timeout(None)?;
        let home = home.get_ref().try_clone()?;
        // Both speak first only after the login, so that nothing was read ahead.
        let (mut from_home, mut to_app) = (home.try_clone()?, app.try_clone()?);
        thread::spawn(move || {
            let _ = io::copy(&mut from_home, &mut to_app);
            let _ = to_app.shutdown(Shutdown::Both);
        });
        let (mut from_app, mut to_home) = (app, home);
        let _ = io::copy(&mut from_app, &mut to_home);
        to_home.shutdown(Shutdown::Both)?;
        Ok(())
    }

    /// A connection to Home Assistant on which commands may follow.
    fn log_in(&self) -> Result<WebSocket<TcpStream>> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.home_port))?;
        let url = format!("ws://127.0.0.1:{}/api/websocket", self.home_port);
        let (mut home, _) =
            client(url, stream).map_err(|error| anyhow::anyhow!("no WebSocket: {error}"))?;
        receive(&mut home)?;
        send(
            &mut home,
            &json!({ "type": "auth", "access_token": self.home_token }),
        )?;
        let answer = receive(&mut home)?;
        ensure!(answer["type"] == "auth_ok", "{answer}");
        Ok(home)
    }
}

/// The head of a request, which stays to be read.
fn peek_head(stream: &TcpStream) -> Result<String> {
    let mut buffer = [0; LONGEST_HEAD];
    loop {
        let seen = stream.peek(&mut buffer)?;
        let text = String::from_utf8_lossy(&buffer[..seen]);
        if let Some(end) = text.find("\r\n\r\n") {
            return Ok(text[..end + 4].to_owned());
        }
        ensure!(seen > 0 && seen < LONGEST_HEAD, "no request");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A field of the head of a request.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

fn send<S: io::Read + io::Write>(socket: &mut WebSocket<S>, message: &Value) -> Result<()> {
    Ok(socket.send(Message::text(message.to_string()))?)
}

fn receive<S: io::Read + io::Write>(socket: &mut WebSocket<S>) -> Result<Value> {
    Ok(serde_json::from_str(socket.read()?.to_text()?)?)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! A stand-in for the Supervisor, as far as an app asks it: the way to Home Assistant and the broker.
//!
//! It behaves as the Supervisor does for an app with `homeassistant_api` and `services: mqtt:want`, by what can be
//! observed of it: the app's own token opens everything, Home Assistant's is never shown to the app, while Home
//! Assistant is away the answer is 502, and commands that only Home Assistant's own pages may send are refused.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async, client_async};

/// The token that the app is given.
pub const TOKEN: &str = "token-of-the-app";

/// Longest head of a request.
const LONGEST_HEAD: usize = 8 << 10;

/// What the type of a command may not begin with.
const REFUSED: [&str; 2] = ["supervisor/", "hassio/"];

/// A WebSocket, on either side.
type Socket = WebSocketStream<net::TcpStream>;

/// A running stand-in, until it is dropped; connections that are open then end by themselves.
pub struct Supervisor {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
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
    /// What the type of a command may not begin with.
    refuses: Mutex<Vec<String>>,
    /// Types of the commands that were refused.
    refused: Mutex<Vec<String>>,
    /// Whether it is to end.
    stopped: AtomicBool,
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
            refuses: Mutex::new(REFUSED.map(str::to_owned).into()),
            refused: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        let accepting = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if serving.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let serving = Arc::clone(&serving);
                // A request that cannot be answered is closed by being dropped.
                thread::spawn(move || serving.answer(stream));
            }
        });
        Ok(Self {
            address,
            shared,
            accepting: Some(accepting),
        })
    }

    /// Offers a broker from now on.
    pub fn offer_broker(&self, broker: Value) {
        *lock(&self.shared.broker) = Some(broker);
    }

    /// Refuses commands whose type begins so as well, as another version of it may.
    pub fn refuse(&self, beginning: &str) {
        lock(&self.shared.refuses).push(beginning.to_owned());
    }

    /// Types of the commands that were refused so far.
    pub fn refused(&self) -> Vec<String> {
        lock(&self.shared.refused).clone()
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

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // It waits for a connection.
        let woken = TcpStream::connect(self.address);
        if let (Ok(_), Some(accepting)) = (woken, self.accepting.take()) {
            let _ = accepting.join();
        }
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

    /// The way to Home Assistant: the app logs in with its own token, the rest passes as it is, but for what is refused.
    fn pass_on(&self, stream: TcpStream) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(self.connect(stream))
    }

    async fn connect(&self, mut stream: TcpStream) -> Result<()> {
        let Ok(home) = self.log_in().await else {
            stream.write_all(
                b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            )?;
            return Ok(());
        };
        stream.set_nonblocking(true)?;
        let mut app = accept_async(net::TcpStream::from_std(stream)?).await?;
        let greeting = json!({ "type": "auth_required", "ha_version": "0" });
        send(&mut app, &greeting).await?;
        let login = receive(&mut app).await?;
        if login["access_token"] != TOKEN {
            let refusal = json!({ "type": "auth_invalid", "message": "Invalid access" });
            return send(&mut app, &refusal).await;
        }
        send(&mut app, &json!({ "type": "auth_ok", "ha_version": "0" })).await?;
        self.exchange(app, home).await
    }

    /// Passes on what either says until one of them ends.
    async fn exchange(&self, mut app: Socket, mut home: Socket) -> Result<()> {
        loop {
            tokio::select! {
                said = app.next() => match said {
                    Some(Ok(said)) if is_for_the_other(&said) => match self.refusal(&said) {
                        Some(refusal) => send(&mut app, &refusal).await?,
                        None => home.send(said).await?,
                    },
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    _ => break,
                },
                said = home.next() => match said {
                    Some(Ok(said)) if is_for_the_other(&said) => app.send(said).await?,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    _ => break,
                },
            }
        }
        // Either may be gone already.
        let _ = app.close(None).await;
        let _ = home.close(None).await;
        Ok(())
    }

    /// A connection to Home Assistant on which commands may follow.
    async fn log_in(&self) -> Result<Socket> {
        let stream = net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.home_port)).await?;
        let url = format!("ws://127.0.0.1:{}/api/websocket", self.home_port);
        let (mut home, _) = client_async(url, stream).await?;
        receive(&mut home).await?;
        let login = json!({ "type": "auth", "access_token": self.home_token });
        send(&mut home, &login).await?;
        let answer = receive(&mut home).await?;
        ensure!(answer["type"] == "auth_ok", "{answer}");
        Ok(home)
    }

    /// The answer to a command that is refused. What is no single command is not looked at.
    fn refusal(&self, said: &Message) -> Option<Value> {
        let command: Value = serde_json::from_str(said.to_text().ok()?).ok()?;
        let kind = command.get("type")?.as_str()?;
        let refuses = lock(&self.refuses);
        if !refuses.iter().any(|beginning| kind.starts_with(beginning)) {
            return None;
        }
        lock(&self.refused).push(kind.to_owned());
        Some(json!({
            "id": command.get("id"),
            "type": "result",
            "success": false,
            "error": { "code": "unauthorized", "message": "Unauthorized" },
        }))
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

/// Signs of life are each side's own business.
fn is_for_the_other(said: &Message) -> bool {
    said.is_text() || said.is_binary()
}

async fn send(socket: &mut Socket, message: &Value) -> Result<()> {
    Ok(socket.send(Message::text(message.to_string())).await?)
}

async fn receive(socket: &mut Socket) -> Result<Value> {
    let message = socket.next().await.context("the connection ended")??;
    Ok(serde_json::from_str(message.to_text()?)?)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

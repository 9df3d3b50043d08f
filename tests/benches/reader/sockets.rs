//! Home Assistant's own WebSocket interface, at Home Assistant and at Weirhouse: how fast commands are answered, and
//! how much later a change is heard.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::{self, JoinSet};
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::clients::{Received, Seen};
use crate::home::Home;
use crate::load::{find, number_after, quantile};
use crate::process::processor_s;

/// Clients of one home that ask at once.
const MANY: usize = 8;

const TIME: Duration = Duration::from_secs(5);

/// For a client to be connected, and for what is on its way to arrive.
const SETTLED: Duration = Duration::from_secs(2);

/// A client that is logged in.
pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
    last_id: u64,
}

impl Client {
    pub(crate) async fn log_in(address: SocketAddr, token: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let url = format!("ws://{address}/api/websocket");
        let (mut socket, _) = client_async(url, stream).await?;
        let auth = json!({ "type": "auth", "access_token": token });
        socket.send(Message::text(auth.to_string())).await?;
        let mut this = Self { socket, last_id: 0 };
        while find(this.receive().await?.as_bytes(), b"auth_ok").is_none() {}
        Ok(this)
    }

    async fn receive(&mut self) -> Result<String> {
        loop {
            match self.socket.next().await.context("the connection ended")?? {
                Message::Text(text) => return Ok(text.as_str().to_owned()),
                Message::Close(frame) => bail!("closed: {frame:?}"),
                _ => {}
            }
        }
    }

    async fn send(&mut self, mut command: Value) -> Result<()> {
        self.last_id += 1;
        command["id"] = self.last_id.into();
        self.socket.send(Message::text(command.to_string())).await?;
        Ok(())
    }

    /// Asks, and waits for what the command gives: its result, or the first event behind it; gives its length.
    async fn ask(&mut self, command: &Command) -> Result<usize> {
        self.send(json!({ "type": command.name })).await?;
        loop {
            let text = self.receive().await?;
            if find(text.as_bytes(), command.answered_by).is_some() {
                return Ok(text.len());
            }
        }
    }

    /// Ends what an earlier command began.
    async fn end(&mut self, command: &Command) -> Result<()> {
        if command.goes_on {
            let subscription = self.last_id;
            self.send(json!({ "type": "unsubscribe_events", "subscription": subscription }))
                .await?;
            while find(self.receive().await?.as_bytes(), b"\"result\"").is_none() {}
        }
        Ok(())
    }

    /// Notes changes until aborted.
    pub(crate) async fn follow(
        mut self,
        seen: Option<Seen>,
        received: Rc<RefCell<Received>>,
    ) -> Result<()> {
        self.send(json!({ "type": "subscribe_entities" })).await?;
        loop {
            let text = self.receive().await?;
            let now = Instant::now();
            let mut received = received.borrow_mut();
            received.messages += 1;
            received.bytes += text.len() as u64;
            let Some(changes) = find(text.as_bytes(), b"\"c\":{\"") else {
                continue;
            };
            // One entity after the other, each with its new state.
            let mut rest = text.as_bytes().get(changes..).unwrap_or_default();
            while let Some(at) = find(rest, b"\"sensor.bench_") {
                rest = rest.get(at + 1..).unwrap_or_default();
                let Some(value) = number_after(rest, b"\"s\":\"") else {
                    break;
                };
                received.changes += 1;
                if let Some(seen) = &seen {
                    seen.borrow_mut().insert(value, now);
                }
            }
        }
    }
}

struct Command {
    name: &'static str,
    /// What stands in the message that answers it.
    answered_by: &'static [u8],
    goes_on: bool,
}

const COMMANDS: [Command; 3] = [
    Command {
        name: "get_states",
        answered_by: b"\"result\"",
        goes_on: false,
    },
    Command {
        name: "subscribe_entities",
        answered_by: b"\"a\":{",
        goes_on: true,
    },
    Command {
        name: "config/entity_registry/list",
        answered_by: b"\"result\"",
        goes_on: false,
    },
];

/// Who answers.
struct Side<'a> {
    who: &'a str,
    address: SocketAddr,
    pid: u32,
}

pub(crate) async fn measure(home: &Home, entities: usize) -> Result<()> {
    println!("\n### Home Assistant's WebSocket interface, {entities} entities\n");
    println!(
        "| command | from | bytes | 1 client: p50, ms | p95, ms | {MANY} clients: answers/s | p95, ms | answers per second of its processor time |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let token = home.assistant.token();
    let sides = [
        Side {
            who: "Home Assistant",
            address: home.home_assistant(),
            pid: home.assistant.pid().unwrap_or_default(),
        },
        Side {
            who: "Weirhouse",
            address: home.weirhouse.address,
            pid: home.weirhouse.pid(),
        },
    ];
    for command in &COMMANDS {
        for side in &sides {
            line(command, side, token).await?;
        }
    }
    Ok(())
}

async fn line(command: &'static Command, side: &Side<'_>, token: &str) -> Result<()> {
    run(command, side.address, token, 1, TIME / 20).await?;
    let (one, bytes, _) = run(command, side.address, token, 1, TIME / 2).await?;
    let before = processor_s(side.pid)?;
    let (many, _, took) = run(command, side.address, token, MANY, TIME).await?;
    let spent = processor_s(side.pid)? - before;
    let ms = |latencies: &[Duration], share| quantile(latencies, share).as_secs_f64() * 1e3;
    println!(
        "| `{}` | {} | {bytes} | {:.2} | {:.2} | {:.0} | {:.2} | {:.0} |",
        command.name,
        side.who,
        ms(&one, 0.5),
        ms(&one, 0.95),
        many.len() as f64 / took.as_secs_f64(),
        ms(&many, 0.95),
        many.len() as f64 / spent,
    );
    Ok(())
}

/// Latencies, ascending; the length of an answer; and how long it took.
async fn run(
    command: &'static Command,
    address: SocketAddr,
    token: &str,
    clients: usize,
    time: Duration,
) -> Result<(Vec<Duration>, usize, Duration)> {
    let mut logged_in = Vec::new();
    for _ in 0..clients {
        logged_in.push(Client::log_in(address, token).await?);
    }
    let mut tasks = JoinSet::new();
    let started = Instant::now();
    for mut client in logged_in {
        tasks.spawn_local(async move {
            let (mut latencies, mut bytes) = (Vec::new(), 0);
            while started.elapsed() < time {
                let asked = Instant::now();
                bytes = client.ask(command).await?;
                latencies.push(asked.elapsed());
                client.end(command).await?;
            }
            anyhow::Ok((latencies, bytes))
        });
    }
    let (mut latencies, mut bytes) = (Vec::new(), 0);
    while let Some(done) = tasks.join_next().await {
        let (some, length) = done??;
        latencies.extend(some);
        bytes = length;
    }
    latencies.sort_unstable();
    Ok((latencies, bytes, started.elapsed()))
}

pub(crate) fn heading_of_lag() {
    println!("\n### Lag of `subscribe_entities` behind the same at Home Assistant\n");
    println!(
        "| entities | changes/s | seen by both | p50, ms | p95, ms | p99, ms | before Home Assistant's | messages: Home Assistant | Weirhouse | KiB: Home Assistant | Weirhouse |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
}

pub(crate) async fn lag(home: &Home, entities: usize, rate: u32, time: Duration) -> Result<()> {
    let mut sides = Vec::new();
    for address in [home.home_assistant(), home.weirhouse.address] {
        let (seen, received) = (Seen::default(), Rc::new(RefCell::new(Received::default())));
        let client = Client::log_in(address, home.assistant.token()).await?;
        let task = task::spawn_local(client.follow(Some(seen.clone()), Rc::clone(&received)));
        sides.push((seen, received, task));
    }
    sleep(SETTLED).await;
    for (_, received, _) in &sides {
        received.replace(Received::default());
    }
    home.changes(rate, time, rate)?;
    sleep(time + SETTLED).await;
    let [(direct, theirs, one), (through, ours, other)] = sides.as_slice() else {
        bail!("two sides");
    };
    one.abort();
    other.abort();
    let (direct, through) = (direct.borrow(), through.borrow());
    let (theirs, ours) = (theirs.borrow(), ours.borrow());
    let mut lags = Vec::new();
    let mut earlier = 0;
    for (value, seen) in through.iter() {
        if let Some(before) = direct.get(value) {
            earlier += usize::from(seen < before);
            lags.push(seen.saturating_duration_since(*before));
        }
    }
    lags.sort_unstable();
    let ms = |share| quantile(&lags, share).as_secs_f64() * 1e3;
    println!(
        "| {entities} | {rate} | {} of {} | {:.2} | {:.2} | {:.2} | {earlier} | {} | {} | {:.0} | {:.0} |",
        lags.len(),
        direct.len(),
        ms(0.5),
        ms(0.95),
        ms(0.99),
        theirs.messages,
        ours.messages,
        theirs.bytes as f64 / 1024.0,
        ours.bytes as f64 / 1024.0,
    );
    Ok(())
}

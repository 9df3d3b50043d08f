//! Requests over connections that stay open: HTTP/1.1, one request at a time on each.
//!
//! As little work as possible for each request, since it runs beside what it measures.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What is asked, again and again.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) address: SocketAddr,
    request: Vec<u8>,
}

/// What came of it.
pub(crate) struct Outcome {
    /// Ascending.
    latencies: Vec<Duration>,
    pub(crate) each_second: f64,
    /// Bytes of the last answer's body.
    pub(crate) body: usize,
}

impl Ask {
    pub(crate) fn new(address: SocketAddr, path: &str, token: &str, more: &str) -> Self {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n{more}\r\n"
        );
        Self {
            address,
            request: request.into_bytes(),
        }
    }

    /// Asks on so many connections for so long; every answer must have this status.
    pub(crate) async fn run(
        &self,
        connections: usize,
        time: Duration,
        status: u16,
    ) -> Result<Outcome> {
        let mut tasks = JoinSet::new();
        let started = Instant::now();
        for _ in 0..connections {
            let ask = self.clone();
            tasks.spawn_local(async move {
                let mut connection = Connection::open(ask.address).await?;
                let mut latencies = Vec::new();
                while started.elapsed() < time {
                    let asked = Instant::now();
                    connection.ask(&ask.request, status).await?;
                    latencies.push(asked.elapsed());
                }
                anyhow::Ok((latencies, connection.body))
            });
        }
        let (mut latencies, mut body) = (Vec::new(), 0);
        while let Some(done) = tasks.join_next().await {
            let (some, length) = done??;
            latencies.extend(some);
            body = length;
        }
        let took = started.elapsed().as_secs_f64();
        latencies.sort_unstable();
        Ok(Outcome {
            each_second: latencies.len() as f64 / took,
            latencies,
            body,
        })
    }
}

impl Outcome {
    /// The latency that this share of requests did not exceed, in milliseconds.
    pub(crate) fn ms(&self, share: f64) -> f64 {
        quantile(&self.latencies, share).as_secs_f64() * 1e3
    }

    pub(crate) fn requests(&self) -> usize {
        self.latencies.len()
    }
}

/// Of ascending durations; zero of none.
pub(crate) fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let place = (sorted.len().saturating_sub(1)) as f64 * share;
    sorted
        .get(place.round() as usize)
        .copied()
        .unwrap_or_default()
}

/// A connection that stays open.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    body: usize,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(1 << 16),
            body: 0,
        })
    }

    /// Sends a request, and reads the answer, which must have this status.
    pub(crate) async fn ask(&mut self, request: &[u8], status: u16) -> Result<()> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            self.read().await?;
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
        };
        let text = str::from_utf8(self.buffer.get(..head).unwrap_or_default())?;
        let told = text.split(' ').nth(1).and_then(|it| it.parse::<u16>().ok());
        if told != Some(status) {
            bail!("asked for {status} and got: {text}");
        }
        self.body = content_length(text).unwrap_or(0);
        let mut left = (head + self.body).saturating_sub(self.buffer.len());
        while left > 0 {
            self.buffer.clear();
            let read = self.read().await?;
            left = left.saturating_sub(read);
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<usize> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => bail!("the connection was closed"),
            read => Ok(read),
        }
    }
}

fn content_length(head: &str) -> Option<usize> {
    let mut lines = head.lines();
    let line = lines.find(|line| {
        line.get(..15)
            .is_some_and(|name| name.eq_ignore_ascii_case("content-length:"))
    })?;
    line.get(15..)?.trim().parse().ok()
}

pub(crate) fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|part| part == wanted)
}

/// The number that follows a text.
pub(crate) fn number_after(text: &[u8], name: &[u8]) -> Option<u64> {
    let start = find(text, name)? + name.len();
    let digits = text.get(start..)?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    str::from_utf8(digits.get(..end)?).ok()?.parse().ok()
}

/// The value of a header in the answer to one request.
pub(crate) async fn header(ask: &Ask, name: &str) -> Result<String> {
    let mut connection = Connection::open(ask.address).await?;
    connection.stream.write_all(&ask.request).await?;
    let head = loop {
        connection.read().await?;
        if let Some(end) = find(&connection.buffer, b"\r\n\r\n") {
            break end;
        }
    };
    let text = str::from_utf8(connection.buffer.get(..head).unwrap_or_default())?;
    let mut lines = text.lines().filter_map(|line| line.split_once(": "));
    let value = lines.find(|(key, _)| key.eq_ignore_ascii_case(name));
    Ok(value.context("the answer lacks a header")?.1.to_owned())
}

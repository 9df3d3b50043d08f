//! The same reads from Home Assistant, from Weirhouse, and from a server in Python.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use crate::bare;
use crate::home::Home;
use crate::load::{Ask, header};
use crate::process::processor_s;
use crate::supervisor::{self, Installation, Supervisor};

/// Connections of a busy home's readers.
const MANY: usize = 64;

const TIME: Duration = Duration::from_secs(5);

/// What is measured, in one line of a table.
struct Case<'a> {
    what: &'a str,
    who: &'a str,
    pid: u32,
    ask: Ask,
    status: u16,
}

/// With a Supervisor, its proxy is among those that are asked.
pub(crate) async fn measure(
    home: &Home,
    entities: usize,
    supervisor: Option<&Installation<'_>>,
) -> Result<()> {
    println!("\n### Reads, {entities} entities\n");
    println!(
        "| read | from | bytes | 1 connection: p50, ms | p95, ms | 64 connections: requests/s | p50, ms | p95, ms | requests per second of its processor time |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let ours = &home.weirhouse;
    let theirs = home.home_assistant();
    let (our_token, their_token) = (ours.token.as_str(), home.assistant.token());
    let (our_pid, their_pid) = (ours.pid(), home.assistant.pid().unwrap_or_default());
    let rival = home.rival()?;
    let bare = bare::start()?;
    wait_for(rival.address).await;
    wait_for(bare.address).await;
    let at_ours = |path: &str, more: &str| Ask::new(ours.address, path, our_token, more);
    let at_theirs = |path: &str| Ask::new(theirs, path, their_token, "");
    let tag = header(&at_ours("/v1/states", ""), "etag").await?;
    let known = at_ours("/v1/states", &format!("If-None-Match: {tag}\r\n"));
    let cases = [
        (
            "one state",
            "Home Assistant",
            their_pid,
            at_theirs("/api/states/sensor.bench_0001"),
            200,
        ),
        (
            "one state",
            "Weirhouse",
            our_pid,
            at_ours("/v1/states/sensor.bench_0001", ""),
            200,
        ),
        (
            "a text as long",
            "axum alone",
            bare.pid(),
            Ask::new(bare.address, "/", "", ""),
            200,
        ),
        (
            "all states",
            "Home Assistant",
            their_pid,
            at_theirs("/api/states"),
            200,
        ),
        (
            "all states",
            "aiohttp and orjson",
            rival.pid(),
            Ask::new(rival.address, "/states", "", ""),
            200,
        ),
        (
            "all states",
            "Weirhouse",
            our_pid,
            at_ours("/v1/states", ""),
            200,
        ),
        ("all states, unchanged", "Weirhouse", our_pid, known, 304),
        (
            "100 states",
            "Weirhouse",
            our_pid,
            at_ours("/v1/states?limit=100", ""),
            200,
        ),
    ];
    if let Some(installation) = supervisor {
        let proxy = Supervisor::start(home, installation)?;
        let address = proxy.server.address;
        wait_for(address).await;
        line(&Case {
            what: "one state",
            who: "Home Assistant, through the Supervisor",
            pid: proxy.server.pid(),
            ask: Ask::new(
                address,
                "/core/api/states/sensor.bench_0001",
                supervisor::TOKEN,
                "",
            ),
            status: 200,
        })
        .await?;
    }
    for (what, who, pid, ask, status) in cases {
        line(&Case {
            what,
            who,
            pid,
            ask,
            status,
        })
        .await?;
    }
    Ok(())
}

async fn line(case: &Case<'_>) -> Result<()> {
    // Once for what is made ready at the first request.
    case.ask
        .run(1, Duration::from_millis(200), case.status)
        .await?;
    let one = case.ask.run(1, TIME / 2, case.status).await?;
    let before = processor_s(case.pid)?;
    let many = case.ask.run(MANY, TIME, case.status).await?;
    let spent = processor_s(case.pid)? - before;
    println!(
        "| {} | {} | {} | {:.3} | {:.3} | {:.0} | {:.2} | {:.2} | {:.0} |",
        case.what,
        case.who,
        many.body,
        one.ms(0.5),
        one.ms(0.95),
        many.each_second,
        many.ms(0.5),
        many.ms(0.95),
        many.requests() as f64 / spent,
    );
    Ok(())
}

async fn wait_for(address: SocketAddr) {
    for _ in 0..200 {
        if tokio::net::TcpStream::connect(address).await.is_ok() {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

//! Minutes under load: a home that changes all the time, clients that stream, readers that read at random. What
//! matters is memory, minute by minute, and that no change is lost.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use fastrand::Rng;
use tokio::task::{self, JoinHandle};
use tokio::time::sleep;

use crate::clients::{Received, listen};
use crate::home::Home;
use crate::load::Connection;
use crate::process::{processor_s, resident_mib};
use crate::sockets::Client;

const RATE: u32 = 500;

/// How often the home is asked for further changes.
const ROUND: Duration = Duration::from_secs(20);

/// For clients to be connected, and for what is on its way to arrive.
const SETTLED: Duration = Duration::from_secs(8);

/// What clients stream, how many of each, and whether they can account for every change: a change that did not matter
/// to a client is not told, nor counted.
const STREAMS: [(&str, usize, bool); 5] = [
    ("significance=none", 10, true),
    ("significance=none&fields=state", 3, true),
    ("significance=none&interval=5s", 3, true),
    ("significance=5%25&interval=5s&fields=state", 2, false),
    ("significance=home", 2, false),
];

/// Those that follow by Home Assistant's interface.
const FOLLOWERS: usize = 2;

const READERS: usize = 4;

/// Between two reads of one reader.
const PAUSE: Duration = Duration::from_millis(20);

struct Stream {
    what: String,
    accounts: bool,
    received: Rc<RefCell<Received>>,
    task: JoinHandle<Result<()>>,
}

pub(crate) async fn measure(home: &Home, entities: usize, time: Duration) -> Result<()> {
    let pid = home.weirhouse.pid();
    println!(
        "\n### {entities} entities, {RATE} changes/s, 20 streams, {FOLLOWERS} clients of Home Assistant's interface, {READERS} readers\n"
    );
    println!("Resident before the load: {:.1} MiB\n", resident_mib(pid)?);
    println!(
        "| minute | resident, MiB | processor, % of one core | changes so far | reads so far |"
    );
    println!("|---|---|---|---|---|");
    let streams = open(home).await?;
    let reads = Rc::new(RefCell::new(0_u64));
    let readers: Vec<_> = (0..READERS as u64)
        .map(|seed| {
            let read = read(home, entities, seed, Rc::clone(&reads));
            task::spawn_local(read)
        })
        .collect();
    sleep(SETTLED).await;
    for stream in &streams {
        stream.received.replace(Received::default());
    }
    let started = Instant::now();
    let (mut made, mut minute, mut worked) = (0, 1_u32, processor_s(pid)?);
    let mut seed = 0;
    while started.elapsed() < time {
        home.changes(RATE, ROUND, seed)?;
        made += u64::from(RATE) * ROUND.as_secs();
        seed += 1;
        // A little longer, so that two rounds never overlap.
        sleep(ROUND + Duration::from_millis(50)).await;
        if started.elapsed() >= Duration::from_mins(1) * minute {
            let now = processor_s(pid)?;
            println!(
                "| {minute} | {:.1} | {:.0} | {made} | {} |",
                resident_mib(pid)?,
                (now - worked) / 60.0 * 100.0,
                reads.borrow(),
            );
            (minute, worked) = (minute + 1, now);
        }
    }
    sleep(SETTLED).await;
    let broken = readers.iter().filter(|it| it.is_finished()).count();
    for reader in readers {
        reader.abort();
    }
    account(&streams, made, broken);
    for stream in streams {
        stream.task.abort();
    }
    sleep(SETTLED).await;
    println!("\nResident after the load: {:.1} MiB", resident_mib(pid)?);
    Ok(())
}

async fn open(home: &Home) -> Result<Vec<Stream>> {
    let mut streams = Vec::new();
    for (asked, clients, accounts) in STREAMS {
        for _ in 0..clients {
            let received = Rc::default();
            let path = format!("/v1/stream?entity=sensor.bench_*&{asked}");
            let listening = listen(
                home.weirhouse.address,
                path,
                home.weirhouse.token.clone(),
                None,
                Rc::clone(&received),
            );
            let task = task::spawn_local(watched(asked, listening));
            streams.push(Stream {
                what: asked.to_owned(),
                accounts,
                received,
                task,
            });
        }
    }
    for _ in 0..FOLLOWERS {
        let received = Rc::default();
        let client = Client::log_in(home.weirhouse.address, home.assistant.token()).await?;
        let following = client.follow(None, Rc::clone(&received));
        let task = task::spawn_local(watched("subscribe_entities", following));
        streams.push(Stream {
            what: "subscribe_entities".to_owned(),
            accounts: true,
            received,
            task,
        });
    }
    Ok(streams)
}

/// Says why a stream ended, should it do so.
async fn watched(what: &'static str, stream: impl Future<Output = Result<()>>) -> Result<()> {
    let ended = stream.await;
    if let Err(error) = &ended {
        println!("`{what}` ended: {error:#}");
    }
    ended
}

/// Prints what the streams received, and what of the changes is missing.
fn account(streams: &[Stream], made: u64, broken: usize) {
    println!("\n| stream | clients | received | told as merged | missing of {made} |");
    println!("|---|---|---|---|---|");
    let mut kinds: Vec<&str> = streams.iter().map(|it| it.what.as_str()).collect();
    kinds.dedup();
    for kind in kinds {
        let of_kind: Vec<&Stream> = streams.iter().filter(|it| it.what == kind).collect();
        let span = |count: &dyn Fn(&Received) -> u64| {
            let counts = of_kind.iter().map(|it| count(&it.received.borrow()));
            let (least, most) = (counts.clone().min(), counts.max());
            match (least.unwrap_or(0), most.unwrap_or(0)) {
                (least, most) if least == most => most.to_string(),
                (least, most) => format!("{least} to {most}"),
            }
        };
        let ended = of_kind.iter().filter(|it| it.task.is_finished()).count();
        let missing = if ended > 0 {
            format!("{ended} ended")
        } else if of_kind.iter().all(|it| it.accounts) {
            span(&|it| made.abs_diff(it.changes + it.missed))
        } else {
            "does not account".to_owned()
        };
        println!(
            "| `{kind}` | {} | {} | {} | {missing} |",
            of_kind.len(),
            span(&|it| it.changes),
            span(&|it| it.missed),
        );
    }
    println!("\nReaders that were refused or cut off: {broken} of {READERS}");
}

/// Reads at random until it fails or is aborted.
fn read(
    home: &Home,
    entities: usize,
    seed: u64,
    reads: Rc<RefCell<u64>>,
) -> impl Future<Output = Result<()>> + 'static {
    let (address, token) = (home.weirhouse.address, home.weirhouse.token.clone());
    async move {
        let mut random = Rng::with_seed(seed);
        let mut connection = Connection::open(address).await?;
        loop {
            let number = random.usize(..entities);
            let path = match random.u8(..100) {
                0..70 => format!("/v1/states/sensor.bench_{number:04}"),
                70..80 => format!("/v1/states?limit=100&after=sensor.bench_{number:04}"),
                80..85 => format!("/v1/states?glob=sensor.bench_{:02}*", number % 100),
                85..90 => "/v1/states?fields=state".to_owned(),
                90..94 => "/v1/states".to_owned(),
                94..96 => "/v1/entities".to_owned(),
                96..98 => "/v1/stats".to_owned(),
                _ => "/metrics".to_owned(),
            };
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n"
            );
            connection
                .ask(request.as_bytes(), 200)
                .await
                .with_context(|| path.clone())
                .inspect_err(|error| eprintln!("a reader ends: {error:#}"))?;
            *reads.borrow_mut() += 1;
            sleep(PAUSE).await;
        }
    }
}

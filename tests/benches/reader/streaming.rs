//! Many clients that stream while the home changes: what each received, and what it costs.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::task;
use tokio::time::sleep;

use crate::clients::{Received, listen};
use crate::home::Home;
use crate::process::{processor_s, resident_mib};

const SETTLED: Duration = Duration::from_secs(3);

/// How often the home is asked for further changes.
const ROUND: Duration = Duration::from_secs(20);

pub(crate) fn heading() {
    println!("\n### Streams\n");
    println!(
        "| clients | stream | changes/s | seconds | sent | received and told as merged, by client | merged, mean | KiB for each client | resident, MiB: idle | start | middle | end | processor, % of one core |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
}

pub(crate) async fn measure(
    home: &Home,
    clients: usize,
    stream: &str,
    rate: u32,
    time: Duration,
) -> Result<()> {
    let pid = home.weirhouse.pid();
    let idle = resident_mib(pid)?;
    let mut received = Vec::new();
    let mut tasks = Vec::new();
    for _ in 0..clients {
        let own = Rc::new(RefCell::new(Received::default()));
        received.push(own.clone());
        tasks.push(task::spawn_local(listen(
            home.weirhouse.address,
            stream.to_owned(),
            home.weirhouse.token.clone(),
            None,
            own,
        )));
    }
    sleep(SETTLED).await;
    for own in &received {
        own.replace(Received::default());
    }
    let sent_before = published(home)?;
    let worked_before = processor_s(pid)?;
    let started = Instant::now();
    let mut resident = Vec::new();
    let mut seed = 0;
    let mut made = 0;
    while started.elapsed() < time {
        let round = ROUND.min(time.saturating_sub(started.elapsed()));
        home.changes(rate, round, seed)?;
        seed += 1;
        made += (f64::from(rate) * round.as_secs_f64()) as u64;
        for _ in 0..10 {
            sleep(round / 10).await;
            resident.push(resident_mib(pid)?);
        }
    }
    let took = started.elapsed().as_secs_f64();
    let worked = processor_s(pid)? - worked_before;
    // What is on its way arrives, however slow this machine is.
    let all = || received.iter().map(|it| it.borrow().messages).sum::<u64>();
    let mut arrived = all();
    loop {
        sleep(SETTLED).await;
        if all() == arrived {
            break;
        }
        arrived = all();
    }
    // Every change there was, or what the rules of the home let through.
    let sent = if stream.contains("significance") {
        made
    } else {
        published(home)? - sent_before
    };
    let told = received
        .iter()
        .map(|it| it.borrow().changes + it.borrow().missed);
    let (least, most) = (told.clone().min().unwrap_or(0), told.max().unwrap_or(0));
    let missed: u64 = received.iter().map(|it| it.borrow().missed).sum();
    let bytes: u64 = received.iter().map(|it| it.borrow().bytes).sum();
    let at = |share: f64| {
        let place = (resident.len().saturating_sub(1)) as f64 * share;
        resident.get(place as usize).copied().unwrap_or_default()
    };
    println!(
        "| {clients} | `{stream}` | {rate} | {took:.0} | {sent} | {least} to {most} | {:.0} | {:.0} | {idle:.1} | {:.1} | {:.1} | {:.1} | {:.0} |",
        missed as f64 / clients as f64,
        bytes as f64 / clients as f64 / 1024.0,
        at(0.0),
        at(0.5),
        at(1.0),
        worked / took * 100.0,
    );
    for task in tasks {
        task.abort();
    }
    Ok(())
}

/// Updates that left in batches since the start.
fn published(home: &Home) -> Result<u64> {
    let stats = home.weirhouse.json("/v1/stats")?;
    let member = |name: &str| stats["batches"][name].as_u64();
    let updates = member("updates").context("no updates")?;
    let merged =
        member("coalesced").context("no merged")? + member("dropped").context("no dropped")?;
    Ok(updates - merged - member("pending").unwrap_or(0))
}

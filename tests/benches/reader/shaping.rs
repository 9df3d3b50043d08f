//! What a client that asks for less is spared, beside one that listens to Home Assistant itself.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;
use tokio::task;
use tokio::time::sleep;

use crate::clients::{Received, Seen, listen, listen_directly};
use crate::home::Home;

const RATE: u32 = 500;
const TIME: Duration = Duration::from_secs(20);
const SETTLED: Duration = Duration::from_secs(6);

/// What clients ask for, all at the same time and of the same sensors.
const ASKED: [&str; 5] = [
    "significance=none",
    "significance=none&fields=state",
    "significance=none&interval=5s",
    "significance=5%25",
    "significance=5%25&interval=5s&fields=state",
];

pub(crate) async fn measure(home: &Home) -> Result<()> {
    println!(
        "\n### What a client receives of {RATE} changes/s in {} s\n",
        TIME.as_secs()
    );
    println!("| client | messages | KiB | of Home Assistant's bytes |");
    println!("|---|---|---|---|");
    let direct = Rc::new(RefCell::new(Received::default()));
    let mut tasks = vec![task::spawn_local(listen_directly(
        home.home_assistant(),
        home.assistant.token().to_owned(),
        Seen::default(),
        Rc::clone(&direct),
    ))];
    let mut clients = Vec::new();
    for asked in ASKED {
        let received = Rc::new(RefCell::new(Received::default()));
        clients.push((asked, Rc::clone(&received)));
        tasks.push(task::spawn_local(listen(
            home.weirhouse.address,
            format!("/v1/stream?entity=sensor.bench_*&{asked}"),
            home.weirhouse.token.clone(),
            None,
            received,
        )));
    }
    sleep(Duration::from_secs(2)).await;
    home.changes(RATE, TIME, 1)?;
    sleep(TIME + SETTLED).await;
    let whole = direct.borrow().bytes;
    let line = |who: &str, received: Received| {
        println!(
            "| {who} | {} | {:.0} | {:.1} % |",
            received.messages,
            received.bytes as f64 / 1024.0,
            received.bytes as f64 / whole as f64 * 100.0
        );
    };
    line("`subscribe_events` at Home Assistant", *direct.borrow());
    for (asked, received) in clients {
        line(&format!("`{asked}`"), *received.borrow());
    }
    for task in tasks {
        task.abort();
    }
    Ok(())
}

//! How much later than Home Assistant's own client a client of Weirhouse hears of a change.

use std::time::Duration;

use anyhow::Result;
use tokio::task;
use tokio::time::sleep;

use crate::clients::{Seen, listen, listen_directly};
use crate::home::Home;
use crate::load::quantile;

/// For a client to be connected, and for what is on its way to arrive.
const SETTLED: Duration = Duration::from_secs(2);

pub(crate) fn heading() {
    println!("\n### Lag behind Home Assistant's own WebSocket\n");
    println!(
        "| entities | stream | changes/s | seen by both | p50, ms | p95, ms | p99, ms | before Home Assistant's |"
    );
    println!("|---|---|---|---|---|---|---|---|");
}

pub(crate) async fn measure(
    home: &Home,
    entities: usize,
    stream: &str,
    rate: u32,
    time: Duration,
) -> Result<()> {
    let (direct, ours) = (Seen::default(), Seen::default());
    let first = task::spawn_local(listen_directly(
        home.home_assistant(),
        home.assistant.token().to_owned(),
        direct.clone(),
        std::rc::Rc::default(),
    ));
    let second = task::spawn_local(listen(
        home.weirhouse.address,
        stream.to_owned(),
        home.weirhouse.token.clone(),
        Some(ours.clone()),
        std::rc::Rc::default(),
    ));
    sleep(SETTLED).await;
    home.changes(rate, time, rate)?;
    sleep(time + SETTLED).await;
    first.abort();
    second.abort();
    let (direct, ours) = (direct.borrow(), ours.borrow());
    let mut lags = Vec::new();
    let mut earlier = 0;
    for (value, seen) in ours.iter() {
        let Some(before) = direct.get(value) else {
            continue;
        };
        earlier += usize::from(seen < before);
        lags.push(seen.saturating_duration_since(*before));
    }
    lags.sort_unstable();
    let ms = |share| quantile(&lags, share).as_secs_f64() * 1e3;
    println!(
        "| {entities} | `{stream}` | {rate} | {} of {} | {:.2} | {:.2} | {:.2} | {earlier} |",
        lags.len(),
        direct.len(),
        ms(0.5),
        ms(0.95),
        ms(0.99),
    );
    Ok(())
}

//! Prints what a Home Assistant says: `cargo run -p weirhouse-hass --example watch -- URL TOKEN_FILE [SECONDS]`.

use std::time::{Duration, Instant};

use weirhouse_hass::{Client, ClientConfig, Event, Mirror, Registry, ServiceCall};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init();
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(token_file)) = (arguments.next(), arguments.next()) else {
        return Err("usage: watch URL TOKEN_FILE [SECONDS]".into());
    };
    let seconds: u64 = arguments.next().map_or(Ok(10), |text| text.parse())?;
    let token = std::fs::read_to_string(token_file)?;
    let (client, mut events) = Client::connect(ClientConfig::new(url, token.trim()))?;
    let (start, mut mirror) = (Instant::now(), Mirror::new());
    let mut changes_seen = 0;
    let end = tokio::time::sleep(Duration::from_secs(seconds));
    tokio::pin!(end);
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = &mut end => break,
        };
        match event {
            Some(Event::Snapshot(states)) => {
                let seen = mirror.replace(states, start.elapsed());
                println!("snapshot: {} entities, {} differ", mirror.len(), seen.len());
                if let Some((entity_id, _)) = mirror.iter().next() {
                    println!("{}", mirror.entity_json(entity_id).unwrap_or_default());
                    client.call_service(ServiceCall::update_entity(1, [entity_id]))?;
                }
            }
            Some(Event::Changes(changes)) => {
                for change in changes {
                    changes_seen += 1;
                    if let Some(seen) = mirror.apply(change, start.elapsed()) {
                        let state = mirror.get(&seen.entity_id).map(|state| &state.state);
                        println!("{} {:?} {state:?}", seen.entity_id, seen.kind);
                    }
                }
            }
            Some(Event::Registry(registry)) => println!("{}", describe(&registry)),
            Some(Event::Disconnected { reason, retry_in }) => {
                mirror.set_stale();
                println!("disconnected: {reason}; next attempt in {retry_in:?}");
            }
            Some(other) => println!("{other:?}"),
            None => break,
        }
    }
    println!(
        "{changes_seen} changes, {} unmatched, {:?}",
        mirror.unmatched(),
        client.stats()
    );
    client.shutdown().await;
    Ok(())
}

fn describe(registry: &Registry) -> String {
    let rows = registry.rows();
    let first = rows.first().map(|(id, json)| format!("{id} {json}"));
    format!(
        "{}: {} rows, the first {first:?}",
        registry.class(),
        rows.len()
    )
}

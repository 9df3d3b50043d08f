//! A simulated home, to see Weirhouse at work without a Home Assistant.
//!
//! It takes the place of the Home Assistant client and delivers the same
//! events, so that everything behind the link is the real thing. It simulates
//! readings, not Home Assistant: its registries never change, and its one action
//! is listed but does nothing.

mod catalogue;
mod device;
mod home;
mod registries;

use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use weirhouse_hass::{Event, Timestamp};

pub use home::Home;

/// What to simulate. Equal settings give equal readings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Entities, at least 1.
    pub entities: usize,
    /// Readings taken per second, over 0, all entities together. A reading
    /// that equals the one before is no change, as in Home Assistant.
    pub rate_hz: f64,
    /// Start of the random numbers.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            entities: 60,
            rate_hz: 20.0,
            seed: 1,
        }
    }
}

/// Events waiting for the reader; when it is slow, the home waits.
const CHANNEL_CAPACITY: usize = 256;

/// Most changes in one event, as a busy Home Assistant groups them.
const MOST_CHANGES: usize = 1000;

/// Starts the home on the current tokio runtime. It ends when `stop` becomes
/// true or the events are no longer read.
pub fn start(settings: Settings, stop: watch::Receiver<bool>) -> mpsc::Receiver<Event> {
    let (events, receiver) = mpsc::channel(CHANNEL_CAPACITY);
    let wall_us = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |age| age.as_micros() as i64);
    let home = Home::new(settings, Timestamp::from_micros(wall_us));
    tokio::spawn(live(home, events, stop));
    receiver
}

/// Lets the home live in real time.
async fn live(mut home: Home, events: mpsc::Sender<Event>, mut stop: watch::Receiver<bool>) {
    let started = Instant::now();
    let first = [
        Event::Connected {
            ha_version: Some("simulated".to_owned()),
        },
        Event::Snapshot(home.snapshot()),
    ];
    let registries = home.registries().into_iter().map(Event::Registry);
    for event in first.into_iter().chain(registries) {
        if events.send(event).await.is_err() {
            return;
        }
    }
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = events.closed() => return,
            () = tokio::time::sleep_until(started + home.next_due()) => {}
        }
        let changes = home.advance(started.elapsed(), MOST_CHANGES);
        if !changes.is_empty() && events.send(Event::Changes(changes)).await.is_err() {
            return;
        }
        // A reader that was slow finds many readings due; let others run in between.
        if home.next_due() <= started.elapsed() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use weirhouse_hass::Class;

    use super::*;

    #[tokio::test]
    async fn delivers_like_a_connection_and_stops() {
        let (stop, stopped) = watch::channel(false);
        let settings = Settings {
            entities: 10,
            rate_hz: 1000.0,
            seed: 7,
        };
        let mut events = start(settings, stopped);
        assert!(matches!(events.recv().await, Some(Event::Connected { .. })));
        assert!(matches!(events.recv().await, Some(Event::Snapshot(states)) if states.len() == 10));
        for _ in Class::ALL {
            assert!(matches!(events.recv().await, Some(Event::Registry(_))));
        }
        assert!(
            matches!(events.recv().await, Some(Event::Changes(changes)) if !changes.is_empty())
        );
        stop.send(true).unwrap();
        while let Some(event) = events.recv().await {
            assert!(matches!(event, Event::Changes(_)));
        }
    }
}

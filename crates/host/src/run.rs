//! The event loop: what happens goes into the hub, what it asks for is done.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval, sleep};
use weirhouse_hass::{Client, Event, ServiceCall};

use crate::hub::{Effects, Hub, HubError};

/// What was learned is noted in memory this often: what a trap can cost.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

/// What was learned and the mirror are written to disk this often: what a power cut can cost.
const SAVE_EVERY: Duration = Duration::from_mins(15);

/// When they are first written: by then a home is usually complete, and a first run leaves something to the next.
const FIRST_SAVE: Duration = Duration::from_mins(1);

/// Expired and excess records leave the disk this often.
const TIDY_EVERY: Duration = Duration::from_secs(5);

/// Why the loop ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to stop.
    Stopped,
    /// Home Assistant refused the token, in its words.
    Rejected(String),
}

/// Runs until `stop` becomes true or Home Assistant refuses the token, then
/// sends what waits and saves what was learned.
///
/// `link` carries refreshes to Home Assistant; without one they are only
/// counted.
///
/// # Errors
/// When the end could not be saved. Everything committed before is safe.
pub async fn run(
    hub: Arc<Hub>,
    mut events: mpsc::Receiver<Event>,
    link: Option<&Client>,
    mut stop: watch::Receiver<bool>,
) -> Result<Ended, HubError> {
    let mut checkpoint = every(CHECKPOINT_EVERY);
    let mut save = every(SAVE_EVERY);
    save.reset_after(FIRST_SAVE);
    let mut tidy = every(TIDY_EVERY);
    let mut ended = Ended::Stopped;
    loop {
        let deadline = hub.deadline();
        let effects = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            event = events.recv() => match event {
                Some(event) => hub.handle(event),
                None => break,
            },
            () = sleep(deadline.unwrap_or_default()), if deadline.is_some() => hub.tick(),
            () = hub.deadline_moved() => continue,
            _ = checkpoint.tick() => {
                hub.checkpoint();
                continue;
            }
            _ = save.tick() => {
                report("save", blocking(&hub, Hub::save).await);
                continue;
            }
            _ = tidy.tick() => {
                report("tidy", blocking(&hub, Hub::tidy).await);
                continue;
            }
        };
        refresh(hub.as_ref(), link, &effects);
        if let Some(message) = effects.rejected {
            ended = Ended::Rejected(message);
            break;
        }
    }
    blocking(&hub, Hub::stop).await?;
    Ok(ended)
}

/// Asks Home Assistant for the refreshes that are due, all in one call.
fn refresh(hub: &Hub, link: Option<&Client>, effects: &Effects) {
    let Some(link) = link.filter(|_| !effects.refresh.is_empty()) else {
        return;
    };
    let call = hub.refreshes_asked(&effects.refresh);
    if let Err(error) = link.call_service(ServiceCall::update_entity(call, effects.refresh.iter()))
    {
        hub.refreshes_not_asked(call);
        tracing::warn!(%error, entities = effects.refresh.len(), "a refresh was not sent");
    }
}

/// Runs what may wait for the disk beside the loop's own thread.
async fn blocking(
    hub: &Arc<Hub>,
    work: impl FnOnce(&Hub) -> Result<(), HubError> + Send + 'static,
) -> Result<(), HubError> {
    let hub = Arc::clone(hub);
    match tokio::task::spawn_blocking(move || work(&hub)).await {
        Ok(outcome) => outcome,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

fn report(what: &str, outcome: Result<(), HubError>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "cannot {what}; it is tried again");
    }
}

/// A timer that first fires one period from now.
fn every(period: Duration) -> tokio::time::Interval {
    let mut timer = interval(period);
    timer.reset();
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    timer
}

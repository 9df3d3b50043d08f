//! Telling the companion integration in Home Assistant where the local API is.
//!
//! The Supervisor carries it there. Home Assistant logs an error with a
//! backtrace for each announcement to an integration that it does not have, so
//! that it is asked first, and again after each of its starts.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use weirhouse_hass::{AskError, ClientConfig, has_integration};

use crate::data_dir::Token;
use crate::hub::Hub;
use crate::supervisor::{Supervisor, SupervisorError};

/// The integration's domain, which the app's configuration lists under `discovery`.
const DOMAIN: &str = "weirhouse";

/// How often a new connection is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Where the API is.
pub struct Announcement {
    /// The name of this machine, by which Home Assistant reaches it.
    pub host: String,
    /// The port of the API.
    pub port: u16,
    /// The owner's token: the companion acts for the owner.
    pub token: Token,
}

/// Why it was not told.
#[derive(Debug, thiserror::Error)]
enum AnnounceError {
    #[error(transparent)]
    HomeAssistant(#[from] AskError),
    #[error(transparent)]
    Supervisor(#[from] SupervisorError),
    #[error("it was not told to the end")]
    Interrupted,
}

/// Announces until `stop` becomes true.
pub async fn run(
    hub: Arc<Hub>,
    home: ClientConfig,
    supervisor: Supervisor,
    announcement: Announcement,
    mut stop: watch::Receiver<bool>,
) {
    let announcement = Arc::new(announcement);
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut asked_at = 0;
    let mut told = false;
    loop {
        tokio::select! {
            _ = look.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let Some(connection) = hub.connection().filter(|it| *it != asked_at) else {
            continue;
        };
        match announce(&home, &supervisor, &announcement).await {
            Ok(true) => tracing::info!("the companion integration knows where the API is"),
            Ok(false) => tracing::debug!("there is no companion integration"),
            Err(error) => {
                // Once, though it is tried again: who misses it looks here.
                if !told {
                    tracing::warn!(%error, "the companion integration was not told where the API is; it is tried again");
                }
                told = true;
                continue;
            }
        }
        asked_at = connection;
    }
}

/// Says whether there was somebody to tell.
async fn announce(
    home: &ClientConfig,
    supervisor: &Supervisor,
    announcement: &Arc<Announcement>,
) -> Result<bool, AnnounceError> {
    if !has_integration(home, DOMAIN).await? {
        return Ok(false);
    }
    let (supervisor, announcement) = (supervisor.clone(), Arc::clone(announcement));
    let told = tokio::task::spawn_blocking(move || {
        let Announcement { host, port, token } = &*announcement;
        supervisor.announce(DOMAIN, host, *port, token.expose())
    });
    told.await.map_err(|_| AnnounceError::Interrupted)??;
    Ok(true)
}

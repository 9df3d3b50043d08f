//! Those who wait for a value that somebody else fetches.
//!
//! Nobody is told here whose turn it is: who is woken asks the optimizer again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::fetching::Fetched;

/// Places that are waited for, above which those nobody waits for any more are
/// forgotten: as many as the optimizer has fetched at once.
const PLACES: usize = 4096;

/// By namespace and key, what tells those who wait. What was fetched is in the
/// cache, so it says something only where a fetch has failed.
type Places = HashMap<(String, String), watch::Sender<Option<Arc<Fetched>>>>;

/// All who wait.
#[derive(Debug, Default)]
pub(super) struct Waiting(Places);

impl Waiting {
    /// One more who waits for a key, no longer than `at_most`.
    pub(super) fn join(&mut self, namespace: &str, key: &str, at_most: Duration) -> Joined {
        if self.0.len() >= PLACES {
            self.0.retain(|_, place| place.receiver_count() > 0);
        }
        let place = (namespace.to_owned(), key.to_owned());
        let place = self.0.entry(place);
        Joined {
            at_most,
            settled: place.or_insert_with(|| watch::channel(None).0).subscribe(),
        }
    }

    /// Wakes all who wait for a key, and gives them what there is to serve if
    /// its fetch has failed.
    pub(super) fn settle(&mut self, namespace: &str, key: &str, rescue: Option<&Arc<Fetched>>) {
        if self.0.is_empty() {
            return;
        }
        let place = (namespace.to_owned(), key.to_owned());
        if let Some(place) = self.0.remove(&place) {
            // To be told apart from the sender's end, by which the others wake.
            if let Some(rescue) = rescue {
                place.send_replace(Some(Arc::clone(rescue)));
            }
        }
    }

    /// Wakes all.
    pub(super) fn settle_all(&mut self) {
        self.0.clear();
    }
}

/// The wait for one key.
#[derive(Debug)]
pub struct Joined {
    at_most: Duration,
    settled: watch::Receiver<Option<Arc<Fetched>>>,
}

impl Joined {
    /// How long the one who fetches has still.
    pub fn at_most(&self) -> Duration {
        self.at_most
    }

    /// Returns when there is reason to ask again, or after `limit`: with what
    /// may be served in place of the value, if fetching it has failed.
    pub async fn settled(mut self, limit: Duration) -> Option<Arc<Fetched>> {
        let limit = limit.min(self.at_most);
        let told = tokio::time::timeout(limit, self.settled.changed()).await;
        matches!(told, Ok(Ok(()))).then(|| self.settled.borrow().clone())?
    }
}

//! What the event loop and the API share: the optimizer, the mirror of the
//! home, the second cache level, and what was published.
//!
//! One lock guards the whole, and every method is synchronous. All but those
//! that say they block are quick: saving, stopping and backups wait for the
//! disk. Nothing here decides whether a value matters, what is kept or when to
//! ask again: the optimizer does, and the hub carries its answers out.

mod activity;
mod advice;
mod breaking;
mod cache;
mod clearing;
mod clock;
mod context;
mod engine;
mod entities;
mod error;
mod fetching;
mod following;
mod health;
mod history;
mod link;
mod media_types;
mod operations;
mod policies;
mod publishing;
mod refreshing;
mod removals;
mod reporting;
mod rules;
mod settings;
mod shaping;
mod show;
mod stats;
mod stream;
mod stream_client;
mod update;
mod waiting;

#[cfg(test)]
pub(crate) mod tests;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, broadcast};
use weirhouse_hass::{Event, Timestamp};
use weirhouse_runner::Component;
use weirhouse_runner::operations::Clock as _;

pub use activity::{Activity, AppliedRule, EntityActivity, RuleSource};
pub(crate) use advice::Advised;
pub use breaking::{Admitted, Breaker, BreakerWish, Ended, RetryWish};
pub use cache::{CacheHit, Deleted, PutOptions, Stale};
pub use clearing::{Cleared, Outdated};
pub use context::{Chosen, Lines, Wanted};
pub use engine::SHORTEST_REFRESH;
pub use error::HubError;
pub use fetching::{Asked, Fetched, Lease, Settled};
pub use following::Followed;
pub use health::{ComponentHealth, Health};
pub use history::{History, Point};
pub use policies::Policy;
pub use refreshing::{RefreshPace, RefreshedEntity, Refreshes};
pub use reporting::{Judgement, MOST_REPORTED, Report, ReportedEntity, Verdict};
pub use rules::RuleFor;
pub use settings::{Namespace, Refresh, Settings};
pub use stats::{BudgetStats, CacheStats, FetchStats, OperationStats, Stats, UpdateStats};
pub use stream_client::{Batch, Given, Resume, Start, StreamClient};
pub use update::{Notice, Published, Refreshed, Update};
pub use waiting::Joined;

use crate::mirror::Replica;
use crate::plugins::Plugins;
pub use crate::store::Ticket;
use crate::store::{Blobs, L2Store};
use clock::Clock;
use engine::Engine;
use show::Told;

/// Updates kept for streams that are a little behind. A stream further behind
/// is told how many it missed.
const STREAM_BACKLOG: usize = 4096;

/// Shared state of a running Weirhouse.
pub struct Hub {
    inner: Mutex<Engine>,
    /// What readers see; they never wait for `inner`.
    replica: Replica,
    store: Arc<dyn L2Store>,
    blobs: Blobs,
    notices: broadcast::Sender<Arc<Notice>>,
    followed: broadcast::Sender<Arc<Followed>>,
    clock: Clock,
    deadline_moved: Notify,
    /// Asked before the optimizer, once they are there.
    plugins: OnceLock<Arc<Plugins>>,
}

/// What the loop must do after an event or a tick.
#[derive(Debug, Default)]
pub struct Effects {
    /// Entities Home Assistant should refresh now.
    pub refresh: Vec<String>,
    /// Home Assistant refused the token, in its words: there is nothing left
    /// to wait for.
    pub rejected: Option<String>,
}

impl Hub {
    /// Starts with what was learned in an earlier run, if `blobs` has it.
    ///
    /// # Errors
    /// When the settings are refused, or the optimizer does not answer.
    pub fn open(
        core: Component,
        store: Arc<dyn L2Store>,
        blobs: Blobs,
        settings: Settings,
    ) -> Result<Self, HubError> {
        let clock = Clock::start();
        let snapshot = match blobs.load(SNAPSHOT) {
            Ok(snapshot) => snapshot,
            Err(error) => {
                tracing::warn!(%error, "what was learned before is lost; learning starts anew");
                None
            }
        };
        let mut engine = Engine::new(core, settings);
        engine.start(clock.now(), snapshot.as_deref())?;
        let hub = Self {
            inner: Mutex::new(engine),
            replica: Replica::new(),
            store,
            blobs,
            notices: broadcast::channel(STREAM_BACKLOG).0,
            followed: broadcast::channel(following::BACKLOG).0,
            clock,
            deadline_moved: Notify::new(),
            plugins: OnceLock::new(),
        };
        if let Err(error) = hub.perform_removals(&mut hub.lock(), hub.clock.now()) {
            tracing::warn!(%error, "what was removed before leaves the disk later");
        }
        hub.show_saved();
        hub.warm_up();
        Ok(hub)
    }

    /// Takes one event of the link.
    pub fn handle(&self, event: Event) -> Effects {
        let now = self.clock.now();
        let mut engine = self.lock();
        let mut effects = Effects::default();
        let mut told = Told::None;
        match event {
            Event::Connected { ha_version } => engine.link.connected(ha_version),
            Event::Snapshot(states) => {
                engine.handle_snapshot(now, states);
                told = Told::All;
            }
            Event::Changes(changes) => {
                let following = self.followed.receiver_count() > 0;
                for (part, changes) in engine.shaped.parts(changes).into_iter().enumerate() {
                    if part > 0 {
                        self.show(&mut engine, now, Told::Some);
                    }
                    let written = engine.handle_changes(now, changes, following);
                    self.tell_followers(Followed::Changes(written));
                }
                told = Told::Some;
            }
            Event::Marked { mark, live } => self.tell_followers(Followed::Marked { mark, live }),
            Event::Disconnected { reason, retry_in } => {
                tracing::debug!(retry_in_s = retry_in.as_secs_f32(), "the mirror is stale");
                engine.link.disconnected(reason.to_string());
                self.set_stale(&mut engine);
            }
            Event::Rejected { message } => {
                engine.link.disconnected(message.clone());
                self.set_stale(&mut engine);
                effects.rejected = Some(message);
            }
            Event::ClassOutdated { class } => self.replica.set_class_outdated(class),
            Event::ClassUnavailable { class, error } => {
                tracing::warn!(?class, %error, "Home Assistant does not list this class");
                self.replica.set_class_stale(class);
            }
            Event::ClassUnwatched { class, error } => {
                tracing::warn!(?class, %error, "changes of this class are not announced");
            }
            Event::Registry(registry) => {
                let as_of = Timestamp::from_micros(now.wall);
                self.replica.replace_class(as_of, &registry);
                // What callers cached of it is outdated.
                self.drop_outdated(&mut engine, now, &registry);
                self.follow_places(&mut engine, now);
            }
            Event::Renamed { from, to } => self.replica.note_renamed(from, to),
            Event::CommandResult {
                correlation,
                result,
            } => {
                if let Err(error) = result {
                    engine.refreshing.give_up(correlation);
                    engine.link.refresh_failures += 1;
                    tracing::warn!(correlation, %error, "a refresh was not carried out");
                } else {
                    engine.note_refreshed(now, correlation);
                }
            }
        }
        // A window of zero is due at once.
        self.collect(&mut engine, &mut effects);
        self.show(&mut engine, now, told);
        effects
    }

    /// Lets time pass: to be called when [`Hub::deadline`] has come.
    pub fn tick(&self) -> Effects {
        let mut effects = Effects::default();
        let mut engine = self.lock();
        self.collect(&mut engine, &mut effects);
        self.show(&mut engine, self.clock.now(), Told::None);
        effects
    }

    /// Runs one call of the API, and wakes the loop if it cost the instance:
    /// the readings told again are due before long.
    fn with_engine<T>(&self, call: impl FnOnce(&mut Engine) -> T) -> T {
        let mut engine = self.lock();
        let before = engine.core.generation();
        let answer = call(&mut engine);
        engine.tell_operations(self.clock.now());
        if engine.core.generation() != before {
            self.deadline_moved.notify_one();
        }
        answer
    }

    /// Runs one call of the API and times it, whether it succeeds or not.
    fn timed<T>(
        &self,
        operation: &'static str,
        call: impl FnOnce(&mut Engine) -> Result<T, HubError>,
    ) -> Result<T, HubError> {
        let started = std::time::Instant::now();
        self.with_engine(|engine| {
            let outcome = call(engine);
            let took = started.elapsed();
            engine.operations.note(operation, took, outcome.is_ok());
            outcome
        })
    }

    /// Performs what is due.
    fn collect(&self, engine: &mut Engine, effects: &mut Effects) {
        let now = self.clock.now();
        let due = engine.tick(now);
        engine.hand_refreshed(&due.refresh);
        let refreshed = due.refresh.iter().map(|entity_id| {
            Notice::Refresh(Refreshed {
                entity_id: entity_id.clone(),
                at: Timestamp::from_micros(now.wall),
            })
        });
        for notice in due.updates.into_iter().map(Notice::Update).chain(refreshed) {
            // Nobody listening is no error.
            let _ = self.notices.send(Arc::new(notice));
        }
        effects.refresh.extend(due.refresh);
    }

    /// Time until [`Hub::tick`] has something to do; `None` while nothing
    /// waits for time.
    pub fn deadline(&self) -> Option<Duration> {
        let now = self.clock.now();
        let deadline = self.lock().core.next_deadline().ok().flatten()?;
        Some(Duration::from_micros(deadline.saturating_sub(now.mono)))
    }

    /// Returns when the deadline may have moved by a call of the API.
    pub async fn deadline_moved(&self) {
        self.deadline_moved.notified().await;
    }

    /// Remembers what was learned, in memory, for the case of a trap. Cheap;
    /// meant to be called every half minute or so.
    pub fn checkpoint(&self) {
        let now = self.clock.now();
        if let Err(error) = self.lock().checkpoint(now) {
            tracing::warn!(%error, "what was learned could not be noted");
        }
    }

    /// Writes what was learned and the mirror to disk. Meant for every quarter of an hour and
    /// the end, since it may be megabytes and cards wear. Blocks until the disk has it.
    ///
    /// # Errors
    /// When the optimizer or the disk fails; what was written before stays.
    pub fn save(&self) -> Result<(), HubError> {
        let now = self.clock.now();
        let snapshot = self.lock().checkpoint(now)?;
        self.blobs.save(SNAPSHOT, &snapshot)?;
        self.save_mirror();
        Ok(())
    }

    /// Makes the data folder fit to be copied while this goes on: what was
    /// learned is saved, and the store leaves a copy of itself. Blocks until
    /// the disk has it.
    ///
    /// # Errors
    /// When the optimizer or the disk fails.
    pub fn prepare_backup(&self) -> Result<(), HubError> {
        self.save()?;
        Ok(self.store.leave_copy()?)
    }

    /// The data folder was copied.
    ///
    /// # Errors
    /// When the store's copy cannot be removed.
    pub fn finish_backup(&self) -> Result<(), HubError> {
        Ok(self.store.remove_copy()?)
    }

    /// Sends everything that waits, saves what was learned, and commits the
    /// cache. Blocks until the disk has it.
    pub fn stop(&self) -> Result<(), HubError> {
        if let Some(plugins) = self.plugins.get() {
            plugins.stop();
        }
        {
            let now = self.clock.now();
            let mut engine = self.lock();
            engine.flush(now);
            self.collect(&mut engine, &mut Effects::default());
        }
        let flushed = self.store.flush();
        {
            let mut engine = self.lock();
            if let Err(error) = self.acknowledge_removals(&mut engine, self.clock.now()) {
                tracing::warn!(%error, "removals are performed again at the next start");
            }
        }
        let saved = self.save();
        flushed?;
        saved
    }

    /// Has these plugins asked, until the end.
    pub fn employ(&self, plugins: Arc<Plugins>) {
        // Once: a second set would compete for the same folder.
        let _ = self.plugins.set(plugins);
    }

    /// The plugins, if any can be there.
    pub fn plugins(&self) -> Option<&Arc<Plugins>> {
        self.plugins.get()
    }

    /// The link is down: what is held may be out of date.
    fn set_stale(&self, engine: &mut Engine) {
        engine.mirror.set_stale();
        self.replica.set_stale();
        self.tell_followers(Followed::Stale);
    }

    /// The number of the connection to Home Assistant; `None` while there is
    /// none.
    pub fn connection(&self) -> Option<u64> {
        self.lock().link.connection()
    }

    /// Every update and refresh from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Notice>> {
        self.notices.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Engine> {
        // A panic while the lock was held leaves counters at worst half
        // updated, which beats answering nothing any more.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Name of the blob that carries what was learned.
const SNAPSHOT: &str = "optimizer";

/// Name of the blob that carries the last mirror.
const MIRROR: &str = "mirror";

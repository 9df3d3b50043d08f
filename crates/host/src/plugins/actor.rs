//! One plugin at work: a thread that takes readings out of its mailbox, asks the
//! instance and gives them on with its advice.
//!
//! Whatever happens to the plugin, every reading is given on, and readings of one
//! entity in the order in which they came.

mod faults;
mod keeping;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;
use weirhouse_runner::limits::plugin::STACK_BYTES;
use weirhouse_runner::plugin::wit::ttl::{Entry, Lifetime};
use weirhouse_runner::plugin::{Capability, Package, PluginFault, Strikes};

use super::consult::{Consultation, text_of};
use super::folder::Folder;
use super::mailbox::{Mailbox, Waiting, first_of_each};
use super::services::{Ground, SharedGround};
use super::settings::settings;
use super::status::{PluginState, PluginStatus};
use crate::hub::{Advised, Hub};

/// Readings that may wait. A plugin that falls farther behind is passed by.
const MOST_WAITING: usize = 4096;

/// What was learned is written this often.
const SAVE_EVERY: Duration = Duration::from_mins(15);

/// What was stored is written so long after it changed, with all that changed
/// since: each time costs a durable write.
const STORE_AFTER: Duration = Duration::from_secs(2);

/// What an actor is told to do.
pub(super) enum Order {
    /// Work with this, taking over what was learned.
    Take(Box<Assignment>),
    /// Give on what waits, write what was learned, and end.
    Stop,
}

/// What an actor works with.
pub(super) struct Assignment {
    pub(super) package: Package,
    pub(super) sha256: String,
    pub(super) granted: Vec<Capability>,
    pub(super) written: BTreeMap<String, String>,
}

/// A plugin at work, from outside.
pub(super) struct Actor {
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) status: Arc<Mutex<PluginStatus>>,
    thread: JoinHandle<()>,
}

impl Actor {
    /// Starts the thread; the assignment is taken there.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(
        name: &str,
        folder: Folder,
        hub: Weak<Hub>,
        assignment: Assignment,
    ) -> std::io::Result<Self> {
        let mailbox = Arc::new(Mailbox::default());
        let mut status = PluginStatus::unknown(name, &assignment.sha256);
        status.state = PluginState::Working;
        let status = Arc::new(Mutex::new(status));
        mailbox.order(Order::Take(Box::new(assignment)));
        let work = Work {
            name: name.to_owned(),
            folder,
            hub,
            mailbox: Arc::clone(&mailbox),
            status: Arc::clone(&status),
            ground: None,
            live: None,
            assignment: None,
            strikes: Strikes::default(),
            rests_until: Duration::ZERO,
            quarantined: false,
            started: Instant::now(),
            saved: Instant::now(),
        };
        let thread = thread::Builder::new()
            .name(format!("plugin {name}").chars().take(15).collect())
            .stack_size(STACK_BYTES * 8)
            .spawn(move || work.run())?;
        Ok(Self {
            mailbox,
            status,
            thread,
        })
    }

    /// Ends it when it has given on what waits and written what it learned.
    pub(super) fn stop(self) {
        self.mailbox.order(Order::Stop);
        let _ = self.thread.join();
    }
}

/// What the thread works with.
struct Work {
    name: String,
    folder: Folder,
    hub: Weak<Hub>,
    mailbox: Arc<Mailbox>,
    status: Arc<Mutex<PluginStatus>>,
    ground: Option<SharedGround>,
    live: Option<Consultation>,
    assignment: Option<Assignment>,
    strikes: Strikes,
    /// Since `started`.
    rests_until: Duration,
    quarantined: bool,
    started: Instant,
    saved: Instant,
}

impl Work {
    fn run(mut self) {
        let mut stop = false;
        while !stop {
            let save_within = SAVE_EVERY.saturating_sub(self.saved.elapsed());
            let store_within = self.store_within().unwrap_or(save_within);
            let inbox = self.mailbox.wait(save_within.min(store_within));
            for order in inbox.orders {
                match order {
                    Order::Take(assignment) => self.take(*assignment),
                    Order::Stop => stop = true,
                }
            }
            self.pace(&inbox.refreshed);
            self.keep(inbox.entries);
            self.read(inbox.readings, stop);
            if self.store_within() == Some(Duration::ZERO) {
                self.save_stored();
            }
            if self.saved.elapsed() >= SAVE_EVERY {
                self.save_learned();
            }
        }
        self.save_learned();
    }

    /// Has one batch judged, and puts back what is for later ones.
    fn read(&mut self, mut readings: VecDeque<Waiting>, stop: bool) {
        if readings.is_empty() {
            return;
        }
        let Some(hub) = self.hub.upgrade() else {
            return;
        };
        let behind = readings.len() > MOST_WAITING;
        if behind {
            tracing::warn!(
                plugin = self.name,
                readings = readings.len(),
                "it is too slow for these; they are judged without it"
            );
        }
        if behind || stop || !self.is_ready() {
            hub.take_advice(readings.into_iter().map(Advised::without).collect());
            return;
        }
        let batch = first_of_each(&mut readings);
        self.mailbox.put_back(readings);
        let mut seen = hub.look(&batch);
        let now_ms = now_ms();
        let answer = self.ask(seen.len(), |live| {
            let derived = live.transform(now_ms, &seen)?;
            for (seen, derived) in seen.iter_mut().zip(&derived) {
                // Judged is what it became.
                if let Some(state) = derived.iter().find(|it| it.attribute.is_none()) {
                    seen.text = text_of(&state.value);
                }
            }
            let advice = live.judge(now_ms, &seen)?;
            Ok((derived, advice))
        });
        let advised = match answer {
            Some((derived, advice)) => {
                let given = advice.iter().filter(|it| it.opinion != 0).count();
                self.status().advised += given as u64;
                let answers = derived.into_iter().zip(advice);
                let advised = batch.into_iter().zip(answers);
                advised
                    .map(|(waiting, (derived, advice))| Advised {
                        waiting,
                        advice,
                        derived,
                    })
                    .collect()
            }
            None => batch.into_iter().map(Advised::without).collect(),
        };
        hub.take_advice(advised);
    }

    fn pace(&mut self, refreshed: &[Box<str>]) {
        if refreshed.is_empty() || !self.is_ready() {
            return;
        }
        let Some(hub) = self.hub.upgrade() else {
            return;
        };
        let seen = hub.look_refreshed(refreshed);
        let answer = self.ask(seen.len(), |live| live.intervals(now_ms(), &seen));
        let wanted = answer.unwrap_or_default().into_iter().zip(seen);
        let intervals: Vec<(Box<str>, u32)> = wanted
            .filter_map(|(interval, (seen, ..))| Some((seen.entity_id, interval?)))
            .collect();
        self.status().advised += intervals.len() as u64;
        hub.take_intervals(&intervals);
    }

    fn keep(&mut self, entries: Vec<(Entry, oneshot::Sender<Option<Lifetime>>)>) {
        if entries.is_empty() || !self.is_ready() {
            return;
        }
        let (entries, askers): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        let answer = self.ask(entries.len(), |live| live.lifetimes(now_ms(), &entries));
        for (lifetime, asker) in answer.unwrap_or_default().into_iter().zip(askers) {
            self.status().advised += u64::from(lifetime.is_some());
            // Whoever asked may have lost patience.
            let _ = asker.send(lifetime);
        }
    }

    /// Makes one call, counts it, and strikes if it fails.
    fn ask<T>(
        &mut self,
        asked: usize,
        call: impl FnOnce(&mut Consultation) -> Result<T, PluginFault>,
    ) -> Option<T> {
        let live = self.live.as_mut()?;
        let began = Instant::now();
        let outcome = call(live);
        let took = began.elapsed().as_secs_f64();
        let memory_bytes = live.memory_bytes() as u64;
        let mut status = self.status();
        status.calls += 1;
        status.asked += asked as u64;
        status.seconds += took;
        status.longest_s = status.longest_s.max(took);
        status.memory_bytes = memory_bytes;
        drop(status);
        match outcome {
            Ok(answer) => Some(answer),
            Err(fault) => {
                if fault.is_fatal() {
                    self.live = None;
                }
                self.strike(fault.cause(), &fault.to_string());
                None
            }
        }
    }

    /// Whether there is an instance to ask; starts one after a rest.
    fn is_ready(&mut self) -> bool {
        if self.quarantined || self.started.elapsed() < self.rests_until {
            return false;
        }
        if self.live.is_none() {
            let snapshot = std::fs::read(self.folder.learned(&self.name)).ok();
            self.begin(snapshot.as_deref());
        }
        self.live.is_some()
    }

    /// Starts an instance of what is assigned.
    fn begin(&mut self, snapshot: Option<&[u8]>) {
        let (Some(assignment), Some(ground)) = (&self.assignment, &self.ground) else {
            return;
        };
        match started(assignment, ground, &self.name, snapshot) {
            Ok(live) => self.live = Some(live),
            Err(fault) => self.strike("start", &fault),
        }
    }

    /// Works with something else from now on. What worked before goes on if
    /// that does not start.
    fn take(&mut self, assignment: Assignment) {
        let released = self.quarantined || self.live.is_none();
        let learned = self.learned();
        // Its successor knows nothing of what is not written yet.
        self.save_stored();
        let ground = self.ground_for(&assignment);
        let snapshot = learned.or_else(|| std::fs::read(self.folder.learned(&self.name)).ok());
        match started(&assignment, &ground, &self.name, snapshot.as_deref()) {
            Ok(live) => {
                self.live = Some(live);
                self.assignment = Some(assignment);
                self.ground = Some(ground);
                self.strikes.clear();
                self.quarantined = false;
                self.rests_until = Duration::ZERO;
                self.show();
            }
            Err(fault) if released => {
                self.assignment = Some(assignment);
                self.ground = Some(ground);
                self.show();
                self.strike("start", &fault);
            }
            Err(fault) => {
                tracing::warn!(plugin = self.name, %fault, "the new file does not start; what worked goes on");
                self.status().message = Some(format!(
                    "the new file does not start: {fault}; what worked goes on"
                ));
            }
        }
    }

    fn ground_for(&self, assignment: &Assignment) -> SharedGround {
        let stored = match &self.ground {
            Some(ground) => ground.lock().stored.clone(),
            None => self.load_stored(),
        };
        let settings = settings(&assignment.package, &assignment.written);
        SharedGround::new(Ground::new(&self.name, settings, stored))
    }

    /// Shows what is assigned.
    fn show(&self) {
        let Some(assignment) = &self.assignment else {
            return;
        };
        let description = assignment.package.description();
        let mut status = self.status();
        status.version.clone_from(&description.version);
        status.summary.clone_from(&description.summary);
        status.author.clone_from(&description.author);
        status.licence.clone_from(&description.licence);
        status.functions.clone_from(&description.functions);
        status.sha256.clone_from(&assignment.sha256);
        status.granted = assignment.granted.iter().map(ToString::to_string).collect();
        let needs = assignment.package.needs().unwrap_or_default();
        status.needs = needs.iter().map(ToString::to_string).collect();
        status.state = PluginState::Working;
        status.message = None;
    }

    fn status(&self) -> MutexGuard<'_, PluginStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An instance with what was learned before, if it takes it.
fn started(
    assignment: &Assignment,
    ground: &SharedGround,
    name: &str,
    snapshot: Option<&[u8]>,
) -> Result<Consultation, String> {
    let start = || {
        let live = Consultation::on(&assignment.package, &assignment.granted, ground.clone());
        live.map_err(|refused| refused.to_string())
    };
    let mut live = start()?;
    let Some(snapshot) = snapshot else {
        return Ok(live);
    };
    match live.relearn(snapshot) {
        Ok(()) => Ok(live),
        Err(fault) => {
            tracing::warn!(plugin = name, %fault, "what it learned is lost; it starts afresh");
            if fault.is_fatal() { start() } else { Ok(live) }
        }
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

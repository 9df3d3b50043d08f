//! Policies beside the optimizer: readings of entities that one claims are
//! given to it first, and come back with its advice.
//!
//! Nothing waits for a policy here. Readings leave through its mailbox; whoever
//! reads that calls [`Hub::take_advice`], with advice or without.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use weirhouse_hass::Timestamp;
use weirhouse_runner::Fault;
use weirhouse_runner::operations::{Advice as _, Schedule as _, Updates as _};
use weirhouse_runner::plugin::Function;
use weirhouse_runner::plugin::wit::transform::Derived;
use weirhouse_runner::plugin::wit::ttl::Entry;
use weirhouse_runner::wit::types::Instant;

use super::engine::{Engine, SHORTEST_REFRESH};
use super::entities::Name;
use super::policies::{Policy, Tolerance};
use super::show::Told;
use super::stream::{Columns, Reading};
use super::{Hub, PutOptions};
use crate::plugins::{Advice, Mailbox, Seen, Waiting, text_of};

/// How long a caller waits for what a policy says of its entry.
const ANSWER_WITHIN: Duration = Duration::from_millis(200);

/// The shortest life that the optimizer counts.
const SHORTEST_LIFE: Duration = Duration::from_micros(1);

/// Advice on a reading that waited for it.
pub(crate) struct Advised {
    pub(crate) waiting: Waiting,
    pub(crate) advice: Advice,
    /// What is judged in place of the reading; nothing if it is the reading.
    pub(crate) derived: Vec<Derived>,
}

impl Advised {
    /// A reading on which nobody advises.
    pub(crate) fn without(waiting: Waiting) -> Self {
        Self {
            waiting,
            advice: Advice::default(),
            derived: Vec::new(),
        }
    }
}

impl Engine {
    /// Gives readings that a policy claims to that policy, and leaves the
    /// others. A first reading is open to no advice and goes straight on.
    pub(super) fn hand_over(&mut self, now: Instant, readings: Vec<Reading>) -> Vec<Reading> {
        if self.policies.list.is_empty() {
            return readings;
        }
        let at_ms = millis(now);
        let mut left = Vec::with_capacity(readings.len());
        for reading in readings {
            let entity_id = &reading.name.entity;
            let reader = match &reading.name.attribute {
                None => self.claim(entity_id).reader,
                Some(_) => None,
            };
            let policy = reader.and_then(|place| self.policies.list.get(place));
            let known = self
                .entities
                .get(entity_id)
                .is_some_and(|entity| entity.published.is_some());
            match policy {
                Some(policy) if known || policy.is_asked(Function::Transform) => {
                    policy.mailbox.push(Waiting {
                        entity_id: reading.name.entity,
                        text: reading.text,
                        at_ms,
                    });
                }
                _ => left.push(reading),
            }
        }
        left
    }

    /// Tells policies which of their entities were refreshed.
    pub(super) fn hand_refreshed(&mut self, refreshed: &[String]) {
        if self.policies.list.is_empty() {
            return;
        }
        for entity_id in refreshed {
            // A budget is not a plugin's to spend.
            if self.settings.budgets_for(entity_id) {
                continue;
            }
            let pacer = self.claim(entity_id).pacer;
            if let Some(policy) = pacer.and_then(|place| self.policies.list.get(place)) {
                policy.mailbox.push_refreshed(entity_id.as_str().into());
            }
        }
    }

    /// What a policy is told of a reading.
    fn look(&mut self, now: Instant, waiting: &Waiting) -> Seen {
        let entity_id = &waiting.entity_id;
        let tolerance = if let Tolerance::Asked(tolerance) = self.claim(entity_id).tolerance {
            tolerance
        } else {
            let handle = self.entities.state_handle(entity_id);
            let rule = handle.and_then(|handle| self.core.rule_of(handle).ok());
            let tolerance = rule.and_then(|rule| rule.absolute);
            self.claim(entity_id).tolerance = Tolerance::Asked(tolerance);
            tolerance
        };
        let state = self.state(entity_id);
        let text = |name| state.and_then(|state| state.attributes.text(name));
        let mut seen = Seen {
            entity_id: entity_id.clone(),
            text: waiting.text.clone(),
            at_ms: waiting.at_ms,
            tolerance,
            name: text("friendly_name"),
            device_class: text("device_class"),
            unit: text("unit_of_measurement"),
            state_class: text("state_class"),
            readings: 1,
            ..Seen::default()
        };
        if let Some(entity) = self.entities.get(entity_id) {
            let published = entity.published.as_ref();
            seen.published = published.map(|it| (it.state.clone(), unix_ms(it.at)));
            seen.readings = entity.unpublished.saturating_add(1);
            seen.changes_per_hour = entity.pace.per_hour(now.mono);
        }
        seen
    }

    /// Has readings judged that come with advice.
    fn judge_advised(&mut self, now: Instant, advised: Vec<Advised>) {
        let mut readings = Vec::with_capacity(advised.len());
        let mut advice = Vec::with_capacity(advised.len());
        for one in advised {
            for (reading, opinion) in self.take_apart(one) {
                if self.set_aside.get(&reading.name) != Some(&reading.text) {
                    readings.push(reading);
                    advice.push(opinion);
                }
            }
        }
        match self.observe_advised(now, &readings, &advice) {
            Ok(verdicts) => self.note(now, &readings, &verdicts),
            Err(fault) => {
                // The one at fault is found, and set aside, without advice.
                if !matches!(fault, Fault::Trapped { .. }) {
                    tracing::error!(%fault, "advice was not taken");
                }
                if matches!(fault, Fault::Trapped { .. })
                    && let Err(fault) = self.reinstall(now)
                {
                    tracing::error!(%fault, "the optimizer was started anew and refuses its settings");
                    return;
                }
                self.judge(now, readings);
            }
        }
    }

    /// The readings to judge for one that waited: it, or what was made of it.
    fn take_apart(&mut self, one: Advised) -> Vec<(Reading, Advice)> {
        let Waiting {
            entity_id, text, ..
        } = one.waiting;
        // It may have gone while it was asked about.
        let Some(state) = self.shared_state(&entity_id) else {
            return Vec::new();
        };
        if let Some(claimed) = self.policies.claimed.get_mut(&entity_id) {
            claimed.reason.clone_from(&one.advice.reason);
        }
        let named = |attribute: Option<&str>| Name {
            entity: entity_id.clone(),
            attribute: attribute.map(Into::into),
        };
        let mut readings = Vec::with_capacity(1 + one.derived.len());
        if one.derived.iter().all(|it| it.attribute.is_some()) {
            // What was made of an earlier reading is past.
            let name = named(None);
            self.policies.derived.remove(&name);
            readings.push((Reading::new(name, text), one.advice.clone()));
        }
        for derived in &one.derived {
            let attribute = derived.attribute.as_deref();
            if attribute.is_some_and(|name| state.attributes.get(name).is_some()) {
                tracing::debug!(%entity_id, attribute, "the home has this attribute itself");
                continue;
            }
            let opinion = match attribute {
                None => one.advice.clone(),
                Some(_) => Advice::default(),
            };
            let (name, text) = (named(attribute), text_of(&derived.value));
            self.policies.derived.insert(name.clone(), text.clone());
            readings.push((Reading::new(name, text), opinion));
        }
        readings
    }

    fn observe_advised(
        &mut self,
        now: Instant,
        readings: &[Reading],
        advice: &[Advice],
    ) -> Result<Vec<u8>, Fault> {
        let started = std::time::Instant::now();
        let Columns {
            series,
            text,
            lengths,
        } = self.columns(now, readings)?;
        let opinions: Vec<u8> = advice.iter().map(|it| it.opinion).collect();
        let numbers: Vec<f64> = advice.iter().map(|it| it.number).collect();
        let delays: Vec<i64> = advice.iter().map(|it| it.delay_us).collect();
        let verdicts = self
            .core
            .observe_advised(now, &series, &text, &lengths, &opinions, &numbers, &delays)?;
        self.operations.note("observe", started.elapsed(), true);
        Ok(verdicts)
    }
}

impl Hub {
    /// Asks these policies from now on, in this order, and no others. Those that
    /// ended left their mailboxes: what came there since is judged before what
    /// comes now.
    pub(crate) fn set_policies(&self, list: Vec<Policy>, ended: &[Arc<Mailbox>]) {
        let now = self.clock.now();
        let mut engine = self.lock();
        engine.policies.list = list;
        engine.policies.forget_claims();
        engine.policies.derived.clear();
        let left: Vec<Waiting> = ended.iter().flat_map(|it| it.drain()).collect();
        if !left.is_empty() {
            engine.judge_advised(now, left.into_iter().map(Advised::without).collect());
            engine.recover(now);
            self.show(&mut engine, now, Told::None);
            self.deadline_moved.notify_one();
        }
    }

    /// How many entities each policy reads, and how many it claims that another
    /// reads, by its place.
    pub(crate) fn claimed(&self) -> Vec<(u64, u64)> {
        let engine = self.lock();
        let mut counts = vec![(0, 0); engine.policies.list.len()];
        for claimed in engine.policies.claimed.values() {
            if let Some(count) = claimed.reader.and_then(|place| counts.get_mut(place)) {
                count.0 += 1;
            }
            for place in &claimed.yielded {
                if let Some(count) = counts.get_mut(*place) {
                    count.1 += 1;
                }
            }
        }
        counts
    }

    /// What a policy is told of readings.
    pub(crate) fn look(&self, waiting: &[Waiting]) -> Vec<Seen> {
        let now = self.clock.now();
        let mut engine = self.lock();
        waiting.iter().map(|it| engine.look(now, it)).collect()
    }

    /// Takes readings with the advice they waited for.
    pub(crate) fn take_advice(&self, advised: Vec<Advised>) {
        let now = self.clock.now();
        let mut engine = self.lock();
        engine.judge_advised(now, advised);
        engine.recover(now);
        self.show(&mut engine, now, Told::None);
        drop(engine);
        // A window may have opened, or one of zero be due.
        self.deadline_moved.notify_one();
    }

    /// Entities that were refreshed, each with its interval and the time since
    /// it last changed, in milliseconds.
    pub(crate) fn look_refreshed(&self, refreshed: &[Box<str>]) -> Vec<(Seen, u32, Option<u32>)> {
        let now = self.clock.now();
        let mut engine = self.lock();
        let ms = |us: u64| u32::try_from(us / 1000).unwrap_or(u32::MAX);
        let mut look = |entity_id: &str| {
            let waiting = Waiting {
                entity_id: entity_id.into(),
                text: String::new(),
                at_ms: millis(now),
            };
            let seen = engine.look(now, &waiting);
            let handle = engine.entities.state_handle(entity_id)?;
            let interval = engine.core.interval_of(handle).ok().flatten()?;
            let judged = engine.entities.get(entity_id).and_then(|it| it.judged);
            let quiet = judged.map(|judged| millis(now).saturating_sub(unix_ms(judged.at)));
            let quiet = quiet.map(|ms| u32::try_from(ms).unwrap_or(u32::MAX));
            Some((seen, ms(interval.unsigned_abs()), quiet))
        };
        refreshed.iter().filter_map(|it| look(it)).collect()
    }

    /// Sets the intervals that a policy wants, in milliseconds.
    pub(crate) fn take_intervals(&self, intervals: &[(Box<str>, u32)]) {
        let now = self.clock.now();
        let mut engine = self.lock();
        for (entity_id, interval_ms) in intervals {
            let handle = engine.entities.state_handle(entity_id);
            let Some(handle) = handle.filter(|_| !engine.settings.budgets_for(entity_id)) else {
                continue;
            };
            let interval = Duration::from_millis(u64::from(*interval_ms)).max(SHORTEST_REFRESH);
            let interval_us = interval.as_micros() as i64;
            if let Err(error) = engine.call(now, |core| core.register(now, handle, interval_us)) {
                tracing::warn!(%error, %entity_id, "the interval a plugin wants was not taken");
            }
        }
        drop(engine);
        self.deadline_moved.notify_one();
    }

    /// Asks the policy that claims an entry how long it is to live. One that
    /// does not answer in time has no say.
    pub async fn ask_for_life(
        &self,
        namespace: &str,
        key: &str,
        bytes: usize,
        options: &mut PutOptions,
    ) {
        let Some(keeper) = self.keeper(namespace, key) else {
            return;
        };
        let asked = keeper.ask(Entry {
            namespace: namespace.to_owned(),
            key: key.to_owned(),
            media_type: options.content_type.clone(),
            bytes: bytes as u64,
        });
        if let Ok(Ok(Some(lifetime))) = tokio::time::timeout(ANSWER_WITHIN, asked).await {
            // None at all is the shortest there is.
            let life = |ms: u32| Duration::from_millis(u64::from(ms)).max(SHORTEST_LIFE);
            options.memory_life = Some(life(lifetime.memory));
            options.disk_life = Some(life(lifetime.disk));
        }
    }

    /// The policy to ask about an entry for which nobody named life times.
    fn keeper(&self, namespace: &str, key: &str) -> Option<Arc<Mailbox>> {
        let engine = self.lock();
        let list = engine.policies.list.iter();
        let mut keepers =
            list.filter(|it| it.is_asked(Function::Ttl) && it.claims.entry(namespace, key));
        keepers.next().map(|policy| Arc::clone(&policy.mailbox))
    }
}

impl PutOptions {
    /// Whether life times are left to others.
    pub(crate) fn names_no_life(&self) -> bool {
        self.memory_life.is_none() && self.disk_life.is_none()
    }
}

/// Text as JSON: a number as such, all else as a string.
pub(super) fn json_of(text: &str) -> Option<Box<RawValue>> {
    if text == "unknown" || text == "unavailable" {
        return RawValue::from_string("null".to_owned()).ok();
    }
    if text.parse::<serde_json::Number>().is_ok() {
        return RawValue::from_string(text.to_owned()).ok();
    }
    serde_json::value::to_raw_value(text).ok()
}

fn millis(now: Instant) -> u64 {
    u64::try_from(now.wall / 1000).unwrap_or_default()
}

fn unix_ms(at: Timestamp) -> u64 {
    (at.as_unix_seconds() * 1000.0).max(0.0) as u64
}

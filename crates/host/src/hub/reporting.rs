//! Readings that programs report, of entities that Home Assistant does not have.
//!
//! They are judged, batched and published by the rules that hold for the home.
//! They are held beside the mirror, never in it: that stays what Home Assistant
//! says, and an entity that it has is its own.

mod dated;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;
use weirhouse_hass::{Attributes, Change, Mirror, State, Timestamp};
use weirhouse_runner::wit::types::Instant;
use weirhouse_runner::{PUBLISH, Reason};

use super::Hub;
use super::engine::Engine;
use super::entities::Entity;
use super::publishing::reason_name;
use super::show::Told;
use super::update::{Notice, Published};
use dated::Dated;

/// Most entities that programs may report, at about a kilobyte each.
pub const MOST_REPORTED: usize = 2_000;

/// How far the time of a reading may be ahead of the clock here: clocks differ,
/// and one that is far off would make all that follows late.
const MOST_AHEAD_US: i64 = 60_000_000;

/// What a program says of one entity.
#[derive(Debug, Clone)]
pub struct Report {
    /// Its identifier, in the form Home Assistant's have.
    pub entity_id: String,
    /// Its state.
    pub state: String,
    /// All of its attributes; `None` for those it had.
    pub attributes: Option<Attributes>,
    /// When the reading was made; `None` if it counts as made when it comes.
    pub time: Option<Timestamp>,
}

/// What became of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It leaves with the next batch.
    Published,
    /// It does not matter, or not yet.
    Suppressed,
    /// It is what was reported last.
    Unchanged,
    /// A plugin that claims the entity is asked.
    Asked,
    /// It was not taken.
    Refused,
}

/// The answer to one reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Judgement {
    /// The entity.
    pub entity: String,
    /// What became of the reading.
    pub verdict: Verdict,
    /// Why: of what is refused `home-assistant` (it has such an entity),
    /// `too-many` (so many are reported already), `ahead` (its time is more than
    /// a minute ahead of the clock here) or `set-aside` (the optimizer failed at
    /// it)
    pub reason: Option<&'static str>,
    /// What was published last.
    pub published: Option<String>,
}

/// An entity that is reported.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportedEntity {
    /// Its identifier.
    pub entity: String,
    /// What was reported last.
    pub state: String,
    /// Its attributes.
    #[schema(value_type = Object)]
    pub attributes: Attributes,
    /// When it was last reported with a difference: the time of that reading,
    /// where it has one.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What was published last, why and when.
    #[schema(value_type = Option<Object>)]
    pub published: Option<Published>,
    /// Readings since the start.
    pub observed: u64,
    /// How many of them were suppressed.
    pub suppressed: u64,
}

/// What was reported, beside the mirror of the home.
#[derive(Debug, Default)]
pub(super) struct Reported(Mirror);

impl Reported {
    /// The state of an entity of the home, or else of one that is reported.
    pub(super) fn state<'a>(&'a self, home: &'a Mirror, entity_id: &str) -> Option<&'a State> {
        home.get(entity_id).or_else(|| self.0.get(entity_id))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &State)> {
        self.0.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn has(&self, entity_id: &str) -> bool {
        self.0.get(entity_id).is_some()
    }

    /// Forgets an entity that Home Assistant has by now.
    pub(super) fn cede(&mut self, entity_id: &str) {
        tracing::warn!(
            entity_id,
            "programs report an entity that Home Assistant has; what they report of it is refused"
        );
        self.remove(entity_id);
    }

    fn remove(&mut self, entity_id: &str) -> bool {
        let entity_id = entity_id.to_owned();
        let gone = self.0.apply(Change::Removed { entity_id }, Duration::ZERO);
        gone.is_some()
    }
}

/// What a report is about, before it is judged.
#[derive(Debug, Clone, Copy)]
struct Open {
    /// Readings of the entity that had been judged.
    observed: u64,
    /// Whether its state differs, and not attributes alone.
    state: bool,
    /// Whether anything differs.
    differs: bool,
}

impl Engine {
    /// The state of an entity, of the home or reported.
    pub(super) fn state(&self, entity_id: &str) -> Option<&State> {
        self.reported.state(&self.mirror, entity_id)
    }

    /// The same, to be kept.
    pub(super) fn shared_state(&self, entity_id: &str) -> Option<Arc<State>> {
        let home = self.mirror.shared(entity_id);
        home.or_else(|| self.reported.0.shared(entity_id))
    }

    /// Takes reports of which no two are of one entity, and either all have a time
    /// or none.
    fn take_reports(&mut self, now: Instant, reports: Vec<Report>) -> Vec<Judgement> {
        let arrived = Timestamp::from_micros(now.wall);
        let mut readings = Vec::with_capacity(reports.len());
        let mut seen = Vec::with_capacity(reports.len());
        let mut dated = Dated::default();
        for report in reports {
            let entity_id = report.entity_id.clone();
            if let Some(reason) = self.refuses(arrived, &report) {
                seen.push((entity_id, Err(reason)));
                continue;
            }
            let before = self.reported.0.shared(&entity_id);
            let attributes = report
                .attributes
                .or_else(|| before.as_ref().map(|state| state.attributes.clone()));
            let at = report.time.unwrap_or(arrived);
            let told = report.time.map(|time| (time, report.state.clone()));
            let state = State::new(
                report.state,
                attributes.unwrap_or_default(),
                at,
                before.as_deref(),
            );
            let change = Change::Added { entity_id, state };
            let Some(observation) = self.reported.0.apply(change, Duration::ZERO) else {
                continue;
            };
            let first = readings.len();
            self.observe_entity(now, &observation, &mut readings);
            let open = Open {
                observed: self.observed(&observation.entity_id),
                state: observation.state_changed,
                differs: readings.len() > first,
            };
            if let Some((time, state)) = told {
                let place = (&*observation.entity_id, time);
                dated.date(
                    place,
                    (before, open.observed),
                    state,
                    (&mut readings, first),
                );
            }
            seen.push((observation.entity_id, Ok(open)));
        }
        self.ingest(now, readings);
        let late = self.sort_out(now, dated);
        let judged = seen.into_iter().map(|(entity, seen)| match seen {
            Ok(_) if late.contains(&entity) => self.answer(
                entity,
                Verdict::Suppressed,
                Some(reason_name(Reason::Late as u8)),
            ),
            Ok(open) => self.judgement(entity, open),
            Err(reason) => Judgement {
                entity,
                verdict: Verdict::Refused,
                reason: Some(reason),
                published: None,
            },
        });
        judged.collect()
    }

    /// Why an entity cannot be reported, if that is so.
    fn refuses(&self, now: Timestamp, report: &Report) -> Option<&'static str> {
        let entity_id = &report.entity_id;
        if self.mirror.get(entity_id).is_some() {
            return Some("home-assistant");
        }
        let full = self.reported.len() >= MOST_REPORTED && !self.reported.has(entity_id);
        if full {
            return Some("too-many");
        }
        let latest = now.as_micros().saturating_add(MOST_AHEAD_US);
        let ahead = report.time.is_some_and(|time| time.as_micros() > latest);
        ahead.then_some("ahead")
    }

    /// Whether a plugin is asked about readings of an entity.
    fn is_claimed(&self, entity_id: &str) -> bool {
        let claimed = self.policies.claimed.get(entity_id);
        claimed.is_some_and(|claimed| claimed.reader.is_some())
    }

    fn observed(&self, entity_id: &str) -> u64 {
        let entity = self.entities.get(entity_id);
        entity.map_or(0, |entity| entity.observed)
    }

    /// What became of a report.
    fn judgement(&self, entity: String, open: Open) -> Judgement {
        let (verdict, reason) = match self.entities.get(&entity) {
            _ if !open.differs => (Verdict::Unchanged, None),
            Some(known) if known.observed > open.observed => known.last(open),
            _ if self.is_claimed(&entity) => (Verdict::Asked, None),
            _ => (Verdict::Refused, Some("set-aside")),
        };
        self.answer(entity, verdict, reason)
    }

    fn answer(&self, entity: String, verdict: Verdict, reason: Option<&'static str>) -> Judgement {
        let known = self.entities.get(&entity);
        let published = known.and_then(|known| known.published.as_ref());
        Judgement {
            verdict,
            reason,
            published: published.map(|published| published.state.clone()),
            entity,
        }
    }
}

impl Entity {
    /// The verdict on a report that has just been judged. Where its state
    /// differed that counts, whatever became of attributes that did, too.
    fn last(&self, open: Open) -> (Verdict, Option<&'static str>) {
        if open.state && self.unpublished == 0 {
            let published = self.published.as_ref();
            return (Verdict::Published, published.map(|it| it.reason));
        }
        let of_state = self.judged.filter(|_| open.state);
        let verdict = of_state.map_or(self.verdict, |judged| judged.verdict);
        let became = if !open.state && verdict & PUBLISH != 0 {
            Verdict::Published
        } else {
            Verdict::Suppressed
        };
        (became, Some(reason_name(verdict)))
    }
}

impl Hub {
    /// Takes readings of entities that Home Assistant does not have, in their
    /// order. One answer for each.
    pub fn report(&self, reports: Vec<Report>) -> Vec<Judgement> {
        let now = self.clock.now();
        let judgements = self.with_engine(|engine| {
            let mut judgements = Vec::with_capacity(reports.len());
            let mut part: Vec<Report> = Vec::new();
            let mut entities = HashSet::new();
            for report in reports {
                // Read before the next of the same entity, or it is lost.
                let known = !entities.insert(report.entity_id.clone());
                let dated = part.first().map(|first| first.time.is_some());
                if known || dated.is_some_and(|dated| dated != report.time.is_some()) {
                    judgements.extend(engine.take_reports(now, std::mem::take(&mut part)));
                    entities.clear();
                    entities.insert(report.entity_id.clone());
                }
                part.push(report);
            }
            judgements.extend(engine.take_reports(now, part));
            self.show(engine, now, Told::None);
            judgements
        });
        self.deadline_moved.notify_one();
        judgements
    }

    /// Forgets an entity that was reported, and tells those who follow it.
    pub fn withdraw(&self, entity_id: &str) -> bool {
        let now = self.clock.now();
        self.with_engine(|engine| {
            if !engine.reported.remove(entity_id) {
                return false;
            }
            engine.remove(now, entity_id);
            for update in engine.removals(now) {
                // Nobody listening is no error.
                let _ = self.notices.send(Arc::new(Notice::Update(update)));
            }
            true
        })
    }

    /// What programs report, by name.
    pub fn reported(&self) -> Vec<ReportedEntity> {
        let engine = self.lock();
        let held = engine.reported.iter();
        let mut entities: Vec<_> = held
            .map(|(entity_id, state)| {
                let entity = engine.entities.get(entity_id);
                ReportedEntity {
                    entity: entity_id.to_owned(),
                    state: state.state.clone(),
                    attributes: state.attributes.clone(),
                    at: state.last_updated,
                    published: entity.and_then(|entity| entity.published.clone()),
                    observed: entity.map_or(0, |entity| entity.observed),
                    suppressed: entity.map_or(0, |entity| entity.suppressed),
                }
            })
            .collect();
        entities.sort_by(|one, other| one.entity.cmp(&other.entity));
        entities
    }
}

//! From changes of the mirror to the clients of streams: rows are numbered and
//! offered to the optimizer, which decides what each client gets, and when.
//!
//! Nothing is offered while nobody streams.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use tokio::sync::Notify;
use weirhouse_hass::{Change, State};
use weirhouse_runner::wit::shaping::{Profile, Scope, Totals};
use weirhouse_runner::wit::types::Instant;

use super::engine::Engine;
use super::stream_client::{Resume, Start};
use super::{Hub, HubError};
use crate::mirror::Query;

/// The clients, and the numbers of rows.
#[derive(Default)]
pub(super) struct Shaped {
    /// Of every entity that was ever offered. They are kept, since a number must
    /// not stand for another entity while its removal waits somewhere.
    numbers: HashMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
    /// Whether each was there when it was offered last.
    present: Vec<bool>,
    /// Whether the optimizer knows the rows as they are.
    knows_rows: bool,
    clients: HashMap<u32, Client>,
    /// Counts instances of the optimizer, each of which begins without clients.
    era: u64,
}

/// One client as the hub knows it.
struct Client {
    query: Arc<Query>,
    wake: Arc<Notify>,
}

/// A client's number, and the instance that gave it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    client: u32,
    era: u64,
}

/// Columns of what rows are now.
#[derive(Default)]
struct Columns {
    rows: Vec<u32>,
    numbers: Vec<f64>,
    states: Vec<u64>,
    attributes: Vec<u64>,
}

impl Columns {
    fn push(&mut self, row: u32, state: &State) {
        let number = state.state.parse().ok();
        let mut digest = DefaultHasher::new();
        state.state.hash(&mut digest);
        self.states.push(digest.finish());
        let mut digest = DefaultHasher::new();
        for attribute in state.attributes.iter() {
            attribute.hash(&mut digest);
        }
        self.attributes.push(digest.finish());
        self.rows.push(row);
        self.numbers
            .push(number.filter(|it: &f64| it.is_finite()).unwrap_or(f64::NAN));
    }
}

impl Shaped {
    /// The instance that knew the clients is gone.
    pub(super) fn forget_clients(&mut self) {
        self.era += 1;
        self.knows_rows = false;
        // Each finds out when it asks.
        for client in std::mem::take(&mut self.clients).into_values() {
            client.wake.notify_one();
        }
    }

    /// Changes of one frame in parts in which no entity occurs twice, in order.
    /// Clients are told how many changes were merged, so that each must be
    /// offered; without clients nobody asks, and there is one part.
    pub(super) fn parts(&self, changes: Vec<Change>) -> Vec<Vec<Change>> {
        if self.clients.is_empty() {
            return vec![changes];
        }
        let mut seen = HashSet::new();
        let mut parts = Vec::new();
        let mut part: Vec<Change> = Vec::with_capacity(changes.len());
        for change in changes {
            if !seen.insert(change.entity_id().to_owned()) {
                seen.clear();
                seen.insert(change.entity_id().to_owned());
                parts.push(std::mem::take(&mut part));
            }
            part.push(change);
        }
        parts.push(part);
        parts
    }

    /// What a number stands for.
    pub(super) fn name(&self, row: u32) -> Option<Arc<str>> {
        self.names.get(row as usize).cloned()
    }

    pub(super) fn holds(&self, ticket: Ticket) -> bool {
        ticket.era == self.era
    }

    fn number(&self, entity_id: &str) -> Option<u32> {
        self.numbers.get(entity_id).copied()
    }

    fn number_or_new(&mut self, entity_id: &str) -> u32 {
        if let Some(number) = self.number(entity_id) {
            return number;
        }
        let number = self.names.len() as u32;
        let name: Arc<str> = entity_id.into();
        self.names.push(Arc::clone(&name));
        self.present.push(false);
        self.numbers.insert(name, number);
        number
    }

    /// Notes whether an entity is there; says whether it was.
    fn set_present(&mut self, row: u32, present: bool) -> bool {
        let slot = self.present.get_mut(row as usize);
        slot.is_some_and(|slot| std::mem::replace(slot, present))
    }

    /// Wakes clients that have rows ready.
    fn wake(&self, clients: &[u32]) {
        for client in clients.iter().filter_map(|it| self.clients.get(it)) {
            client.wake.notify_one();
        }
    }
}

impl Engine {
    /// Wakes the clients for which time has made rows ready.
    pub(super) fn wake_clients(&mut self, now: Instant) {
        match self.call(now, |core| core.shaping_poll_ready()) {
            Ok(ready) => self.shaped.wake(&ready),
            Err(error) => tracing::warn!(%error, "streams may fall behind"),
        }
    }

    /// What became of changes for clients of streams.
    pub(super) fn shaping_totals(&mut self, now: Instant) -> Result<Totals, HubError> {
        Ok(self.call(now, |core| core.shaping_all_totals())?.totals)
    }

    /// Offers entities as the mirror has them.
    fn offer_rows(
        &mut self,
        now: Instant,
        changed: &Columns,
        gone: &[u32],
    ) -> Result<(), HubError> {
        if !changed.rows.is_empty() {
            let ready = self.call(now, |core| {
                core.shaping_offer(
                    now,
                    &changed.rows,
                    &changed.numbers,
                    &changed.states,
                    &changed.attributes,
                )
            })?;
            self.shaped.wake(&ready);
        }
        if !gone.is_empty() {
            let ready = self.call(now, |core| core.shaping_remove(now, gone))?;
            self.shaped.wake(&ready);
        }
        Ok(())
    }

    /// Tells the optimizer all rows, if it does not know them.
    fn offer_all(&mut self, now: Instant) -> Result<(), HubError> {
        if self.shaped.knows_rows {
            return Ok(());
        }
        let mut rows = Columns::default();
        self.shaped.present.fill(false);
        for (entity_id, state) in self.mirror.iter() {
            let row = self.shaped.number_or_new(entity_id);
            self.shaped.set_present(row, true);
            rows.push(row, state);
        }
        let names = (0..).zip(&self.shaped.names);
        let gone = names.filter(|(_, name)| self.mirror.get(name).is_none());
        let gone: Vec<u32> = gone.map(|(number, _)| number).collect();
        self.offer_rows(now, &rows, &gone)?;
        self.shaped.knows_rows = true;
        Ok(())
    }
}

impl Hub {
    /// Offers entities that readers are shown anew. To be called after the
    /// replica was told.
    pub(super) fn offer_touched(&self, engine: &mut Engine, now: Instant, touched: &[Box<str>]) {
        if engine.shaped.clients.is_empty() {
            engine.shaped.knows_rows = false;
            return;
        }
        let mut rows = Columns::default();
        let mut gone = Vec::new();
        for entity_id in touched {
            let Some(state) = engine.mirror.get(entity_id) else {
                if let Some(row) = engine.shaped.number(entity_id) {
                    engine.shaped.set_present(row, false);
                    gone.push(row);
                }
                continue;
            };
            let row = engine.shaped.number_or_new(entity_id);
            rows.push(row, state);
            if !engine.shaped.set_present(row, true)
                && let Err(error) = self.follow_new(engine, now, entity_id, row)
            {
                tracing::warn!(%error, %entity_id, "streams do not carry this new entity");
            }
        }
        if let Err(error) = engine.offer_rows(now, &rows, &gone) {
            tracing::warn!(%error, entities = rows.rows.len(), "streams were not told of changes");
        }
    }

    /// Lets clients follow an entity that is new, where they ask for it.
    fn follow_new(
        &self,
        engine: &mut Engine,
        now: Instant,
        entity_id: &str,
        row: u32,
    ) -> Result<(), HubError> {
        let clients = engine.shaped.clients.iter();
        let listed = clients.filter(|(_, client)| {
            !client.query.selects_everything() && self.replica.selects(&client.query, entity_id)
        });
        let listed: Vec<u32> = listed.map(|(number, _)| *number).collect();
        for client in listed {
            engine.call(now, |core| core.shaping_follow(client, &[row]))?;
        }
        Ok(())
    }

    /// What belongs where has changed: clients that ask by place follow what
    /// belongs there now. What is new to them waits at once, and what left is
    /// gone for them.
    pub(super) fn follow_places(&self, engine: &mut Engine, now: Instant) {
        let clients = engine.shaped.clients.iter();
        let by_place = clients.filter(|(_, client)| client.query.selects_by_place());
        let by_place: Vec<(u32, Arc<Query>)> = by_place
            .map(|(number, client)| (*number, Arc::clone(&client.query)))
            .collect();
        for (client, query) in by_place {
            if let Err(error) = self.follow_place(engine, now, client, &query) {
                tracing::warn!(%error, "a stream goes on with the entities it had");
            }
        }
    }

    fn follow_place(
        &self,
        engine: &mut Engine,
        now: Instant,
        client: u32,
        query: &Query,
    ) -> Result<(), HubError> {
        let names = (0..).zip(&engine.shaped.names);
        let (inside, outside): (Vec<_>, Vec<_>) =
            names.partition(|(_, name)| self.replica.selects(query, name));
        let numbers = |rows: Vec<(u32, _)>| rows.into_iter().map(|(row, _)| row).collect();
        let (inside, outside): (Vec<u32>, Vec<u32>) = (numbers(inside), numbers(outside));
        engine.call(now, |core| core.shaping_unfollow(now, client, &outside))?;
        let joined = engine.call(now, |core| core.shaping_follow(client, &inside))?;
        let joined: Vec<u32> = joined
            .into_iter()
            .filter(|row| engine.shaped.present.get(*row as usize) == Some(&true))
            .collect();
        engine.call(now, |core| core.shaping_mark(now, client, &joined))?;
        engine.wake_clients(now);
        Ok(())
    }

    /// Adds a client, for which waits what it missed.
    pub(super) fn open_client(
        &self,
        profile: Profile,
        query: &Arc<Query>,
        wake: &Arc<Notify>,
        resume: Resume,
    ) -> Result<(Ticket, Start), HubError> {
        let outcome = self.with_engine(|engine| {
            let now = self.clock.now();
            engine.offer_all(now)?;
            let scope = if query.selects_everything() {
                Scope::All
            } else {
                Scope::Listed
            };
            let client = engine.call(now, |core| core.shaping_open(profile, scope))?;
            let registered = Client {
                query: Arc::clone(query),
                wake: Arc::clone(wake),
            };
            engine.shaped.clients.insert(client, registered);
            let ticket = Ticket {
                client,
                era: engine.shaped.era,
            };
            let begun = self.begin(engine, now, client, query, scope, resume);
            if begun.is_err() {
                self.close_in(engine, ticket);
            }
            begun.map(|begun| (ticket, begun))
        });
        self.deadline_moved.notify_one();
        outcome
    }

    /// Lets a new client follow what it asks for, and wait for what it missed.
    fn begin(
        &self,
        engine: &mut Engine,
        now: Instant,
        client: u32,
        query: &Query,
        scope: Scope,
        resume: Resume,
    ) -> Result<Start, HubError> {
        let mut rows = |names: Vec<String>| -> Vec<u32> {
            let names = names.iter();
            names
                .map(|name| engine.shaped.number_or_new(name))
                .collect()
        };
        let selected = rows(self.replica.selected(query));
        let (begun, missed) = match resume {
            Resume::Now => (Start::At(self.replica.cursor()), Vec::new()),
            Resume::Snapshot => (Start::Anew(selected.len()), selected.clone()),
            Resume::Since(cursor) => match self.replica.changed_since(query, cursor) {
                Some(changed) => (Start::At(cursor), rows(changed)),
                None => (Start::Anew(selected.len()), selected.clone()),
            },
        };
        if scope == Scope::Listed {
            // Some of what was missed may be gone.
            for rows in [&selected, &missed] {
                engine.call(now, |core| core.shaping_follow(client, rows))?;
            }
        }
        engine.call(now, |core| core.shaping_mark(now, client, &missed))?;
        engine.wake_clients(now);
        Ok(begun)
    }

    /// Ends a client.
    pub(super) fn close_client(&self, ticket: Ticket) {
        let mut engine = self.lock();
        self.close_in(&mut engine, ticket);
    }

    fn close_in(&self, engine: &mut Engine, ticket: Ticket) {
        if !engine.shaped.holds(ticket) {
            return;
        }
        engine.shaped.clients.remove(&ticket.client);
        let now = self.clock.now();
        if let Err(error) = engine.call(now, |core| core.shaping_close(ticket.client)) {
            tracing::warn!(%error, "a stream that ended still costs something");
        }
    }
}

impl Ticket {
    pub(super) fn client(self) -> u32 {
        self.client
    }
}

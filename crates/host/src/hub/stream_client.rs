//! One client of a stream: what it is to be sent now, and from where it can
//! resume.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::Notify;
use weirhouse_runner::wit::shaping::Profile;

use super::shaping::Ticket;
use super::{Hub, HubError};
use crate::mirror::{Cursor, Query};

/// Places to resume from that are kept while rows wait for their intervals.
const MARKS_IN_AN_INTERVAL: u64 = 8;

/// Where a client begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// With what changes from now on.
    Now,
    /// With everything there is.
    Snapshot,
    /// With what changed since.
    Since(Cursor),
}

/// How a client began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// It knows the changes up to here, and gets what came after.
    At(Cursor),
    /// It gets all entities it asks for, so many, and must forget what it has.
    Anew(usize),
}

/// One entity of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The entity.
    pub entity_id: Arc<str>,
    /// How many changes this one stands for; 0 where it is gone.
    pub changes: u32,
}

/// What a client is to be sent now.
#[derive(Debug, Default)]
pub struct Batch {
    /// Entities in the order of becoming ready.
    pub given: Vec<Given>,
    /// Whether changes were dropped, so that the client misses some.
    pub dropped: u32,
    /// Whether more is ready.
    pub more: bool,
    /// Where to resume until the last of these was sent.
    pub before: Option<Cursor>,
    /// Where to resume from then on.
    pub after: Option<Cursor>,
}

/// A client that is open; dropping it ends it.
pub struct StreamClient {
    hub: Arc<Hub>,
    profile: Profile,
    query: Arc<Query>,
    wake: Arc<Notify>,
    ticket: Ticket,
    /// Up to where every change was given, or did not matter.
    settled: Option<Cursor>,
    /// Moments at which nothing was ready, with the changes there were: one
    /// interval later none of these waits any more.
    marks: VecDeque<(u64, Cursor)>,
}

impl Hub {
    /// Adds a client of streams, which gets the states that `query` selects as
    /// `profile` says.
    ///
    /// # Errors
    /// When the profile is refused, there are too many clients, or the
    /// optimizer does not answer.
    pub fn open_stream(
        self: &Arc<Self>,
        profile: Profile,
        query: Query,
        resume: Resume,
    ) -> Result<(StreamClient, Start), HubError> {
        let query = Arc::new(query);
        let wake = Arc::new(Notify::new());
        let (ticket, start) = self.open_client(profile, &query, &wake, resume)?;
        let mut client = StreamClient {
            hub: Arc::clone(self),
            profile,
            query,
            wake,
            ticket,
            settled: None,
            marks: VecDeque::new(),
        };
        client.begin(start);
        Ok((client, start))
    }
}

impl StreamClient {
    /// Returns when there may be something to take.
    pub async fn ready(&self) {
        self.wake.notified().await;
    }

    /// What it asks for.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// Takes what is ready, at most so many entities. `None` if the optimizer
    /// was started anew since and knows nothing of the client.
    ///
    /// # Errors
    /// When the optimizer does not answer.
    pub fn take(&mut self, most: u32) -> Result<Option<Batch>, HubError> {
        let (hub, ticket) = (&self.hub, self.ticket);
        let (now, taken) = {
            let mut engine = hub.lock();
            let now = hub.clock.now();
            if !engine.shaped.holds(ticket) {
                return Ok(None);
            }
            let taken = engine.call(now, |core| core.shaping_take(now, ticket.client(), most))?;
            let given = taken.rows.iter().zip(&taken.changes);
            let given = given.filter_map(|(&row, &changes)| {
                Some(Given {
                    entity_id: engine.shaped.name(row)?,
                    changes,
                })
            });
            let batch = Batch {
                given: given.collect(),
                dropped: taken.dropped,
                more: taken.left > 0,
                before: self.settled,
                after: None,
            };
            (now, (batch, taken.waiting, hub.replica.cursor()))
        };
        let (mut batch, waiting, cursor) = taken;
        if batch.dropped == 0 && !batch.more {
            self.settle(now.mono, waiting, cursor);
        }
        batch.after = self.settled;
        Ok(Some(batch))
    }

    /// Nothing is ready, so many changes wait for their intervals, and `cursor`
    /// is the last change of all.
    fn settle(&mut self, now_us: u64, waiting: u32, cursor: Cursor) {
        if waiting == 0 {
            self.marks.clear();
            self.settled = Some(cursor);
            return;
        }
        let interval_us = self.profile.interval.unsigned_abs();
        while let Some(&(at_us, cursor)) = self.marks.front()
            && at_us + interval_us <= now_us
        {
            self.settled = Some(cursor);
            self.marks.pop_front();
        }
        let apart_us = interval_us / MARKS_IN_AN_INTERVAL;
        let newest = self.marks.back();
        if newest.is_none_or(|(at_us, _)| at_us + apart_us <= now_us) {
            self.marks.push_back((now_us, cursor));
        }
    }

    /// Begins again with everything there is.
    ///
    /// # Errors
    /// As [`Hub::open_stream`].
    pub fn begin_anew(&mut self) -> Result<Start, HubError> {
        self.hub.close_client(self.ticket);
        let (profile, query) = (self.profile, &self.query);
        let (ticket, start) = self
            .hub
            .open_client(profile, query, &self.wake, Resume::Snapshot)?;
        self.ticket = ticket;
        self.begin(start);
        Ok(start)
    }

    fn begin(&mut self, start: Start) {
        self.marks.clear();
        self.settled = match start {
            Start::At(cursor) => Some(cursor),
            Start::Anew(_) => None,
        };
    }
}

impl Drop for StreamClient {
    fn drop(&mut self) {
        self.hub.close_client(self.ticket);
    }
}

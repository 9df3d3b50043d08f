//! The states of a home as one client wants them: the optimizer says which
//! entities it gets now, and they are shown as the mirror has them.
//!
//! Nothing is written ahead: what a client does not take waits in the
//! optimizer, each entity once, with its newest value.

use serde_json::json;

use super::frame::{Event, Framing};
use crate::hub::{Batch, Hub, HubError, Resume, Start, StreamClient};
use crate::mirror::{Cursor, Query};
use std::sync::Arc;
use weirhouse_runner::wit::shaping::Profile;

/// Most entities taken at once: what a slow client holds in memory.
const MOST_AT_ONCE: u32 = 256;

/// Why a client has to forget what it holds.
#[derive(Debug, Clone, Copy)]
enum Reason {
    /// It asked for everything.
    Requested,
    /// What changed since it was there is not known.
    Cursor,
    /// Too much waited for it.
    Overflow,
    /// The optimizer was started anew.
    Restarted,
}

impl Reason {
    fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Cursor => "cursor",
            Self::Overflow => "overflow",
            Self::Restarted => "restarted",
        }
    }
}

/// One client's states.
pub(super) struct Shaped {
    hub: Arc<Hub>,
    client: StreamClient,
    /// What the client is to be told before anything else.
    opening: Option<Opening>,
    /// Whether more is ready than was taken.
    more: bool,
    /// Where the client was told to resume.
    told: Option<Cursor>,
    /// The request that opened the stream.
    request_id: Arc<str>,
}

enum Opening {
    At(Cursor),
    Reset(Reason, usize),
}

impl Shaped {
    pub(super) fn open(
        hub: &Arc<Hub>,
        query: Query,
        profile: Profile,
        resume: Resume,
        request_id: &Arc<str>,
    ) -> Result<Self, HubError> {
        let (client, start) = hub.open_stream(profile, query, resume)?;
        let opening = match (start, resume) {
            (Start::At(cursor), _) => Opening::At(cursor),
            (Start::Anew(entities), Resume::Since(_)) => Opening::Reset(Reason::Cursor, entities),
            (Start::Anew(entities), _) => Opening::Reset(Reason::Requested, entities),
        };
        Ok(Self {
            hub: Arc::clone(hub),
            client,
            opening: Some(opening),
            more: false,
            told: None,
            request_id: Arc::clone(request_id),
        })
    }

    /// Waits for the next events, and appends them, at least one, by `append`;
    /// `None` once there will be none.
    pub(super) async fn next(
        &mut self,
        framing: Framing,
        append: &mut impl FnMut(Framing, &Event<'_>, &[u8]),
    ) -> Option<()> {
        if let Some(opening) = self.opening.take() {
            self.open_with(&opening, framing, append);
            return Some(());
        }
        loop {
            if !self.more {
                self.client.ready().await;
            }
            match self.client.take(MOST_AT_ONCE) {
                Ok(Some(batch)) if batch.dropped > 0 => {
                    return self.reset(Reason::Overflow, framing, append);
                }
                Ok(Some(batch)) => {
                    self.more = batch.more;
                    if self.show(&batch, framing, append) {
                        return Some(());
                    }
                }
                Ok(None) => return self.reset(Reason::Restarted, framing, append),
                Err(error) => {
                    tracing::warn!(%error, "a stream ends");
                    return None;
                }
            }
        }
    }

    /// Where the client can resume by now, if it was not told. Nothing may have
    /// happened that it asks for.
    pub(super) fn progress(&mut self) -> Option<Cursor> {
        if self.more || self.opening.is_some() {
            return None;
        }
        let batch = self.client.take(0).ok()??;
        // Something is ready; its event will tell.
        self.more = batch.more;
        let cursor = batch.after.filter(|_| !batch.more);
        let cursor = cursor.filter(|cursor| self.told != Some(*cursor))?;
        self.told = Some(cursor);
        Some(cursor)
    }

    fn open_with(
        &mut self,
        opening: &Opening,
        framing: Framing,
        append: &mut impl FnMut(Framing, &Event<'_>, &[u8]),
    ) {
        match *opening {
            Opening::At(cursor) => {
                self.told = Some(cursor);
                let id = cursor.to_string();
                let event = Event {
                    id: Some(&id),
                    ..Event::named("cursor")
                };
                let json = json!({ "cursor": id, "request_id": &*self.request_id }).to_string();
                append(framing, &event, json.as_bytes());
            }
            Opening::Reset(reason, entities) => {
                let json = json!({
                    "reason": reason.name(),
                    "entities": entities,
                    "request_id": &*self.request_id,
                });
                let json = json.to_string();
                append(framing, &Event::named("reset"), json.as_bytes());
            }
        }
    }

    fn reset(
        &mut self,
        reason: Reason,
        framing: Framing,
        append: &mut impl FnMut(Framing, &Event<'_>, &[u8]),
    ) -> Option<()> {
        self.more = false;
        self.told = None;
        match self.client.begin_anew() {
            Ok(Start::Anew(entities)) => {
                self.open_with(&Opening::Reset(reason, entities), framing, append);
                Some(())
            }
            Ok(Start::At(cursor)) => {
                self.open_with(&Opening::At(cursor), framing, append);
                Some(())
            }
            Err(error) => {
                tracing::warn!(%error, "a stream ends");
                None
            }
        }
    }

    /// Appends a batch; says whether there was anything in it.
    fn show(
        &mut self,
        batch: &Batch,
        framing: Framing,
        append: &mut impl FnMut(Framing, &Event<'_>, &[u8]),
    ) -> bool {
        let [before, after] = [batch.before, batch.after].map(|it| it.map(|it| it.to_string()));
        let mut given = batch.given.iter().peekable();
        let mut shown = false;
        let ids = batch.given.iter().map(|given| &*given.entity_id);
        self.hub
            .replica()
            .each_state(self.client.query(), ids, |row| {
                let Some(one) = given.next() else { return };
                let is_last = given.peek().is_none();
                let id = if is_last { &after } else { &before };
                let event = Event {
                    name: "change",
                    id: id.as_deref(),
                    merged: one.changes.saturating_sub(1),
                };
                match row {
                    Some(row) if one.changes > 0 => append(framing, &event, row),
                    // What is gone or is back by now is told again in its turn.
                    _ => {
                        let json = json!({ "entity_id": &*one.entity_id }).to_string();
                        let event = Event {
                            name: "removed",
                            ..event
                        };
                        append(framing, &event, json.as_bytes());
                    }
                }
                shown = true;
            });
        if shown {
            self.told = batch.after;
        }
        shown
    }
}

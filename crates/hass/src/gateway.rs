//! The WebSocket interface of Home Assistant as clients see it, between a client and a connection of its own to Home
//! Assistant, as a state machine without I/O.
//!
//! The client logs in at Home Assistant itself: its token passes unread, and so does Home Assistant's verdict. What a
//! mirror can answer is answered from it, as Home Assistant would have answered at that moment; everything else passes,
//! with other identifiers. It opens no socket, reads no clock and knows no policy: when a change is told to a client
//! whose changes are shaped is the host's matter.
//!
//! # Who is answered from what
//! - An administrator may read every state: he is answered from the mirror that all share ([`Home`]).
//! - Of everybody else only Home Assistant knows what he may read. Everything passes, unless a profile applies to
//!   him: then he is answered from a mirror of his own, which is fed by his own connection.
//!
//! # Order
//! A client that asks for something after it was told something else must not be answered with less. Before an answer
//! from the shared mirror a ping goes to Home Assistant on the client's own connection, so that all its earlier
//! commands are carried out, and then a mark to the link that feeds the mirror. What passes to a client with
//! subscriptions to the shared mirror waits for a mark as well, so that the consequences of a command are told before
//! its result.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::{Class, Mirror, State, Timestamp};

mod answering;
mod change;
mod command;
mod early;
mod encode;
mod envelope;
mod exchange;
mod line;
mod login;
mod message;
mod own_mirror;
mod passing;
mod subscription;

pub use change::StateChange;
use command::Query;
use early::Early;
pub use exchange::{
    Closing, EntityTest, Frame, GatewayEvent, GatewayStats, Home, Identity, Profile, States,
};
use line::Line;
use subscription::Subscription;

/// Identifiers of Home Assistant's connection for each of the client's: the client's own command takes the first, what
/// is asked beside it the others.
const STRIDE: u64 = 1024;

/// Largest identifier taken of a client: what JavaScript can count to, after multiplication.
const MOST_ID: u64 = (1 << 53) / STRIDE;

/// Questions that may wait for an answer from a mirror at once, less than [`STRIDE`]; more pass to Home Assistant.
const MOST_QUESTIONS: usize = 400;

/// Subscriptions of one client that are answered from a mirror; more pass to Home Assistant.
const MOST_SUBSCRIPTIONS: usize = 256;

/// Messages that may wait to be sent to a client, as in Home Assistant: one that falls further behind is cut off.
const MOST_WAITING: usize = 4096;

/// Most messages, and about as many bytes, that are put into one frame for a client that takes several.
const MOST_IN_FRAME: (usize, usize) = (256, 1 << 20);

/// One client's connection.
///
/// After each `handle_*` drain [`poll_event`](Self::poll_event), [`poll_mark`](Self::poll_mark),
/// [`poll_upstream`](Self::poll_upstream), [`poll_client`](Self::poll_client) and [`closing`](Self::closing). "Upstream"
/// is Home Assistant.
pub struct Gateway {
    phase: Phase,
    wants_token_name: bool,
    identity: Identity,
    profile: Profile,
    source: Source,
    /// Whether the client takes several messages in a frame.
    coalesce: bool,
    last_client_id: u64,
    last_upstream_id: u64,
    /// Questions of ours without an answer, by identifier.
    asked: BTreeMap<u64, Asked>,
    /// Subscription to changes of users, or to the states of the client's own mirror.
    own_subscription: Option<u64>,
    /// What was asked under an identifier of ours for the client.
    aliases: BTreeMap<u64, Alias>,
    line: Line<Waiting>,
    subscriptions: BTreeMap<u64, Subscription>,
    /// Entities the host called due before the client's own mirror heard of the write it meant.
    early: HashMap<Arc<str>, Early>,
    to_client: VecDeque<Frame>,
    to_upstream: VecDeque<Frame>,
    events: VecDeque<GatewayEvent>,
    closing: Option<Closing>,
    stats: GatewayStats,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Home Assistant has not asked for a token yet.
    Greeting,
    /// The client has not sent its token yet.
    Login,
    /// Home Assistant has not judged it yet.
    Checking,
    /// Home Assistant is asked who this is.
    Asking,
    /// Answers come from a mirror that is not filled yet.
    Filling,
    Live,
}

/// What a client is answered from.
enum Source {
    /// Nothing: everything passes.
    None,
    Shared,
    Own(Box<Mirror>),
}

/// What an answer of Home Assistant belongs to that the client did not ask for.
enum Asked {
    User,
    Tokens,
    /// The subscription to changes of users.
    Users,
    /// The states of the user's own mirror.
    OwnStates,
    /// The ping before an answer.
    Before(Question),
    /// The ping before a message of ours.
    Saying(String),
}

/// A command of the client under another identifier than usual.
#[derive(Debug, Clone, Copy)]
struct Alias {
    /// The identifier that the client gave it.
    id: u64,
    /// Whether its events may come for ever.
    lasts: bool,
}

/// A question that a mirror answers.
struct Question {
    id: u64,
    query: Query,
    /// To be passed on if the mirror cannot.
    message: String,
}

enum Waiting {
    Frame(Frame),
    Answer(Question),
}

impl Gateway {
    /// For a client that has just connected, and whose connection to Home Assistant is open. The label of its token
    /// is found out if that is wanted.
    pub fn new(wants_token_name: bool) -> Self {
        Self {
            phase: Phase::Greeting,
            wants_token_name,
            identity: Identity::default(),
            profile: Profile::default(),
            source: Source::None,
            coalesce: false,
            last_client_id: 0,
            last_upstream_id: 0,
            asked: BTreeMap::new(),
            own_subscription: None,
            aliases: BTreeMap::new(),
            line: Line::default(),
            subscriptions: BTreeMap::new(),
            early: HashMap::new(),
            to_client: VecDeque::new(),
            to_upstream: VecDeque::new(),
            events: VecDeque::new(),
            closing: None,
            stats: GatewayStats::default(),
        }
    }

    /// Whether a frame of the client would be taken now. While it is not, do not read from the client.
    pub fn wants_client(&self) -> bool {
        matches!(self.phase, Phase::Login | Phase::Live) && self.closing.is_none()
    }

    /// Whether the client may send commands.
    pub fn is_live(&self) -> bool {
        self.phase == Phase::Live
    }

    /// Whether the client has said its token, which ends the time in which little is taken of it.
    pub fn is_accepted(&self) -> bool {
        matches!(self.phase, Phase::Asking | Phase::Filling | Phase::Live)
    }

    /// Messages that wait to be sent to the client, or for a mark.
    pub fn backlog(&self) -> usize {
        self.to_client.len() + self.line.len()
    }

    /// Frames that wait to be sent to Home Assistant.
    pub fn upstream_backlog(&self) -> usize {
        self.to_upstream.len()
    }

    /// Whether it matters to the client what the shared mirror holds.
    pub fn is_shared(&self) -> bool {
        matches!(self.source, Source::Shared)
    }

    /// Counters.
    pub fn stats(&self) -> GatewayStats {
        self.stats
    }

    /// Why the connection is to be closed, once everything was sent.
    pub fn closing(&self) -> Option<Closing> {
        self.closing
    }

    /// The next event for the host.
    pub fn poll_event(&mut self) -> Option<GatewayEvent> {
        self.events.pop_front()
    }

    /// Whether a mark is to be set in the link that feeds the shared mirror. The host must answer it with
    /// [`handle_mark`](Self::handle_mark).
    pub fn poll_mark(&mut self) -> bool {
        self.line.poll_mark()
    }

    /// The next frame for Home Assistant.
    pub fn poll_upstream(&mut self) -> Option<Frame> {
        self.to_upstream.pop_front()
    }

    /// Whether there is anything for the client.
    pub fn has_client_frame(&self) -> bool {
        !self.to_client.is_empty() || self.subscriptions.values().any(Subscription::is_due)
    }

    /// The next frame for the client; `now` is the wall clock's time.
    ///
    /// Shaped changes become messages only here, when all that was said before has been sent: a slow client gets each
    /// entity as it is then.
    pub fn poll_client(&mut self, now: Timestamp) -> Option<Frame> {
        if self.to_client.is_empty() {
            for subscription in self.subscriptions.values_mut() {
                let (messages, entities) = subscription.tell_due(now);
                self.stats.changes += entities as u64;
                self.stats.messages += messages.len() as u64;
                self.to_client.extend(messages.into_iter().map(Frame::Text));
            }
        }
        let mut first = match self.to_client.pop_front()? {
            Frame::Text(first) if self.coalesce => first,
            other => return Some(other),
        };
        let mut count = 1;
        while count < MOST_IN_FRAME.0
            && first.len() < MOST_IN_FRAME.1
            && let Some(Frame::Text(_)) = self.to_client.front()
            && let Some(Frame::Text(next)) = self.to_client.pop_front()
        {
            if count == 1 {
                first.insert(0, '[');
            }
            first.push(',');
            first.push_str(&next);
            count += 1;
        }
        if count > 1 {
            first.push(']');
        }
        Some(Frame::Text(first))
    }

    /// Takes a frame of the client, which must be [wanted](Self::wants_client).
    pub fn handle_client(&mut self, frame: Frame) {
        match (self.phase, frame) {
            (_, _) if self.closing.is_some() => {}
            // It may hold the token: it is not looked into.
            (Phase::Login, frame @ Frame::Text(_)) => {
                self.phase = Phase::Checking;
                self.to_upstream.push_back(frame);
            }
            (Phase::Live, Frame::Text(text)) => match envelope::messages(&text) {
                Some(messages) => {
                    for message in messages {
                        self.handle_command(message);
                    }
                }
                None => self.closing = Some(Closing::Malformed),
            },
            (Phase::Live, frame @ Frame::Binary(_)) => self.to_upstream.push_back(frame),
            _ => self.closing = Some(Closing::Malformed),
        }
    }

    /// Takes a frame of Home Assistant.
    pub fn handle_upstream(&mut self, now: Duration, frame: Frame) {
        if self.closing.is_some() {
            return;
        }
        let text = match frame {
            Frame::Text(text) => text,
            Frame::Binary(_) => {
                self.forward(frame);
                return;
            }
        };
        match self.phase {
            Phase::Greeting | Phase::Login | Phase::Checking => self.handle_login(text),
            Phase::Asking | Phase::Filling | Phase::Live => {
                let Some(messages) = envelope::messages(&text) else {
                    // Home Assistant sends none such: what it is cannot be told the client either.
                    self.closing = Some(Closing::Restart);
                    return;
                };
                for message in messages {
                    self.handle_message(now, message);
                }
            }
        }
    }

    /// The mark that was wanted was reached, or could not be (`live` is false): what waited for it is said.
    pub fn handle_mark(&mut self, live: bool, home: &dyn Home) {
        for waiting in self.line.reached() {
            match waiting {
                Waiting::Frame(frame) => self.say(frame),
                Waiting::Answer(question) if live => self.answer(question, home),
                Waiting::Answer(question) => self.pass_instead(&question),
            }
        }
    }

    /// Changes of the shared mirror, in order.
    pub fn handle_changes(&mut self, changes: &[StateChange]) {
        if self.is_shared() && !self.profile.shaped {
            for change in changes {
                self.tell(change);
            }
        }
    }

    /// The shared mirror lost its source.
    pub fn handle_stale(&mut self) {
        if self.is_shared() && !self.subscriptions.is_empty() {
            self.closing = Some(Closing::Restart);
        }
    }

    /// Changes of the shared mirror were missed.
    pub fn handle_lost(&mut self) {
        if self.is_shared() || self.phase == Phase::Filling {
            self.closing = Some(Closing::Slow);
        }
    }

    /// Entities of which the client is to be told now how they are in the shared mirror, or that they are gone from it.
    /// One with a mirror of its own is told as soon as that is as far.
    pub fn handle_due(&mut self, entity_ids: impl IntoIterator<Item = Arc<str>>, home: &dyn Home) {
        for entity_id in entity_ids {
            if !self.takes(&entity_id) {
                continue;
            }
            let state = home.state(&entity_id);
            if matches!(self.source, Source::Own(_)) {
                self.own_due(entity_id, state.as_deref());
            } else {
                self.set_due(&entity_id, state.as_ref());
            }
        }
    }

    /// The connection to Home Assistant is gone.
    pub fn handle_upstream_closed(&mut self) {
        self.closing.get_or_insert(match self.phase {
            Phase::Greeting | Phase::Login | Phase::Checking => Closing::Ended,
            _ => Closing::Restart,
        });
    }

    fn say(&mut self, frame: Frame) {
        self.stats.messages += 1;
        self.to_client.push_back(frame);
        if self.to_client.len() > MOST_WAITING {
            self.closing = Some(Closing::Slow);
        }
    }
}

/// The shared mirror of those who are not answered from it.
struct NoHome;

impl Home for NoHome {
    fn states(&self) -> Option<States> {
        None
    }

    fn state(&self, _: &str) -> Option<Arc<State>> {
        None
    }

    fn list(&self, _: Class) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests;

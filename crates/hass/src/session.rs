//! One connection's protocol as a state machine without I/O.
//!
//! Frames and the time go in through `handle_*`, frames to send and events come out through `poll_*`, and
//! [`Session::deadline`] says when it wants to be called next. It opens no socket, reads no clock and never
//! reconnects: after an error, or once it is closed, make a new one.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};

use crate::registry::{Announcement, Class};
use crate::state::Change;
use crate::wire::{self, EventBody, Message, MessageKind};
use crate::{CommandError, Event, ProtocolError, ServiceCall};

mod config;
mod refresh;

pub use config::{EntityFilter, Filter, SessionConfig};
use refresh::Refresh;

/// A Home Assistant WebSocket session.
///
/// After each `handle_*` or [`call_service`](Self::call_service), drain [`poll_transmit`](Self::poll_transmit) and
/// [`poll_event`](Self::poll_event), then wait for a frame or until [`deadline`](Self::deadline). All times are
/// monotonic since the session was made.
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    phase: Phase,
    next_id: u64,
    /// Commands without an answer. Identifiers rise with time, so the first one is the first to expire.
    pending: BTreeMap<u64, Pending>,
    /// The states subscription, and whether its snapshot has come.
    states: Option<(u64, bool)>,
    watches: BTreeMap<u64, Watch>,
    classes: BTreeMap<Class, Refresh>,
    last_frame: Duration,
    ping_expires: Option<Duration>,
    transmits: VecDeque<String>,
    events: VecDeque<Event>,
    /// Differences of the frame being handled, to be emitted together.
    changes: Vec<Change>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Login,
    Live,
    Closed,
}

#[derive(Debug)]
struct Pending {
    command: Command,
    expires: Duration,
}

/// A subscription to the changes of a class.
#[derive(Debug)]
struct Watch {
    class: Class,
    /// Whether the next event only tells what the first list contains anyway.
    first_is_list: bool,
}

/// What an answer belongs to.
#[derive(Clone, Copy, Debug)]
enum Command {
    Features,
    States,
    Watch(Class),
    List(Class),
    Call { correlation: u64 },
    Mark { mark: u64 },
}

impl Session {
    /// A session on a connection that was opened just now: its time starts at zero.
    pub fn new(config: SessionConfig) -> Self {
        Self {
            config,
            phase: Phase::Login,
            next_id: 1,
            pending: BTreeMap::new(),
            states: None,
            watches: BTreeMap::new(),
            classes: BTreeMap::new(),
            last_frame: Duration::ZERO,
            ping_expires: None,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            changes: Vec::new(),
        }
    }

    /// Takes one text frame. On an error nothing of the frame was used, or the connection is of no use any more:
    /// close it.
    pub fn handle_frame(&mut self, now: Duration, frame: &str) -> Result<(), ProtocolError> {
        let messages = wire::parse(frame)?;
        // Any frame proves the connection alive: under load the answer to a ping may queue behind many others.
        self.last_frame = now;
        self.ping_expires = None;
        let mut outcome = Ok(());
        for message in messages {
            outcome = self.handle_message(now, message);
            if outcome.is_err() {
                break;
            }
        }
        self.flush_changes();
        outcome
    }

    /// Does what is due. Call it at [`deadline`](Self::deadline); earlier calls do nothing.
    ///
    /// Handle the frames that already arrived first, or a busy host takes its own delay for a silent peer.
    pub fn handle_timeout(&mut self, now: Duration) -> Result<(), ProtocolError> {
        match self.phase {
            Phase::Login if now >= self.config.login_timeout => Err(ProtocolError::LoginTimeout {
                after: self.config.login_timeout,
            }),
            Phase::Live => {
                self.keep_alive(now)?;
                self.expire_commands(now)?;
                self.refresh_classes(now);
                Ok(())
            }
            Phase::Login | Phase::Closed => Ok(()),
        }
    }

    /// Calls an action. Its end comes as [`Event::CommandResult`], at once if the session is not live.
    pub fn call_service(&mut self, now: Duration, call: ServiceCall) {
        let correlation = call.correlation;
        if self.phase != Phase::Live {
            self.emit(Event::CommandResult {
                correlation,
                result: Err(CommandError::NotConnected),
            });
            return;
        }
        let mut body =
            json!({ "type": "call_service", "domain": call.domain, "service": call.service });
        if let (Value::Object(fields), false) = (&mut body, call.service_data.is_null()) {
            fields.insert("service_data".to_owned(), call.service_data);
        }
        self.send(now, Command::Call { correlation }, body);
    }

    /// Sets a mark: [`Event::Marked`] comes when everything that Home Assistant did before now was told. It comes in
    /// any case, at once if the session is not live.
    pub fn mark(&mut self, now: Duration, mark: u64) {
        if self.phase == Phase::Live {
            self.send(now, Command::Mark { mark }, json!({ "type": "ping" }));
        } else {
            self.emit(Event::Marked { mark, live: false });
        }
    }

    /// Tells the session that its connection is gone: calls and marks without an answer end now.
    pub fn handle_closed(&mut self) {
        self.phase = Phase::Closed;
        for (_, pending) in std::mem::take(&mut self.pending) {
            match pending.command {
                Command::Call { correlation } => self.emit(Event::CommandResult {
                    correlation,
                    result: Err(CommandError::ConnectionLost),
                }),
                Command::Mark { mark } => self.emit(Event::Marked { mark, live: false }),
                _ => {}
            }
        }
    }

    /// The next frame to send.
    pub fn poll_transmit(&mut self) -> Option<String> {
        self.transmits.pop_front()
    }

    /// The next event for the host.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called, unless a frame comes first.
    pub fn deadline(&self) -> Option<Duration> {
        match self.phase {
            Phase::Closed => None,
            Phase::Login => Some(self.config.login_timeout),
            Phase::Live => {
                let alive = self
                    .ping_expires
                    .unwrap_or(self.last_frame + self.config.heartbeat_interval);
                let command = self.pending.first_key_value().map(|(_, p)| p.expires);
                let refresh = self.classes.values().filter_map(Refresh::due);
                command.into_iter().chain(refresh).chain([alive]).min()
            }
        }
    }

    /// Whether the session is over: the token was refused or the connection reported closed.
    pub fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    fn handle_message(&mut self, now: Duration, message: Message<'_>) -> Result<(), ProtocolError> {
        match (self.phase, message.kind) {
            (Phase::Login, MessageKind::AuthRequired) => {
                let auth = json!({ "type": "auth", "access_token": self.config.token });
                self.transmits.push_back(auth.to_string());
            }
            (Phase::Login, MessageKind::AuthOk) => {
                self.phase = Phase::Live;
                self.emit(Event::Connected {
                    ha_version: message.ha_version.map(String::from),
                });
                self.start(now);
            }
            (Phase::Login, MessageKind::AuthInvalid) => {
                self.phase = Phase::Closed;
                self.emit(Event::Rejected {
                    message: wire::one_line(&message.text.unwrap_or_default()),
                });
            }
            (Phase::Live, MessageKind::Result) => return self.handle_result(now, message),
            (Phase::Live, MessageKind::Pong) => self.handle_pong(message.id),
            (Phase::Live, MessageKind::Event) => {
                if let Some(id) = message.id {
                    self.handle_event(now, id, message.event);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Asks for everything a connection needs. Watches precede lists, so that no change falls between the two.
    fn start(&mut self, now: Duration) {
        let features =
            json!({ "type": "supported_features", "features": { "coalesce_messages": 1 } });
        self.send(now, Command::Features, features);
        let id = self.send(now, Command::States, self.config.filter.subscribe_command());
        self.states = Some((id, false));
        for class in Class::ALL {
            for announcement in class.announcements() {
                let (body, first_is_list) = match announcement {
                    Announcement::BusEvent(event) => (
                        json!({ "type": "subscribe_events", "event_type": event }),
                        false,
                    ),
                    Announcement::Command(command) => (json!({ "type": command }), true),
                };
                let id = self.send(now, Command::Watch(class), body);
                let watch = Watch {
                    class,
                    first_is_list,
                };
                self.watches.insert(id, watch);
            }
        }
        for class in Class::ALL {
            self.list(now, class);
        }
    }

    fn list(&mut self, now: Duration, class: Class) {
        self.send(now, Command::List(class), class.list_command());
        self.classes.entry(class).or_default().started();
    }

    fn handle_event(&mut self, now: Duration, id: u64, event: EventBody) {
        match &mut self.states {
            Some((states, fresh)) if *states == id => {
                if *fresh {
                    self.changes.extend(event.into_changes());
                } else if let Some(snapshot) = event.added {
                    *fresh = true;
                    self.emit(Event::Snapshot(snapshot));
                }
                // A difference before the snapshot is contained in it.
            }
            _ => {
                if let Some(watch) = self.watches.get_mut(&id)
                    && !std::mem::take(&mut watch.first_is_list)
                {
                    let due = now + self.config.refresh_debounce;
                    let class = watch.class;
                    if self.classes.entry(class).or_default().announced(due) {
                        self.emit(Event::ClassOutdated { class });
                    }
                    if let Some((from, to)) = event.renamed() {
                        self.emit(Event::Renamed { from, to });
                    }
                }
            }
        }
    }

    /// The answer to a mark. A ping of the heartbeat is not pending: any frame answers it.
    fn handle_pong(&mut self, id: Option<u64>) {
        if let Some(pending) = id.and_then(|id| self.pending.remove(&id))
            && let Command::Mark { mark } = pending.command
        {
            self.emit(Event::Marked { mark, live: true });
        }
    }

    fn handle_result(&mut self, now: Duration, message: Message<'_>) -> Result<(), ProtocolError> {
        let Some(pending) = message.id.and_then(|id| self.pending.remove(&id)) else {
            return Ok(()); // An answer after its time-out, or to nobody.
        };
        let outcome = if message.success {
            Ok(message.result)
        } else {
            let failure = *message.error.unwrap_or_default();
            Err(CommandError::Refused {
                code: wire::one_line(&failure.code),
                message: wire::one_line(&failure.message),
            })
        };
        match (pending.command, outcome) {
            (Command::List(class), Ok(result)) => {
                let parsed = class.parse(result.map_or("null", |json| json.get()));
                self.emit(match parsed {
                    Ok(registry) => Event::Registry(registry),
                    Err(error) => Event::ClassUnavailable {
                        class,
                        error: CommandError::Unreadable {
                            detail: error.to_string(),
                        },
                    },
                });
                let due = now + self.config.refresh_debounce;
                let refresh = self.classes.entry(class).or_default();
                refresh.answered(due);
                if refresh.due().is_some() {
                    // Announced on the way: the list may be without that change.
                    self.emit(Event::ClassOutdated { class });
                }
                Ok(())
            }
            (Command::Call { correlation }, Ok(result)) => {
                let outcome = wire::parse_call_result(result);
                self.emit(Event::CommandResult {
                    correlation,
                    result: Ok(outcome),
                });
                Ok(())
            }
            (
                Command::Features | Command::States | Command::Watch(_) | Command::Mark { .. },
                Ok(_),
            ) => Ok(()),
            (command, Err(error)) => self.fail(now, command, error),
        }
    }

    /// Handles a command that was refused or not answered.
    fn fail(
        &mut self,
        now: Duration,
        command: Command,
        error: CommandError,
    ) -> Result<(), ProtocolError> {
        match command {
            // Without coalescing the feed is slower, not different.
            Command::Features => {}
            Command::States => return Err(ProtocolError::NotSubscribed { error }),
            Command::Watch(class) => self.emit(Event::ClassUnwatched { class, error }),
            Command::List(class) => {
                let refresh = self.classes.entry(class).or_default();
                match &error {
                    CommandError::Refused { code, .. }
                        if code == "unknown_command" || code == "unauthorized" =>
                    {
                        refresh.give_up();
                    }
                    CommandError::Timeout { .. } => refresh.retry(now + refresh::RETRY_DELAY),
                    _ => refresh.answered(now + self.config.refresh_debounce),
                }
                self.emit(Event::ClassUnavailable { class, error });
            }
            Command::Call { correlation } => self.emit(Event::CommandResult {
                correlation,
                result: Err(error),
            }),
            Command::Mark { mark } => self.emit(Event::Marked { mark, live: false }),
        }
        Ok(())
    }

    fn keep_alive(&mut self, now: Duration) -> Result<(), ProtocolError> {
        match self.ping_expires {
            Some(expires) if now >= expires => Err(ProtocolError::HeartbeatTimeout {
                after: now.saturating_sub(self.last_frame),
            }),
            None if now >= self.last_frame + self.config.heartbeat_interval => {
                let id = self.take_id();
                self.transmits
                    .push_back(json!({ "id": id, "type": "ping" }).to_string());
                self.ping_expires = Some(now + self.config.heartbeat_timeout);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn expire_commands(&mut self, now: Duration) -> Result<(), ProtocolError> {
        while let Some(first) = self.pending.first_entry() {
            if first.get().expires > now {
                break;
            }
            let command = first.remove().command;
            let after = self.config.command_timeout;
            self.fail(now, command, CommandError::Timeout { after })?;
        }
        Ok(())
    }

    fn refresh_classes(&mut self, now: Duration) {
        for class in Class::ALL {
            let due = self.classes.get(&class).and_then(Refresh::due);
            if due.is_some_and(|due| due <= now) {
                self.list(now, class);
            }
        }
    }

    fn send(&mut self, now: Duration, command: Command, mut body: Value) -> u64 {
        let id = self.take_id();
        if let Value::Object(fields) = &mut body {
            fields.insert("id".to_owned(), id.into());
        }
        self.transmits.push_back(body.to_string());
        let expires = now + self.config.command_timeout;
        self.pending.insert(id, Pending { command, expires });
        id
    }

    fn take_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// Queues an event behind the differences that preceded it.
    fn emit(&mut self, event: Event) {
        self.flush_changes();
        self.events.push_back(event);
    }

    fn flush_changes(&mut self) {
        if !self.changes.is_empty() {
            let changes = std::mem::take(&mut self.changes);
            self.events.push_back(Event::Changes(changes));
        }
    }
}

#[cfg(test)]
mod tests;

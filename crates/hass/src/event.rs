//! What a session and a client tell the host, and what the host may ask of them.
//!
//! Data only; the order in which events occur is documented on [`Event`].

use std::time::Duration;

use serde_json::{Value, json};

use crate::state::{Change, State};
use crate::{Class, DisconnectReason, Registry};

/// The states of all subscribed entities at one moment, in Home Assistant's order.
pub type Snapshot = Vec<(String, State)>;

/// Something the host should know.
///
/// On each connection `Connected` comes first, then exactly one `Snapshot`, then `Changes`; the other events are
/// interleaved in the order in which they happened. `Disconnected` ends the connection and precedes the next
/// `Connected`. `Rejected` is the last event of a client.
#[derive(Debug)]
pub enum Event {
    /// The token was accepted.
    Connected {
        /// Version of Home Assistant, such as `2026.11.0`.
        ha_version: Option<String>,
    },
    /// All states: replace the mirror.
    Snapshot(Snapshot),
    /// The differences of one frame, in order; never empty.
    Changes(Vec<Change>),
    /// A registry or the services, complete: replace what was known of this class.
    Registry(Registry),
    /// An entity has another identifier now. The states and the entity registry tell it too: as one entity that is
    /// gone and one that is new.
    Renamed {
        /// The identifier it had.
        from: String,
        /// The identifier it has.
        to: String,
    },
    /// A change of this class was announced: what is known of it is out of date until the next
    /// [`Registry`](Self::Registry) of the class.
    ClassOutdated {
        /// The class.
        class: Class,
    },
    /// A class could not be listed. What was known of it may be out of date.
    ClassUnavailable {
        /// The class.
        class: Class,
        /// Why.
        error: CommandError,
    },
    /// A class was listed, but its changes will not be announced on this connection.
    ClassUnwatched {
        /// The class.
        class: Class,
        /// Why.
        error: CommandError,
    },
    /// The end of a [`ServiceCall`]; each call ends exactly once while the client runs.
    CommandResult {
        /// As given in the call.
        correlation: u64,
        /// The outcome.
        result: Result<CommandOutcome, CommandError>,
    },
    /// The end of a mark; each mark ends exactly once while the client runs.
    Marked {
        /// As given to [`Client::mark`](crate::Client::mark).
        mark: u64,
        /// Whether everything that happened in Home Assistant before the mark was set has been told; false when there
        /// was no connection.
        live: bool,
    },
    /// The connection is gone or could not be made: the mirror is stale.
    Disconnected {
        /// Why, and what to do.
        reason: DisconnectReason,
        /// Time until the next attempt.
        retry_in: Duration,
    },
    /// Home Assistant refused the token. Trying again would only have it ban this address, so nothing is retried.
    Rejected {
        /// Home Assistant's words.
        message: String,
    },
}

/// A call of one Home Assistant action.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceCall {
    /// Chosen by the caller and returned with the result. It need not be unique to the session.
    pub correlation: u64,
    /// Domain of the action, such as `homeassistant`.
    pub domain: String,
    /// Name of the action, such as `update_entity`.
    pub service: String,
    /// The action's data; `Null` for none.
    pub service_data: Value,
}

impl ServiceCall {
    /// `homeassistant.update_entity`: asks the integrations to fetch these entities now.
    ///
    /// Home Assistant reports success even for unknown entities and failed fetches; whether it worked shows in the
    /// mirror. Entities of one coordinator are fetched at most every 10 s, however often this is called.
    pub fn update_entity<T: Into<String>>(
        correlation: u64,
        entity_ids: impl IntoIterator<Item = T>,
    ) -> Self {
        let entity_ids: Vec<String> = entity_ids.into_iter().map(Into::into).collect();
        Self {
            correlation,
            domain: "homeassistant".to_owned(),
            service: "update_entity".to_owned(),
            service_data: json!({ "entity_id": entity_ids }),
        }
    }
}

/// A command that Home Assistant carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandOutcome {
    /// Context of the call; states written because of it carry it as their own or as parent.
    pub context_id: Option<String>,
}

/// Why a command did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// Home Assistant answered with an error. Its codes are stable, its texts are not.
    #[error("Home Assistant refused the command: {code}: {message}")]
    Refused {
        /// Such as `unknown_command`, `unauthorized`, `not_found`.
        code: String,
        /// Home Assistant's words.
        message: String,
    },
    /// No answer in time. Home Assistant may still be carrying the command out.
    #[error("Home Assistant did not answer within {} s; it may still be busy with it", after.as_secs_f32())]
    Timeout {
        /// How long was waited.
        after: Duration,
    },
    /// The answer came, in a layout that could not be read.
    #[error("Home Assistant's answer has an unknown layout: {detail}")]
    Unreadable {
        /// Where and how.
        detail: String,
    },
    /// There is no connection to send it on.
    #[error("not connected to Home Assistant; send it again once connected")]
    NotConnected,
    /// The connection was lost before the answer. Home Assistant may have carried the command out.
    #[error("the connection was lost before Home Assistant answered; it may have been carried out")]
    ConnectionLost,
}

/// Why a connection cannot go on. The cure is always a new connection; the messages say what to look at if it recurs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A frame is not JSON, or not of the layout Home Assistant documents.
    #[error(
        "Home Assistant sent a malformed frame ({detail}): {excerpt:?}; check that the URL is Home Assistant's own"
    )]
    Malformed {
        /// What the parser found, with line and column.
        detail: String,
        /// Its first characters.
        excerpt: String,
    },
    /// A frame is JSON, but neither an object nor an array.
    #[error(
        "Home Assistant sent a frame that is not an object: {excerpt:?}; check that the URL is Home Assistant's own"
    )]
    NotAnObject {
        /// Its first characters.
        excerpt: String,
    },
    /// The login did not come to an end in time.
    #[error(
        "Home Assistant did not complete the login within {} s; check that the URL is Home Assistant's own and that it is not overloaded",
        after.as_secs_f32()
    )]
    LoginTimeout {
        /// How long was waited.
        after: Duration,
    },
    /// Nothing came, not even the answer to a ping.
    #[error("Home Assistant sent nothing for {} s, not even an answer to a ping; check the network", after.as_secs_f32())]
    HeartbeatTimeout {
        /// How long it was silent.
        after: Duration,
    },
    /// The states could not be subscribed to, without which the connection is of no use.
    #[error(
        "cannot subscribe to the states: {error}; check the entity filter and that Home Assistant is 2026.3 or newer if one is set"
    )]
    NotSubscribed {
        /// Why.
        error: CommandError,
    },
}

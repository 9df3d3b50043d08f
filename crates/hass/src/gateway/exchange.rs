//! What a gateway and its host say to each other.

use std::sync::Arc;

use crate::{Class, State};

/// What a mirror knows that all clients share.
pub trait Home {
    /// All states; `None` while they may be out of date.
    fn states(&self) -> Option<States>;

    /// The state of an entity.
    fn state(&self, entity_id: &str) -> Option<Arc<State>>;

    /// The JSON that Home Assistant answers when this class is listed; `None` while it may be out of date.
    fn list(&self, class: Class) -> Option<String>;
}

/// All states at one moment.
#[derive(Debug, Clone, Default)]
pub struct States {
    /// The last change they contain.
    pub sequence: u64,
    /// They.
    pub states: Vec<(Arc<str>, Arc<State>)>,
}

/// Who has logged in, as Home Assistant says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The user's identifier.
    pub user_id: String,
    /// The user's name.
    pub user_name: String,
    /// The label of the token: what a long-lived one was called when it was made.
    pub token_name: Option<String>,
    /// Whether the user may read everything.
    pub is_admin: bool,
}

/// Whether an entity is meant.
pub type EntityTest = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// What a client is told of states.
#[derive(Clone, Default)]
pub struct Profile {
    /// Of which entities; of all if there is none.
    pub takes: Option<EntityTest>,
    /// Whether the host says when a change is told, with [`Gateway::handle_due`].
    pub shaped: bool,
}

/// A frame, either way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// JSON.
    Text(String),
    /// What Home Assistant's commands for sound and files exchange.
    Binary(Vec<u8>),
}

/// Something the host should know or decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayEvent {
    /// The token was accepted. The host must answer with [`Gateway::handle_profile`].
    LoggedIn(Identity),
    /// The token was refused.
    Refused,
}

/// Why a connection to a client is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// Home Assistant ended it or refused the token, which was told.
    Ended,
    /// The client sent what is no JSON, or what a login may not contain.
    Malformed,
    /// The client does not take what it is sent.
    Slow,
    /// It must begin anew: the user was changed, or the mirror lost its source.
    Restart,
}

impl Closing {
    /// The WebSocket close code.
    pub fn code(self) -> u16 {
        match self {
            Self::Ended => 1000,
            Self::Malformed => 1007,
            Self::Slow => 1008,
            Self::Restart => 1012,
        }
    }

    /// Words for it.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Ended => "",
            Self::Malformed => "a message is no JSON",
            Self::Slow => "messages were not taken fast enough",
            Self::Restart => "connect again",
        }
    }
}

/// Counters of one connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GatewayStats {
    /// Commands answered from a mirror.
    pub answered: u64,
    /// Commands that passed to Home Assistant.
    pub passed: u64,
    /// Messages for the client, whatever their source.
    pub messages: u64,
    /// Changes that were told, of each subscription.
    pub changes: u64,
}

//! What a client asks for, as far as it can be answered without Home Assistant.
//!
//! Only what is exactly of the documented form is recognised; everything else is Home Assistant's to answer, errors
//! included.

use std::collections::BTreeSet;

use super::envelope::Envelope;
use crate::Class;

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// It can be answered from a mirror.
    Mirrored(Query),
    /// Ends a subscription; `None` if the number is none.
    Unsubscribe(Option<u64>),
    /// Says what the client can take: whether that is several messages in a frame.
    Features { coalesce: bool },
    /// Anything else.
    Other,
}

/// What a mirror can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Query {
    /// All states.
    States,
    /// A list.
    List(Class),
    /// States and their changes in the compressed form; of these entities, or of all if there are none.
    Entities(BTreeSet<String>),
    /// `state_changed` events.
    Changes,
    /// No more of the subscription of this number.
    End(u64),
}

impl Command {
    /// Reads the command of this type.
    pub(super) fn read(kind: &str, message: &Envelope<'_>) -> Self {
        let bare = message.has_only(&[]);
        match kind {
            "get_states" if bare => Self::Mirrored(Query::States),
            "get_services" if bare => Self::Mirrored(Query::List(Class::Services)),
            "config/entity_registry/list" if bare => Self::Mirrored(Query::List(Class::Entities)),
            "config/device_registry/list" if bare => Self::Mirrored(Query::List(Class::Devices)),
            "config/area_registry/list" if bare => Self::Mirrored(Query::List(Class::Areas)),
            "config/floor_registry/list" if bare => Self::Mirrored(Query::List(Class::Floors)),
            "config/label_registry/list" if bare => Self::Mirrored(Query::List(Class::Labels)),
            "subscribe_entities" if message.has_only(&["entity_ids"]) => {
                let ids = match message.member("entity_ids") {
                    Some(ids) => entity_ids(ids.get()),
                    None => Some(BTreeSet::new()),
                };
                ids.map_or(Self::Other, |ids| Self::Mirrored(Query::Entities(ids)))
            }
            "subscribe_events" if message.has_only(&["event_type"]) => {
                match message.member("event_type") {
                    Some(kind) if kind.get() == r#""state_changed""# => {
                        Self::Mirrored(Query::Changes)
                    }
                    _ => Self::Other,
                }
            }
            "unsubscribe_events" => match message.member("subscription") {
                Some(number) => Self::Unsubscribe(serde_json::from_str(number.get()).ok()),
                None => Self::Other,
            },
            "supported_features" => Self::Features {
                coalesce: message.member("features").is_some_and(|features| {
                    let names = serde_json::from_str::<serde_json::Value>(features.get());
                    names.is_ok_and(|names| names.get("coalesce_messages").is_some())
                }),
            },
            _ => Self::Other,
        }
    }
}

/// Entity ids as `subscribe_entities` takes them: in lower case, in a list.
fn entity_ids(json: &str) -> Option<BTreeSet<String>> {
    let ids: Vec<String> = serde_json::from_str(json).ok()?;
    let ids = ids.into_iter().map(|id| id.trim().to_lowercase());
    ids.map(|id| is_entity_id(&id).then_some(id)).collect()
}

fn is_entity_id(id: &str) -> bool {
    let is_part = |part: &str| {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        !part.is_empty()
            && !part.starts_with('_')
            && !part.ends_with('_')
            && part.bytes().all(known)
    };
    id.split_once('.')
        .is_some_and(|(domain, name)| is_part(domain) && is_part(name) && !domain.contains("__"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &str) -> Command {
        let envelope = Envelope::read(message).unwrap();
        Command::read(&envelope.kind().unwrap(), &envelope)
    }

    #[test]
    fn only_what_is_exactly_of_the_form_is_answered_here() {
        let ids = |ids: &[&str]| {
            let ids = ids.iter().map(|id| String::from(*id)).collect();
            Command::Mirrored(Query::Entities(ids))
        };
        for (message, command) in [
            (
                r#"{"id":1,"type":"get_states"}"#,
                Command::Mirrored(Query::States),
            ),
            (r#"{"id":1,"type":"get_states","x":1}"#, Command::Other),
            (
                r#"{"id":1,"type":"config/area_registry/list"}"#,
                Command::Mirrored(Query::List(Class::Areas)),
            ),
            (
                r#"{"id":1,"type":"config/entity_registry/list_for_display"}"#,
                Command::Other,
            ),
            (r#"{"id":1,"type":"subscribe_entities"}"#, ids(&[])),
            (
                r#"{"id":1,"type":"subscribe_entities","entity_ids":["Sun.sun"]}"#,
                ids(&["sun.sun"]),
            ),
            (
                r#"{"id":1,"type":"subscribe_entities","entity_ids":["sun"]}"#,
                Command::Other,
            ),
            (
                r#"{"id":1,"type":"subscribe_entities","include":{}}"#,
                Command::Other,
            ),
            (
                r#"{"id":1,"type":"subscribe_events","event_type":"state_changed"}"#,
                Command::Mirrored(Query::Changes),
            ),
            (r#"{"id":1,"type":"subscribe_events"}"#, Command::Other),
            (
                r#"{"id":1,"type":"unsubscribe_events","subscription":4}"#,
                Command::Unsubscribe(Some(4)),
            ),
            // Home Assistant would take these for numbers, too.
            (
                r#"{"id":1,"type":"unsubscribe_events","subscription":"4"}"#,
                Command::Unsubscribe(None),
            ),
            (
                r#"{"id":1,"type":"unsubscribe_events","subscription":4.5}"#,
                Command::Unsubscribe(None),
            ),
            (r#"{"id":1,"type":"unsubscribe_events"}"#, Command::Other),
            (
                r#"{"id":1,"type":"supported_features","features":{"coalesce_messages":1}}"#,
                Command::Features { coalesce: true },
            ),
            (
                r#"{"id":1,"type":"supported_features","features":{}}"#,
                Command::Features { coalesce: false },
            ),
            (r#"{"id":1,"type":"call_service"}"#, Command::Other),
        ] {
            assert_eq!(read(message), command, "{message}");
        }
    }
}

//! Frames from Home Assistant, parsed in one typed pass.
//!
//! A frame is one message or an array of them. Unknown message types and fields are skipped; only the parts the
//! session uses are kept, and results stay raw until it is known whose they are. Nothing here has state.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::state::{Change, Diff, State};
use crate::{CommandOutcome, ProtocolError};

/// One message, with every field optional.
#[derive(Deserialize)]
pub(crate) struct Message<'a> {
    #[serde(default)]
    pub(crate) id: Option<u64>,
    #[serde(rename = "type", default)]
    pub(crate) kind: MessageKind,
    #[serde(default)]
    pub(crate) success: bool,
    #[serde(borrow, default)]
    pub(crate) result: Option<&'a RawValue>,
    #[serde(default)]
    pub(crate) event: EventBody,
    #[serde(default)]
    pub(crate) error: Option<Box<Failure>>,
    #[serde(default)]
    pub(crate) ha_version: Option<Box<str>>,
    #[serde(rename = "message", default)]
    pub(crate) text: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MessageKind {
    AuthRequired,
    AuthOk,
    AuthInvalid,
    Result,
    Event,
    Pong,
    #[default]
    #[serde(other)]
    Other,
}

/// The error of a refused command.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// The body of an event: the compressed states feed, or nothing we look into.
///
/// Which subscription an event belongs to can be known only at the frame's end, since `id` may come last; reading
/// the feed's keys from every event avoids a second pass.
#[derive(Default)]
pub(crate) struct EventBody {
    /// Entities told in full.
    pub(crate) added: Option<Vec<(String, State)>>,
    changed: Vec<(String, Diff)>,
    removed: Vec<String>,
    /// What an event on the bus carries.
    data: BusData,
}

/// The parts of a bus event's data that are of use.
#[derive(Default, Deserialize)]
#[serde(default)]
struct BusData {
    entity_id: Loose,
    old_entity_id: Loose,
}

/// A text, or nothing where the JSON is of another type.
#[derive(Default)]
struct Loose(Option<String>);

impl EventBody {
    /// Old and new identifier, if the event tells that an entity was renamed.
    pub(crate) fn renamed(self) -> Option<(String, String)> {
        let (from, to) = (self.data.old_entity_id.0?, self.data.entity_id.0?);
        (from != to).then_some((from, to))
    }

    /// The differences, in the order in which they are to be applied.
    pub(crate) fn into_changes(self) -> impl Iterator<Item = Change> {
        let added = self.added.into_iter().flatten();
        let changed = self.changed.into_iter();
        let removed = self.removed.into_iter();
        added
            .map(|(entity_id, state)| Change::Added { entity_id, state })
            .chain(changed.map(|(entity_id, diff)| Change::Updated { entity_id, diff }))
            .chain(removed.map(|entity_id| Change::Removed { entity_id }))
    }
}

/// Parses a frame completely before anything of it is used, so that a broken frame changes nothing.
pub(crate) fn parse(frame: &str) -> Result<Vec<Message<'_>>, ProtocolError> {
    match frame.trim_start().as_bytes().first() {
        Some(b'[') => serde_json::from_str(frame),
        Some(b'{') => serde_json::from_str(frame).map(|message| vec![message]),
        _ => match serde_json::from_str::<IgnoredAny>(frame) {
            Ok(_) => {
                return Err(ProtocolError::NotAnObject {
                    excerpt: excerpt(frame),
                });
            }
            Err(error) => Err(error),
        },
    }
    .map_err(|error| ProtocolError::Malformed {
        detail: error.to_string(),
        excerpt: excerpt(frame),
    })
}

/// Reads the result of a `call_service`. An unknown layout reads as no context: the call itself succeeded.
pub(crate) fn parse_call_result(result: Option<&RawValue>) -> CommandOutcome {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct CallResult {
        context: CallContext,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct CallContext {
        id: Option<String>,
    }
    let result: CallResult = result
        .and_then(|json| serde_json::from_str(json.get()).ok())
        .unwrap_or_default();
    CommandOutcome {
        context_id: result.context.id,
    }
}

/// Words of the other side as they may stand in a message: a line of their own in the log, or a command to the
/// terminal, they must not become.
pub(crate) fn one_line(words: &str) -> String {
    const CHARACTERS: usize = 200;
    words
        .chars()
        .take(CHARACTERS)
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect()
}

/// The first characters of a frame, for messages: enough to recognise it, too little to fill a log.
fn excerpt(frame: &str) -> String {
    const CHARACTERS: usize = 48;
    let mut characters = frame.chars();
    let mut text: String = characters.by_ref().take(CHARACTERS).collect();
    if characters.next().is_some() {
        text.push('…');
    }
    text
}

impl<'de> Deserialize<'de> for EventBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EventVisitor)
    }
}

/// Reads the feed's object; any other JSON, such as the list that `config_entries/subscribe` sends, counts as empty.
struct EventVisitor;

impl<'de> Visitor<'de> for EventVisitor {
    type Value = EventBody;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<EventBody, A::Error> {
        #[derive(Deserialize)]
        #[serde(field_identifier)]
        enum Field {
            #[serde(rename = "a")]
            Added,
            #[serde(rename = "c")]
            Changed,
            #[serde(rename = "r")]
            Removed,
            #[serde(rename = "data")]
            Data,
            #[serde(other)]
            Other,
        }
        let mut body = EventBody::default();
        while let Some(field) = map.next_key()? {
            match field {
                Field::Added => body.added = Some(map.next_value::<Pairs<State>>()?.0),
                Field::Changed => body.changed = map.next_value::<Pairs<Diff>>()?.0,
                Field::Removed => body.removed = map.next_value()?,
                Field::Data => {
                    // Data of another layout than a registry's is of no interest.
                    let json: &RawValue = map.next_value()?;
                    body.data = serde_json::from_str(json.get()).unwrap_or_default();
                }
                Field::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(body)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<EventBody, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(EventBody::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<EventBody, E> {
        Ok(EventBody::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<EventBody, E> {
        Ok(EventBody::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<EventBody, E> {
        Ok(EventBody::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<EventBody, E> {
        Ok(EventBody::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<EventBody, E> {
        Ok(EventBody::default())
    }

    fn visit_unit<E>(self) -> Result<EventBody, E> {
        Ok(EventBody::default())
    }
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json: &RawValue = Deserialize::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(json.get()).ok()))
    }
}

/// A JSON object as a list, which keeps its order and costs no hashing.
struct Pairs<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for PairsVisitor<T> {
            type Value = Pairs<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object by entity")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<T>, A::Error> {
                // Home Assistant sends one entity per message, except in the snapshot.
                let mut pairs = Vec::with_capacity(1);
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor(std::marker::PhantomData))
    }
}

//! What Home Assistant says about one entity, and how one change alters it.
//!
//! Types and the merge rules of the compressed feed only: which entities exist is the mirror's matter,
//! what a value means is the host's.

use std::sync::OnceLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::Timestamp;

/// One entity's state as Home Assistant holds it.
///
/// Only a diff of the feed changes one; what is changed by hand is told as it was before.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "CompressedState")]
pub struct State {
    /// The state text, at most 255 characters in Home Assistant.
    pub state: String,
    /// The attributes, each kept as the JSON text received.
    pub attributes: Attributes,
    /// What caused the last write.
    pub context: Context,
    /// When the state text last changed.
    pub last_changed: Timestamp,
    /// When state or attributes were last written with a difference.
    pub last_updated: Timestamp,
    /// What was written of it.
    pub(crate) written: Written,
}

/// JSON of a state, written for the first client that asked and kept for the others.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// As `get_states` tells it, without the entity's identifier.
    pub(crate) full: OnceLock<Box<str>>,
    /// As `subscribe_entities` tells it.
    pub(crate) compressed: OnceLock<Box<str>>,
}

/// A copy is made to be changed, and begins with nothing written.
impl Clone for Written {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Attribute values by name, each the exact JSON text Home Assistant sent.
///
/// In order of names, without room to spare: a home has thousands of these, each with a few, and seldom one more.
#[derive(Clone, Debug, Default)]
pub struct Attributes(Box<[(Box<str>, Box<RawValue>)]>);

/// Origin of a write: Home Assistant's context.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Context {
    /// Identifier of this context.
    pub id: Option<String>,
    /// The context that led to this one.
    pub parent_id: Option<String>,
    /// The user who acted, if any.
    pub user_id: Option<String>,
}

/// One difference in the feed, in the order Home Assistant sent it.
#[derive(Clone, Debug)]
pub enum Change {
    /// The entity appeared, or is told anew in full.
    Added {
        /// The entity.
        entity_id: String,
        /// Its full state.
        state: State,
    },
    /// Parts of the entity changed.
    Updated {
        /// The entity.
        entity_id: String,
        /// The parts.
        diff: Diff,
    },
    /// The entity is gone.
    Removed {
        /// The entity.
        entity_id: String,
    },
}

impl Change {
    /// The entity it is about.
    pub fn entity_id(&self) -> &str {
        match self {
            Self::Added { entity_id, .. }
            | Self::Updated { entity_id, .. }
            | Self::Removed { entity_id } => entity_id,
        }
    }
}

/// The parts of a state that one write changed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Diff {
    #[serde(rename = "+")]
    pub(crate) additions: Additions,
    #[serde(rename = "-")]
    pub(crate) removals: Removals,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Additions {
    #[serde(rename = "s")]
    pub(crate) state: Option<String>,
    #[serde(rename = "a")]
    pub(crate) attributes: Attributes,
    #[serde(rename = "c")]
    context: ContextPatch,
    #[serde(rename = "lc")]
    last_changed: Option<Timestamp>,
    #[serde(rename = "lu")]
    last_updated: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Removals {
    #[serde(rename = "a")]
    pub(crate) attributes: Vec<Box<str>>,
}

/// The form of a full state in the feed; the same letters as [`Additions`], with other defaults.
#[derive(Deserialize)]
struct CompressedState {
    #[serde(rename = "s")]
    state: Option<String>,
    #[serde(rename = "a", default)]
    attributes: Attributes,
    #[serde(rename = "c", default)]
    context: ContextPatch,
    #[serde(rename = "lc")]
    last_changed: Option<Timestamp>,
    #[serde(rename = "lu")]
    last_updated: Option<Timestamp>,
}

impl From<CompressedState> for State {
    fn from(compressed: CompressedState) -> Self {
        let last_changed = compressed.last_changed.unwrap_or_default();
        let mut context = Context::default();
        compressed.context.apply(&mut context);
        Self {
            state: compressed.state.unwrap_or_else(|| "unknown".to_owned()),
            attributes: compressed.attributes,
            context,
            last_changed,
            last_updated: compressed.last_updated.unwrap_or(last_changed),
            written: Written::default(),
        }
    }
}

impl State {
    /// A state that is not the feed's, written at this moment in place of another.
    pub fn new(
        state: String,
        attributes: Attributes,
        at: Timestamp,
        before: Option<&Self>,
    ) -> Self {
        let same = before.filter(|before| before.state == state);
        Self {
            last_changed: same.map_or(at, |before| before.last_changed),
            last_updated: same
                .filter(|before| {
                    let between = AttributeChanges::between(&before.attributes, &attributes);
                    between == AttributeChanges::default()
                })
                .map_or(at, |before| before.last_updated),
            state,
            attributes,
            context: Context::default(),
            written: Written::default(),
        }
    }
}

impl Attributes {
    /// The JSON text of an attribute.
    pub fn get(&self, name: &str) -> Option<&str> {
        let place = self.place(name).ok()?;
        Some(self.0.get(place)?.1.get())
    }

    /// An attribute that is a JSON string, decoded.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name)
            .and_then(|json| serde_json::from_str(json).ok())
    }

    /// An attribute that is a JSON number.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name)
            .and_then(|json| serde_json::from_str(json).ok())
    }

    /// Names and JSON texts, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, value.get()))
    }

    /// How many attributes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Attributes {
    /// Where an attribute is, or would be.
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(name))
    }

    fn set(&mut self, name: Box<str>, value: Box<RawValue>) {
        match self.place(&name) {
            Ok(place) => self.0[place].1 = value,
            Err(place) => {
                let mut all = std::mem::take(&mut self.0).into_vec();
                all.reserve_exact(1);
                all.insert(place, (name, value));
                self.0 = all.into();
            }
        }
    }

    /// Tells whether it was there.
    fn remove(&mut self, name: &str) -> bool {
        let place = self.place(name);
        if let Ok(place) = place {
            let mut all = std::mem::take(&mut self.0).into_vec();
            all.remove(place);
            self.0 = all.into();
        }
        place.is_ok()
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Attributes;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of attributes")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut all = Vec::<(Box<str>, Box<RawValue>)>::new();
                while let Some(one) = map.next_entry()? {
                    all.push(one);
                }
                // Of a name that stands there twice, the last counts.
                all.reverse();
                all.sort_by(|(one, _), (other, _)| one.cmp(other));
                all.dedup_by(|(later, _), (kept, _)| later == kept);
                Ok(Attributes(all.into()))
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}

/// Which attributes of a state differ, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AttributeChanges {
    pub(crate) changed: Vec<Box<str>>,
    pub(crate) removed: Vec<Box<str>>,
}

impl AttributeChanges {
    pub(crate) fn between(old: &Attributes, new: &Attributes) -> Self {
        let changed = new
            .iter()
            .filter(|(name, json)| old.get(name) != Some(json))
            .map(|(name, _)| name.into());
        let removed = old
            .iter()
            .filter(|(name, _)| new.get(name).is_none())
            .map(|(name, _)| name.into());
        Self {
            changed: changed.collect(),
            removed: removed.collect(),
        }
    }
}

impl State {
    /// Merges a diff. Tells whether the state text differs now and which attributes do.
    pub(crate) fn merge(&mut self, diff: Diff) -> (bool, AttributeChanges) {
        self.written = Written::default();
        let Additions {
            state,
            attributes,
            context,
            last_changed,
            last_updated,
        } = diff.additions;
        let state_changed = match state {
            Some(state) if state != self.state => {
                self.state = state;
                true
            }
            _ => false,
        };
        context.apply(&mut self.context);
        // A new last_changed is also the last update; a last_updated of its own leaves last_changed alone.
        if let Some(at) = last_changed {
            self.last_changed = at;
            self.last_updated = at;
        }
        if let Some(at) = last_updated {
            self.last_updated = at;
        }
        let mut changes = AttributeChanges::default();
        for name in diff.removals.attributes {
            if self.attributes.remove(&name) {
                changes.removed.push(name);
            }
        }
        for (name, value) in attributes.0 {
            if self.attributes.get(&name) != Some(value.get()) {
                changes.changed.push(name.clone());
                self.attributes.set(name, value);
            }
        }
        (state_changed, changes)
    }
}

/// A context or a part of one. Small, because nearly every change carries one and most are an identifier.
#[derive(Clone, Debug, Default)]
enum ContextPatch {
    #[default]
    Keep,
    Id(String),
    Parts(Box<ContextParts>),
}

/// A context object, in which a missing key means "as before" and `null` means "none".
#[derive(Clone, Debug, Default)]
struct ContextParts {
    id: Patch,
    parent_id: Patch,
    user_id: Patch,
}

/// What a patch says about one field.
#[derive(Clone, Debug, Default)]
enum Patch {
    #[default]
    Keep,
    Set(Option<String>),
}

impl ContextPatch {
    fn apply(self, context: &mut Context) {
        match self {
            Self::Keep => {}
            Self::Id(id) => context.id = Some(id),
            Self::Parts(parts) => {
                let ContextParts {
                    id,
                    parent_id,
                    user_id,
                } = *parts;
                for (patch, field) in [
                    (id, &mut context.id),
                    (parent_id, &mut context.parent_id),
                    (user_id, &mut context.user_id),
                ] {
                    if let Patch::Set(value) = patch {
                        *field = value;
                    }
                }
            }
        }
    }
}

impl<'de> Deserialize<'de> for ContextPatch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = ContextPatch;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a context identifier or object")
            }

            fn visit_str<E>(self, id: &str) -> Result<ContextPatch, E> {
                Ok(ContextPatch::Id(id.to_owned()))
            }

            fn visit_unit<E>(self) -> Result<ContextPatch, E> {
                Ok(ContextPatch::Keep)
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<ContextPatch, A::Error> {
                #[derive(Deserialize)]
                #[serde(field_identifier, rename_all = "snake_case")]
                enum Field {
                    Id,
                    ParentId,
                    UserId,
                    #[serde(other)]
                    Other,
                }
                let mut parts = ContextParts::default();
                while let Some(field) = map.next_key()? {
                    match field {
                        Field::Id => parts.id = Patch::Set(map.next_value()?),
                        Field::ParentId => parts.parent_id = Patch::Set(map.next_value()?),
                        Field::UserId => parts.user_id = Patch::Set(map.next_value()?),
                        Field::Other => {
                            map.next_value::<serde::de::IgnoredAny>()?;
                        }
                    }
                }
                Ok(ContextPatch::Parts(Box::new(parts)))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

//! What the host keeps per entity: its handles, and what was published of it.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;

use serde_json::value::RawValue;
use weirhouse_hass::Timestamp;
use weirhouse_runner::wit::entities::Series;

use super::activity::Pace;
use super::update::Published;

/// All entities the optimizer has been told of.
#[derive(Default)]
pub(super) struct Entities {
    /// Boxed, because a map keeps room for as many again.
    by_name: HashMap<Box<str>, Box<Entity>>,
    /// What each handle stands for; `None` for one not in use.
    by_handle: Vec<Option<Name>>,
}

/// A series by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Name {
    pub(super) entity: Box<str>,
    /// `None` for the state.
    pub(super) attribute: Option<Box<str>>,
}

/// One entity.
#[derive(Default)]
pub(super) struct Entity {
    state: Option<u32>,
    attributes: HashMap<Box<str>, AttributeSeries>,
    pub(super) published: Option<Published>,
    pub(super) outgoing: Option<Outgoing>,
    pub(super) observed: u64,
    /// Readings of its state since one was published.
    pub(super) unpublished: u32,
    pub(super) suppressed: u64,
    pub(super) pace: Pace,
    /// What became of the last reading; of several of one moment, of that of
    /// the state.
    pub(super) judged: Option<Judged>,
    /// The verdict on the last reading of all.
    pub(super) verdict: u8,
    /// The configured rule of its state, counted from 1.
    rule: Option<NonZeroU32>,
}

/// An attribute that is judged.
struct AttributeSeries {
    handle: u32,
    /// Its configured rule, counted from 1.
    rule: Option<NonZeroU32>,
}

/// The verdict on the last reading of an entity.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judged {
    pub(super) verdict: u8,
    pub(super) at: Timestamp,
    /// The handle of the attribute it was of; `None` for the state.
    attribute: Option<u32>,
}

/// What the next batch carries of an entity.
#[derive(Default)]
pub(super) struct Outgoing {
    pub(super) reason: &'static str,
    /// With all attributes, as they are when it leaves.
    pub(super) whole: bool,
    /// Attributes that were published.
    pub(super) attributes: BTreeMap<Box<str>, Box<RawValue>>,
}

impl Entities {
    /// The handle of a series, if it was interned.
    pub(super) fn handle(&self, name: &Name) -> Option<u32> {
        let entity = self.by_name.get(&name.entity)?;
        match &name.attribute {
            None => entity.state,
            Some(attribute) => entity.attributes.get(attribute).map(|it| it.handle),
        }
    }

    /// The handle of the series that was judged last, or else of the state,
    /// if it was interned.
    pub(super) fn judged_handle(&self, entity_id: &str) -> Option<u32> {
        let entity = self.by_name.get(entity_id)?;
        entity
            .judged
            .and_then(|judged| judged.attribute)
            .or(entity.state)
    }

    /// The handle of an entity's state, if it was interned.
    pub(super) fn state_handle(&self, entity_id: &str) -> Option<u32> {
        self.by_name.get(entity_id)?.state
    }

    /// Notes the handle the optimizer gave a series.
    pub(super) fn adopt(&mut self, handle: u32, name: Name) {
        let entity = self.by_name.entry(name.entity.clone()).or_default();
        match &name.attribute {
            None => entity.state = Some(handle),
            Some(attribute) => {
                let series = AttributeSeries { handle, rule: None };
                entity.attributes.insert(attribute.clone(), series);
            }
        }
        let index = handle as usize;
        if index >= self.by_handle.len() {
            self.by_handle.resize(index + 1, None);
        }
        self.by_handle[index] = Some(name);
    }

    /// Notes which of the configured rules a series has, by its place among them.
    pub(super) fn note_rule(&mut self, name: &Name, place: Option<u32>) {
        let Some(entity) = self.by_name.get_mut(&name.entity) else {
            return;
        };
        let number = place.and_then(|place| NonZeroU32::new(place.saturating_add(1)));
        match &name.attribute {
            None => entity.rule = number,
            Some(attribute) => {
                if let Some(series) = entity.attributes.get_mut(attribute) {
                    series.rule = number;
                }
            }
        }
    }

    /// The configured rule of a series, counted from 1.
    pub(super) fn rule_number(&self, name: &Name) -> Option<NonZeroU32> {
        let entity = self.by_name.get(&name.entity)?;
        match &name.attribute {
            None => entity.rule,
            Some(attribute) => entity.attributes.get(attribute)?.rule,
        }
    }

    /// What a handle stands for.
    pub(super) fn name(&self, handle: u32) -> Option<&Name> {
        self.by_handle.get(handle as usize)?.as_ref()
    }

    pub(super) fn get(&self, entity_id: &str) -> Option<&Entity> {
        self.by_name.get(entity_id).map(|entity| &**entity)
    }

    /// The entity, known from now on if it was not.
    pub(super) fn entry(&mut self, entity_id: &str) -> &mut Entity {
        self.by_name.entry(entity_id.into()).or_default()
    }

    /// Attributes of an entity that have a series.
    pub(super) fn attributes(&self, entity_id: &str) -> impl Iterator<Item = &str> {
        self.by_name
            .get(entity_id)
            .into_iter()
            .flat_map(|entity| entity.attributes.keys().map(|name| &**name))
    }

    /// All series with their handles, ascending.
    pub(super) fn handles(&self) -> Vec<(u32, Name)> {
        let slots = (0..).zip(&self.by_handle);
        slots
            .filter_map(|(handle, name)| Some((handle, name.clone()?)))
            .collect()
    }

    /// All series of one entity with their handles.
    pub(super) fn handles_of(&self, entity_id: &str) -> Vec<(u32, Name)> {
        let Some(entity) = self.by_name.get(entity_id) else {
            return Vec::new();
        };
        entity
            .handles()
            .filter_map(|handle| Some((handle, self.name(handle)?.clone())))
            .collect()
    }

    /// Forgets all handles, because the optimizer was started anew; what was
    /// published stays known.
    pub(super) fn forget_handles(&mut self) {
        self.by_handle.clear();
        for entity in self.by_name.values_mut() {
            entity.state = None;
            entity.attributes.clear();
            if let Some(judged) = &mut entity.judged {
                judged.attribute = None;
            }
        }
    }

    /// Forgets an entity; gives the handle of its state.
    pub(super) fn remove(&mut self, entity_id: &str) -> Option<u32> {
        let entity = self.by_name.remove(entity_id)?;
        for handle in entity.handles() {
            if let Some(slot) = self.by_handle.get_mut(handle as usize) {
                *slot = None;
            }
        }
        entity.state
    }

    /// Handles of the entities that have something for the next batch,
    /// ascending.
    pub(super) fn waiting(&self) -> Vec<u32> {
        let waiting = self
            .by_name
            .values()
            .filter(|entity| entity.outgoing.is_some());
        let mut handles: Vec<u32> = waiting.filter_map(|entity| entity.state).collect();
        handles.sort_unstable();
        handles
    }

    /// All entities, by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Entity)> {
        self.by_name
            .iter()
            .map(|(name, entity)| (&**name, &**entity))
    }

    /// All entities by name.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(|name| &**name)
    }
}

impl Entity {
    fn handles(&self) -> impl Iterator<Item = u32> {
        let attributes = self.attributes.values().map(|it| it.handle);
        self.state.into_iter().chain(attributes)
    }

    /// Notes the verdict on a reading. Of state and attributes that changed at
    /// one time the state is what people look at.
    pub(super) fn note_verdict(&mut self, attribute: Option<&str>, verdict: u8, at: Timestamp) {
        self.verdict = verdict;
        let attribute = attribute.and_then(|it| self.attributes.get(it));
        let of_state = self
            .judged
            .is_some_and(|judged| judged.at == at && judged.attribute.is_none());
        if attribute.is_none() || !of_state {
            self.judged = Some(Judged {
                verdict,
                at,
                attribute: attribute.map(|it| it.handle),
            });
        }
    }
}

impl Name {
    pub(super) fn series(&self) -> Series {
        Series {
            entity: self.entity.to_string(),
            attribute: self.attribute.as_ref().map(ToString::to_string),
        }
    }
}

impl From<Series> for Name {
    fn from(Series { entity, attribute }: Series) -> Self {
        Self {
            entity: entity.into(),
            attribute: attribute.map(Into::into),
        }
    }
}

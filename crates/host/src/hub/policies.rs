//! Which policy is asked about what.

use std::collections::HashMap;
use std::sync::Arc;

use weirhouse_runner::plugin::Function;

use super::engine::Engine;
use super::entities::Name;
use crate::plugins::{Claims, Mailbox};

/// One that is asked.
pub struct Policy {
    /// Its name.
    pub name: Arc<str>,
    /// What it claims.
    pub claims: Claims,
    /// Where it is asked.
    pub mailbox: Arc<Mailbox>,
    /// What it is asked about.
    pub decides: Vec<Function>,
}

impl Policy {
    pub(super) fn is_asked(&self, function: Function) -> bool {
        self.decides.contains(&function)
    }

    /// Whether readings go through it.
    fn reads(&self) -> bool {
        [Function::Judge, Function::JudgeNumbers, Function::Transform]
            .into_iter()
            .any(|function| self.is_asked(function))
    }
}

/// All that are asked, the first of those that claim something deciding.
#[derive(Default)]
pub(super) struct Policies {
    pub(super) list: Vec<Policy>,
    /// Whose an entity is, as far as one was asked for.
    pub(super) claimed: HashMap<Box<str>, Claimed>,
    /// The newest of readings that were made of others.
    pub(super) derived: HashMap<Name, String>,
}

/// The absolute threshold of an entity's rule.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Tolerance {
    /// Nobody asked for it yet.
    #[default]
    Unasked,
    /// It, if there is one.
    Asked(Option<f64>),
}

/// Whose an entity is.
#[derive(Debug, Clone, Default)]
pub(super) struct Claimed {
    pub(super) reader: Option<usize>,
    pub(super) pacer: Option<usize>,
    /// Others that would have read it.
    pub(super) yielded: Vec<usize>,
    pub(super) tolerance: Tolerance,
    /// Why the policy advised what it did last, if it said.
    pub(super) reason: Option<Arc<str>>,
}

impl Policies {
    /// Forgets whose entities are and what their rules allow.
    pub(super) fn forget_claims(&mut self) {
        self.claimed.clear();
    }

    /// [`Policies::forget_claims`] for one entity.
    pub(super) fn forget_claim(&mut self, entity_id: &str) {
        self.claimed.remove(entity_id);
    }

    /// An entity is gone.
    pub(super) fn forget(&mut self, entity_id: &str) {
        self.forget_claim(entity_id);
        self.derived.retain(|name, _| *name.entity != *entity_id);
    }

    /// The newest reading that was made of others, if this series has such.
    pub(super) fn derived(&self, name: &Name) -> Option<&String> {
        self.derived.get(name)
    }

    /// The policy that decides for an entity, and why it advised what it did
    /// last.
    pub(super) fn advised(&self, entity_id: &str) -> Option<(&str, Option<&str>)> {
        let claimed = self.claimed.get(entity_id)?;
        let policy = self.list.get(claimed.reader?)?;
        Some((&policy.name, claimed.reason.as_deref()))
    }
}

impl Engine {
    /// Whose an entity is.
    pub(super) fn claim(&mut self, entity_id: &str) -> &mut Claimed {
        if !self.policies.claimed.contains_key(entity_id) {
            let state = self.state(entity_id);
            let class = state.and_then(|state| state.attributes.text("device_class"));
            let mut claimed = Claimed::default();
            for (place, policy) in self.policies.list.iter().enumerate() {
                if !policy.claims.entity(entity_id, class.as_deref()) {
                    continue;
                }
                if policy.reads() {
                    if claimed.reader.is_none() {
                        claimed.reader = Some(place);
                    } else {
                        claimed.yielded.push(place);
                    }
                }
                if policy.is_asked(Function::Interval) && claimed.pacer.is_none() {
                    claimed.pacer = Some(place);
                }
            }
            self.policies.claimed.insert(entity_id.into(), claimed);
        }
        self.policies.claimed.entry(entity_id.into()).or_default()
    }
}

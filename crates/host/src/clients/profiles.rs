//! What single clients of Home Assistant's interface are told of states, and which client is which.
//!
//! When a change is told is decided by the optimizer, as it is for streams; here are the settings only.

use std::net::IpAddr;
use std::sync::Arc;

use weirhouse_hass::{EntityTest, Identity};
use weirhouse_runner::wit::shaping::{Profile as Shape, Significance};

use crate::mirror::{PatternError, Patterns};

/// Most changes waiting for one client; many more than a home has entities.
const CAPACITY: u32 = 20_000;

/// A profile as it is configured. Of the ways to recognise a client all that are given must fit, and of each one value;
/// without any, it is for all clients.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientProfile {
    /// What it is called, in the log.
    pub name: String,
    /// Names or identifiers of Home Assistant's users.
    pub users: Vec<String>,
    /// Labels of long-lived access tokens.
    pub tokens: Vec<String>,
    /// Addresses from which clients connect.
    pub addresses: Vec<IpAddr>,
    /// Entities, domains as `sensor.*`, and globs; everything if there is none.
    pub entities: Vec<String>,
    /// Least time between two changes of one entity, microseconds; 0 for any.
    pub interval_us: i64,
    /// Which changes of numbers matter.
    pub significance: Significance,
    /// Whether changes matter in which only attributes differ.
    pub attributes: bool,
    /// How long a number may differ from what was told, although that does not matter, microseconds.
    pub max_stale_us: Option<i64>,
}

impl Default for ClientProfile {
    fn default() -> Self {
        Self {
            name: String::new(),
            users: Vec::new(),
            tokens: Vec::new(),
            addresses: Vec::new(),
            entities: Vec::new(),
            interval_us: 0,
            significance: Significance::Any,
            attributes: true,
            max_stale_us: None,
        }
    }
}

impl ClientProfile {
    /// Whether it is for this client.
    pub(super) fn is_for(&self, identity: &Identity, from: IpAddr) -> bool {
        let user = |it: &String| *it == identity.user_name || *it == identity.user_id;
        let token = |it: &String| Some(it) == identity.token_name.as_ref();
        (self.users.is_empty() || self.users.iter().any(user))
            && (self.tokens.is_empty() || self.tokens.iter().any(token))
            && (self.addresses.is_empty() || self.addresses.contains(&from))
    }

    /// How changes are shaped; `None` if each is told as it happens.
    pub(super) fn shape(&self) -> Option<Shape> {
        let any = matches!(self.significance, Significance::Any);
        (self.interval_us > 0 || !any || !self.attributes).then_some(Shape {
            interval: self.interval_us,
            significance: self.significance,
            attributes: self.attributes,
            max_stale: self.max_stale_us,
            capacity: CAPACITY,
        })
    }

    /// Which entities it is about; `None` for all.
    pub(crate) fn patterns(&self) -> Result<Option<Patterns>, PatternError> {
        let patterns = Patterns::parse(self.entities.iter().map(String::as_str))?;
        Ok((!patterns.is_empty()).then_some(patterns))
    }

    /// The same as a test; one that was checked before is never refused.
    pub(super) fn takes(&self) -> Option<EntityTest> {
        let patterns = self.patterns().ok().flatten()?;
        Some(Arc::new(move |entity_id: &str| {
            patterns.match_any(entity_id)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_that_is_given_must_fit() {
        let texts = |texts: &[&str]| texts.iter().map(|it| String::from(*it)).collect();
        let wall: IpAddr = [192, 168, 1, 5].into();
        let identity = Identity {
            user_id: "u1".into(),
            user_name: "Ada".into(),
            token_name: Some("Wall".into()),
            is_admin: true,
        };
        let profile = |users: &[&str], tokens: &[&str], addresses: &[IpAddr]| ClientProfile {
            users: texts(users),
            tokens: texts(tokens),
            addresses: addresses.to_vec(),
            ..ClientProfile::default()
        };
        for (profile, fits) in [
            (profile(&[], &[], &[]), true),
            (profile(&["Bob", "Ada"], &[], &[]), true),
            (profile(&["u1"], &["Wall"], &[wall]), true),
            (profile(&["u1"], &["Phone"], &[wall]), false),
            (profile(&["ada"], &[], &[]), false),
            (profile(&[], &[], &[[192, 168, 1, 6].into()]), false),
        ] {
            assert_eq!(profile.is_for(&identity, wall), fits, "{profile:?}");
        }
    }

    #[test]
    fn a_profile_that_holds_nothing_back_shapes_nothing() {
        let mut profile = ClientProfile::default();
        assert_eq!(profile.shape(), None);
        assert!(profile.takes().is_none());
        profile.entities = vec!["sensor.*".into()];
        assert_eq!(profile.shape(), None);
        let takes = profile.takes().expect("a test");
        assert!(takes("sensor.a") && !takes("light.a"));
        profile.interval_us = 5_000_000;
        assert_eq!(profile.shape().map(|it| it.interval), Some(5_000_000));
    }
}

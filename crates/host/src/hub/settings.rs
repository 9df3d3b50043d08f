//! How a hub works, as configuration and command line set it.

use std::time::Duration;

use weirhouse_runner::wit::cache::{Settings as CacheSettings, Usage};
use weirhouse_runner::wit::fetch::Policy;
use weirhouse_runner::wit::schedule::{Class, Volatility};
use weirhouse_runner::wit::updates::{Batching, Rule};

use super::rules::RuleFor;

/// Everything the optimizer is told at its start, and again after a trap.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The rule of series with neither rule nor preset.
    pub default_rule: Rule,
    /// Rules of their own for some series; the first that is for one counts.
    pub rules: Vec<RuleFor>,
    /// Whether presets by device class apply.
    pub presets: bool,
    /// How updates are grouped; `None` leaves the optimizer's default.
    pub batching: Option<Batching>,
    /// How namespaces without settings of their own are cached; `None` leaves
    /// the optimizer's default.
    pub cache: Option<CacheSettings>,
    /// How what the cache has not is fetched; `None` leaves the optimizer's
    /// default.
    pub fetch: Option<Policy>,
    /// The most the second level may hold; `None` leaves the optimizer's
    /// default.
    pub disk_bounds: Option<Usage>,
    /// Entities to refresh, and how often.
    pub refresh: Vec<(String, Refresh)>,
}

/// How often an entity is refreshed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Refresh {
    /// At this interval.
    Every(Duration),
    /// At the interval of its class and volatility.
    Class(Class, Volatility),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_rule: Rule::default(),
            rules: Vec::new(),
            presets: true,
            batching: None,
            cache: None,
            fetch: None,
            disk_bounds: None,
            refresh: Vec::new(),
        }
    }
}

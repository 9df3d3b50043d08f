//! How a hub works, as configuration and command line set it.

use std::time::Duration;

use weirhouse_runner::wit::cache::{OwnSettings, Settings as CacheSettings, Usage};
use weirhouse_runner::wit::fetch::{OwnPolicy, Policy};
use weirhouse_runner::wit::schedule::{Bounds, Budget, Class, Volatility};
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
    /// How values are kept; `None` leaves the optimizer's default.
    pub cache: Option<CacheSettings>,
    /// How what the cache has not is fetched; `None` leaves the optimizer's
    /// default.
    pub fetch: Option<Policy>,
    /// In what namespaces of the cache differ from that.
    pub namespaces: Vec<Namespace>,
    /// The most the second level may hold; `None` leaves the optimizer's
    /// default.
    pub disk_bounds: Option<Usage>,
    /// How many refreshes there may be of the entities that share a budget, by
    /// its name.
    pub budgets: Vec<(String, Budget)>,
    /// Entities to refresh, and how often.
    pub refresh: Vec<(String, Refresh)>,
}

/// What a namespace of the cache has of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// How its values are kept.
    pub kept: OwnSettings,
    /// How they are fetched.
    pub fetched: OwnPolicy,
}

/// How often an entity is refreshed.
#[derive(Debug, Clone, PartialEq)]
pub enum Refresh {
    /// At this interval.
    Every(Duration),
    /// At the interval of its class and volatility.
    Class(Class, Volatility),
    /// As often as it changes, within these bounds.
    Measured(Bounds),
    /// Where it removes most staleness, out of a budget.
    Planned {
        /// Its name.
        budget: String,
        /// Within these bounds, as far as the budget goes.
        bounds: Bounds,
        /// How much staleness of this entity counts, over 0.
        weight: f64,
    },
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
            namespaces: Vec::new(),
            disk_bounds: None,
            budgets: Vec::new(),
            refresh: Vec::new(),
        }
    }
}

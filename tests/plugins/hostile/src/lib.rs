//! What hostile plugins share: everything that a plugin can export, harmless unless a fixture says otherwise.
//!
//! Each example is a component `hostile-NAME`, which claims the entities `sensor.hostile_NAME_*`, with `_` for `-`.
//! All export every interface; `about` names those that are to be asked.

wit_bindgen::generate!({
    path: "../../../wit/plugin",
    world: "plugin",
    pub_export_macro: true,
});

pub use exports::weirhouse::plugin as exported;

use exported::about::{Claim, Description};
use exported::interval::Pace;
use exported::judge::{Decision, Observation, Verdict};
use exported::judge_numbers::{Decisions, Numbers};
use exported::transform::Derived;
use exported::ttl::{Entry, Lifetime};

/// A plugin with one fault.
pub trait Fixture {
    /// Without `hostile-`.
    const NAME: &str;
    /// The exports to ask.
    const FUNCTIONS: &[&str] = &["judge"];
    /// The imports it needs.
    const CAPABILITIES: &[&str] = &[];

    fn describe() -> Description {
        description(Self::NAME, Self::FUNCTIONS, Self::CAPABILITIES)
    }

    fn judge(batch: Vec<Observation>) -> Result<Vec<Decision>, String> {
        Ok(batch.iter().map(|_| abstain()).collect())
    }

    fn judge_numbers(batch: Numbers) -> Result<Decisions, String> {
        let rows = batch.entities.len();
        Ok(Decisions {
            verdicts: vec![0; rows],
            numbers: vec![0.0; rows],
            reasons: vec![0; rows],
        })
    }

    fn intervals(batch: Vec<Pace>) -> Result<Vec<Option<u32>>, String> {
        Ok(vec![None; batch.len()])
    }

    fn lifetimes(batch: Vec<Entry>) -> Result<Vec<Option<Lifetime>>, String> {
        Ok(vec![None; batch.len()])
    }

    fn transform(batch: Vec<Observation>) -> Result<Vec<Vec<Derived>>, String> {
        Ok(batch.iter().map(|_| Vec::new()).collect())
    }

    fn snapshot() -> Vec<u8> {
        Vec::new()
    }

    fn restore(_snapshot: Vec<u8>) -> Result<(), String> {
        Ok(())
    }
}

/// What a fixture of this name says of itself.
pub fn description(name: &str, functions: &[&str], capabilities: &[&str]) -> Description {
    let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    Description {
        name: format!("hostile-{name}"),
        version: "0.1.0".to_owned(),
        summary: "Does what plugins must not".to_owned(),
        author: "Weirhouse".to_owned(),
        licence: "Apache-2.0".to_owned(),
        claims: vec![claim(&format!(
            "sensor.hostile_{}_*",
            name.replace('-', "_")
        ))],
        settings: Vec::new(),
        capabilities: owned(capabilities),
        functions: owned(functions),
    }
}

/// Claims the entities that fit this glob.
pub fn claim(entities: &str) -> Claim {
    Claim {
        entities: vec![entities.to_owned()],
        device_classes: Vec::new(),
        entries: Vec::new(),
    }
}

/// Leaves a reading to the built-in policy.
pub fn abstain() -> Decision {
    decide(Verdict::Abstain)
}

/// A decision without a reason.
pub fn decide(verdict: Verdict) -> Decision {
    Decision {
        verdict,
        reason: String::new(),
    }
}

impl<F: Fixture> exported::about::Guest for F {
    fn describe() -> Description {
        F::describe()
    }
}

impl<F: Fixture> exported::judge::Guest for F {
    fn judge(_now: u64, batch: Vec<Observation>) -> Result<Vec<Decision>, String> {
        F::judge(batch)
    }
}

impl<F: Fixture> exported::judge_numbers::Guest for F {
    fn reasons() -> Vec<String> {
        vec!["none".to_owned()]
    }

    fn judge(_now: u64, batch: Numbers) -> Result<Decisions, String> {
        F::judge_numbers(batch)
    }
}

impl<F: Fixture> exported::interval::Guest for F {
    fn intervals(_now: u64, batch: Vec<Pace>) -> Result<Vec<Option<u32>>, String> {
        F::intervals(batch)
    }
}

impl<F: Fixture> exported::ttl::Guest for F {
    fn lifetimes(_now: u64, batch: Vec<Entry>) -> Result<Vec<Option<Lifetime>>, String> {
        F::lifetimes(batch)
    }
}

impl<F: Fixture> exported::transform::Guest for F {
    fn transform(_now: u64, batch: Vec<Observation>) -> Result<Vec<Vec<Derived>>, String> {
        F::transform(batch)
    }
}

impl<F: Fixture> exported::state::Guest for F {
    fn snapshot() -> Vec<u8> {
        F::snapshot()
    }

    fn restore(snapshot: Vec<u8>) -> Result<(), String> {
        F::restore(snapshot)
    }
}

//! Holds numbers back that moved less than a setting says.

use weirhouse_plugin::{
    Capability, Claim, Decision, Description, Function, Observation, Plugin, settings,
};

/// The plugin. What it remembers between calls goes here.
#[derive(Default)]
pub struct Policy;

impl Plugin for Policy {
    fn describe() -> Description {
        Description::new("{{name}}", "0.1.0", "Holds numbers back that moved little")
            .claim(Claim::device_class("temperature"))
            .number("least", "How far a number must move, in its own unit", 0.5)
            .needs(Capability::Settings)
            .decides(Function::Judge)
    }

    fn judge(&mut self, _now: u64, batch: &[Observation]) -> Result<Vec<Decision>, String> {
        let least = settings::number("least").unwrap_or(0.5);
        let decide = |seen: &Observation| match (seen.number(), seen.published_number()) {
            (Some(now), Some(before)) if (now - before).abs() < least => {
                Decision::suppress("moved little")
            }
            // All else is left to the rules of the home. `Decision::publish` would
            // pass it on whatever they say.
            _ => Decision::abstain(),
        };
        Ok(batch.iter().map(decide).collect())
    }
}

weirhouse_plugin::export!(Policy);

//! Replaces numbers by others far outside any tolerance.

use hostile::exported::judge::{Decision, Observation, Verdict};
use hostile::weirhouse::plugin::types::Value;
use hostile::{Fixture, decide};

struct Outside;

impl Fixture for Outside {
    const NAME: &str = "outside";

    fn judge(batch: Vec<Observation>) -> Result<Vec<Decision>, String> {
        let verdict = |observation: &Observation| match observation.value {
            Value::Number(value) => Verdict::Replace(value + 1000.0),
            _ => Verdict::Abstain,
        };
        Ok(batch
            .iter()
            .map(|observation| decide(verdict(observation)))
            .collect())
    }
}

hostile::export!(Outside with_types_in hostile);

//! Gives its first reason in 8 MiB.

use hostile::exported::judge::{Decision, Observation, Verdict};
use hostile::{Fixture, decide};

struct HugeStrings;

impl Fixture for HugeStrings {
    const NAME: &str = "huge-strings";

    fn judge(batch: Vec<Observation>) -> Result<Vec<Decision>, String> {
        let mut decisions: Vec<Decision> = batch.iter().map(|_| decide(Verdict::Publish)).collect();
        if let Some(first) = decisions.first_mut() {
            first.reason = "because ".repeat(1024 * 1024);
        }
        Ok(decisions)
    }
}

hostile::export!(HugeStrings with_types_in hostile);

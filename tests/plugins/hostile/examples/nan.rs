//! Replaces every reading by what is no number.

use hostile::exported::judge::{Decision, Observation, Verdict};
use hostile::{Fixture, decide};

struct Nan;

impl Fixture for Nan {
    const NAME: &str = "nan";

    fn judge(batch: Vec<Observation>) -> Result<Vec<Decision>, String> {
        let none = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        let replaced = none.iter().cycle().map(|value| Verdict::Replace(*value));
        Ok(batch
            .iter()
            .zip(replaced)
            .map(|(_, verdict)| decide(verdict))
            .collect())
    }
}

hostile::export!(Nan with_types_in hostile);

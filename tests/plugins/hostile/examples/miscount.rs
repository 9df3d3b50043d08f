//! Decides for one that was not asked about, and next time for one too few.

use std::sync::atomic::{AtomicBool, Ordering};

use hostile::exported::judge::{Decision, Observation, Verdict};
use hostile::{Fixture, decide};

static TOO_FEW: AtomicBool = AtomicBool::new(false);

struct Miscount;

impl Fixture for Miscount {
    const NAME: &str = "miscount";

    fn judge(batch: Vec<Observation>) -> Result<Vec<Decision>, String> {
        let count = if TOO_FEW.fetch_not(Ordering::Relaxed) {
            batch.len() - 1
        } else {
            batch.len() + 1
        };
        Ok((0..count).map(|_| decide(Verdict::Suppress)).collect())
    }
}

hostile::export!(Miscount with_types_in hostile);

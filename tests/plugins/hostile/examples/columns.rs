//! Decides on numbers in columns of different lengths, next time for a reason
//! that there is not, and then by a verdict that there is not.

use std::sync::atomic::{AtomicU32, Ordering};

use hostile::Fixture;
use hostile::exported::judge_numbers::{Decisions, Numbers};

static CALLS: AtomicU32 = AtomicU32::new(0);

struct Columns;

impl Fixture for Columns {
    const NAME: &str = "columns";
    const FUNCTIONS: &[&str] = &["judge-numbers"];

    fn judge_numbers(batch: Numbers) -> Result<Decisions, String> {
        let rows = batch.entities.len();
        let call = CALLS.fetch_add(1, Ordering::Relaxed) % 3;
        Ok(Decisions {
            verdicts: vec![if call == 2 { 9 } else { 2 }; rows],
            numbers: vec![0.0; if call == 0 { rows + 1 } else { rows }],
            reasons: vec![if call == 1 { 200 } else { 0 }; rows],
        })
    }
}

hostile::export!(Columns with_types_in hostile);

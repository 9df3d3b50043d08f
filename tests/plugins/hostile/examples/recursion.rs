//! Calls itself without end in `judge`.

use std::hint::black_box;

use hostile::Fixture;
use hostile::exported::judge::{Decision, Observation};

struct Recursion;

impl Fixture for Recursion {
    const NAME: &str = "recursion";

    fn judge(_batch: Vec<Observation>) -> Result<Vec<Decision>, String> {
        Err(deep(0).to_string())
    }
}

hostile::export!(Recursion with_types_in hostile);

#[expect(unconditional_recursion, reason = "that is the fault")]
fn deep(level: u64) -> u64 {
    let below = deep(black_box(level + 1));
    // Work after the call, or it would become a loop.
    black_box(below).wrapping_mul(3)
}

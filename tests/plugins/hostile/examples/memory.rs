//! Takes memory without end in `judge`.

use std::hint::black_box;

use hostile::Fixture;
use hostile::exported::judge::{Decision, Observation};

struct Memory;

impl Fixture for Memory {
    const NAME: &str = "memory";

    fn judge(_batch: Vec<Observation>) -> Result<Vec<Decision>, String> {
        let mut taken = Vec::new();
        loop {
            taken.push(vec![1_u8; 1024 * 1024]);
            black_box(&taken);
        }
    }
}

hostile::export!(Memory with_types_in hostile);

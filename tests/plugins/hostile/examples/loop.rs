//! Never returns from `judge`.

use hostile::Fixture;
use hostile::exported::judge::{Decision, Observation};

struct Loop;

impl Fixture for Loop {
    const NAME: &str = "loop";

    fn judge(_batch: Vec<Observation>) -> Result<Vec<Decision>, String> {
        loop {
            std::hint::spin_loop();
        }
    }
}

hostile::export!(Loop with_types_in hostile);

//! Writes 4 MiB to the log at each `judge`.

use hostile::exported::judge::{Decision, Observation};
use hostile::weirhouse::plugin::log::{Level, write};
use hostile::{Fixture, abstain};

struct LogFlood;

impl Fixture for LogFlood {
    const NAME: &str = "log-flood";
    const CAPABILITIES: &[&str] = &["log"];

    fn judge(batch: Vec<Observation>) -> Result<Vec<Decision>, String> {
        let line = "I have something to say. ".repeat(2621);
        for _ in 0..64 {
            write(Level::Error, &line);
        }
        Ok(batch.iter().map(|_| abstain()).collect())
    }
}

hostile::export!(LogFlood with_types_in hostile);

//! Letting time pass.

use weirhouse_runner::operations::Clock;
use weirhouse_runner::wit::clock::Due;
use weirhouse_runner::wit::types::Instant;

use super::{Answer, Native, instant};

impl Clock for Native {
    fn next_deadline(&mut self) -> Answer<Option<u64>> {
        Ok(self.0.next_deadline())
    }

    fn tick(&mut self, now: Instant) -> Answer<Due> {
        let due = self.0.tick(instant(now));
        Ok(Due {
            deadline: due.deadline_us,
            published: due.published,
            batches: due.batches,
            refreshes: due.refreshes,
            runs: due.runs,
            clients: due.clients,
        })
    }

    fn flush(&mut self, now: Instant) -> Answer<()> {
        self.0.flush(instant(now));
        Ok(())
    }
}

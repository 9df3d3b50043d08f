//! Carrying what was learned over a restart.

use weirhouse_runner::operations::State;
use weirhouse_runner::wit::state::Restored;
use weirhouse_runner::wit::types::Instant;

use super::{Answer, Native, instant, refused};

impl State for Native {
    fn snapshot(&mut self, now: Instant) -> Answer<Vec<u8>> {
        Ok(self.0.snapshot(instant(now)))
    }

    fn restore(&mut self, now: Instant, snapshot: &[u8]) -> Answer<Restored> {
        let restored = self.0.restore(instant(now), snapshot).map_err(refused)?;
        Ok(Restored {
            version: restored.version,
            series: restored.series,
            hot: restored.hot,
        })
    }

    fn take_hot(&mut self) -> Answer<Vec<(String, String)>> {
        Ok(self.0.take_hot())
    }
}

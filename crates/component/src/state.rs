//! Carrying what was learned over a restart.

use weirhouse_core::Optimizer;

use crate::wit::exports::weirhouse::core::state::{Error, Guest, Instant, Restored};
use crate::{Component, with};

impl Guest for Component {
    fn snapshot(now: Instant) -> Vec<u8> {
        with(|optimizer| optimizer.snapshot(now.into()))
    }

    fn restore(now: Instant, snapshot: Vec<u8>) -> Result<Restored, Error> {
        let restored = with(|optimizer| optimizer.restore(now.into(), &snapshot))?;
        Ok(Restored {
            version: restored.version,
            series: restored.series,
            hot: restored.hot,
        })
    }

    fn take_hot() -> Vec<(String, String)> {
        with(Optimizer::take_hot)
    }
}

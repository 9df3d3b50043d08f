//! Readings on which somebody else has a say.

use weirhouse_core::Opinions;

use crate::wit::exports::weirhouse::core::advice::{Error, Guest, Instant};
use crate::{Component, with};

impl Guest for Component {
    fn observe(
        now: Instant,
        series: Vec<u32>,
        text: String,
        lengths: Vec<u32>,
        opinions: Vec<u8>,
        numbers: Vec<f64>,
        delays: Vec<i64>,
    ) -> Result<Vec<u8>, Error> {
        let opinions = Opinions {
            codes: &opinions,
            numbers: &numbers,
            delays_us: &delays,
        };
        let reasons = with(|optimizer| {
            optimizer.observe_advised(now.into(), &series, &text, &lengths, &opinions)
        })?;
        Ok(reasons.into_iter().map(|reason| reason as u8).collect())
    }
}

//! Readings on which somebody else has a say.

use weirhouse_core as core;
use weirhouse_runner::operations::Advice;
use weirhouse_runner::wit::types::Instant;

use super::{Answer, Native, instant, refused};

impl Advice for Native {
    fn observe_advised(
        &mut self,
        now: Instant,
        series: &[u32],
        text: &str,
        lengths: &[u32],
        opinions: &[u8],
        numbers: &[f64],
        delays: &[i64],
    ) -> Answer<Vec<u8>> {
        let opinions = core::Opinions {
            codes: opinions,
            numbers,
            delays_us: delays,
        };
        let reasons = self
            .0
            .observe_advised(instant(now), series, text, lengths, &opinions)
            .map_err(refused)?;
        Ok(reasons.into_iter().map(|reason| reason as u8).collect())
    }
}

//! Readings that come with advice.

use alloc::format;
use alloc::vec::Vec;

use super::Optimizer;
use super::readings::{check_pieces, same_length};
use crate::reading::Reading;
use crate::significance::{Advice, Reason};
use crate::{Error, Instant};

/// Advice on readings, in columns; see the WIT interface `advice`.
#[derive(Debug, Clone, Copy)]
pub struct Opinions<'columns> {
    /// What is advised: the codes of the WIT type `opinion`.
    pub codes: &'columns [u8],
    /// The numbers to publish; empty if none is needed.
    pub numbers: &'columns [f64],
    /// How long readings are put off, in microseconds; empty if none is.
    pub delays_us: &'columns [i64],
}

impl Opinions<'_> {
    /// The advice of all, if every column is as long as it must be.
    fn read(&self, expected: usize) -> Result<Vec<Advice>, Error> {
        same_length("opinions", self.codes.len(), expected)?;
        let needed = |name, given: usize, code: u8| {
            if given == 0 && !self.codes.contains(&code) {
                return Ok(());
            }
            same_length(name, given, expected)
        };
        needed("numbers", self.numbers.len(), 3)?;
        needed("delays", self.delays_us.len(), 4)?;
        let advice = self.codes.iter().enumerate().map(|(place, code)| {
            Ok(match code {
                0 => Advice::Abstain,
                1 => Advice::Publish,
                2 => Advice::Hold,
                3 => Advice::Replace(self.numbers.get(place).copied().unwrap_or(f64::NAN)),
                4 => {
                    let delay_us = self.delays_us.get(place).copied().unwrap_or_default();
                    Advice::Defer(u64::try_from(delay_us).unwrap_or_default())
                }
                other => {
                    return Err(Error::InvalidArgument(format!(
                        "opinions[{place}] is {other}; known are 0 to 4"
                    )));
                }
            })
        });
        advice.collect()
    }
}

impl Optimizer {
    /// Reports values as Home Assistant writes them, joined into one text, each
    /// with advice.
    pub fn observe_advised(
        &mut self,
        now: Instant,
        series: &[u32],
        text: &str,
        lengths: &[u32],
        opinions: &Opinions<'_>,
    ) -> Result<Vec<Reason>, Error> {
        same_length("lengths", lengths.len(), series.len())?;
        let advice = opinions.read(series.len())?;
        self.entities.check(series)?;
        check_pieces(text, lengths)?;
        let now_us = self.moment(now).mono_us;
        let mut rest = text;
        let readings = lengths.iter().map(|&length| {
            // Checked to lie between characters.
            let (piece, tail) = rest.split_at_checked(length as usize).unwrap_or((rest, ""));
            rest = tail;
            Reading::of_text(piece)
        });
        let (significance, mut outgoing) = self.publishing(now_us);
        let advised = series.iter().zip(readings).zip(advice);
        let reasons = advised.map(|((&handle, reading), advice)| {
            significance.observe_advised(now_us, handle, reading, advice, &mut outgoing)
        });
        Ok(reasons.collect())
    }
}

//! Noise floors: thresholds that would hide the scatter of a series.

use weirhouse_core::significance::Proposal;

use crate::wit::exports::weirhouse::core::learning::{Error, Guest, Proposals};
use crate::{Component, with};

impl Guest for Component {
    fn set_learning(enabled: bool) {
        with(|optimizer| optimizer.set_learning(enabled));
    }

    fn propose(series: Vec<u32>) -> Result<Proposals, Error> {
        let proposals = with(|optimizer| optimizer.proposals(&series))?;
        let column = |number: fn(Proposal) -> f64| {
            let numbers = proposals.iter().map(|proposal| proposal.map(number));
            numbers.map(|number| number.unwrap_or(f64::NAN)).collect()
        };
        Ok(Proposals {
            thresholds: column(|proposal| proposal.threshold),
            suppressed: column(|proposal| proposal.suppressed),
            mean_errors: column(|proposal| proposal.mean_error),
            max_errors: column(|proposal| proposal.max_error),
            readings: proposals
                .iter()
                .map(|proposal| proposal.map_or(0, |proposal| proposal.readings))
                .collect(),
        })
    }
}

//! Noise floors: thresholds that would hide the scatter of a series.

use weirhouse_core::significance::Proposal;
use weirhouse_runner::operations::Learning;
use weirhouse_runner::wit::learning::Proposals;

use super::{Answer, Native, refused};

impl Learning for Native {
    fn set_learning(&mut self, enabled: bool) -> Answer<()> {
        self.0.set_learning(enabled);
        Ok(())
    }

    fn propose(&mut self, series: &[u32]) -> Answer<Proposals> {
        let proposals = self.0.proposals(series).map_err(refused)?;
        let column = |number: fn(Proposal) -> f64| {
            let numbers = proposals.iter().map(|proposal| proposal.map(number));
            numbers.map(|number| number.unwrap_or(f64::NAN)).collect()
        };
        let readings = proposals
            .iter()
            .map(|proposal| proposal.map_or(0, |it| it.readings));
        Ok(Proposals {
            thresholds: column(|proposal| proposal.threshold),
            suppressed: column(|proposal| proposal.suppressed),
            mean_errors: column(|proposal| proposal.mean_error),
            max_errors: column(|proposal| proposal.max_error),
            readings: readings.collect(),
        })
    }
}

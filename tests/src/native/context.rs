//! Which entities to show a reader of so many tokens.

use weirhouse_core::context as core;
use weirhouse_runner::operations::Context;
use weirhouse_runner::wit::context::{Request, Selection, Totals};
use weirhouse_runner::wit::types::Instant;

use super::{Answer, Native, instant, refused};

impl Context for Native {
    fn context_offer(
        &mut self,
        now: Instant,
        form: u32,
        entities: &[u32],
        digests: &[u64],
        sections: &[u32],
        areas: &[u32],
        importance: &[f64],
        ages: &[i64],
    ) -> Answer<Vec<u8>> {
        let columns = core::Offers {
            form,
            entities,
            digests,
            sections,
            areas,
            importance,
            ages_us: ages,
        };
        let changed = self.0.offer_lines(instant(now), &columns);
        changed
            .map(|changed| changed.into_iter().map(u8::from).collect())
            .map_err(refused)
    }

    fn context_count(&mut self, form: u32, entities: &[u32], tokens: &[u32]) -> Answer<()> {
        self.0
            .context
            .count(form, entities, tokens)
            .map_err(refused)
    }

    fn context_withdraw(&mut self, entities: &[u32]) -> Answer<u32> {
        Ok(self.0.context.withdraw(entities))
    }

    fn context_select(&mut self, now: Instant, request: &Request) -> Answer<Selection> {
        let sections = request.sections.iter().map(|budget| core::SectionBudget {
            section: budget.section,
            most: budget.most,
            heading: budget.heading,
        });
        let request = core::Request {
            form: request.form,
            most: request.most,
            frame: request.frame,
            sections: sections.collect(),
            areas: request.areas.clone(),
            keep: request.keep.clone(),
            half_life_us: request.half_life,
        };
        let selection = self.0.try_at(instant(now), |optimizer, now| {
            optimizer.context.select(now, &request)
        });
        let selection = selection.map_err(refused)?;
        let (entities, sections) = selection.lines.into_iter().unzip();
        Ok(Selection {
            entities,
            sections,
            tokens: selection.tokens,
            omitted: selection.omitted,
            uncounted: selection.uncounted,
        })
    }

    fn context_totals(&mut self) -> Answer<Totals> {
        let totals = self.0.context.totals();
        Ok(Totals {
            lines: totals.lines,
            offered: totals.offered,
            reused: totals.reused,
        })
    }
}

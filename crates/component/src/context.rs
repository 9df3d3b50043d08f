//! Which entities to show a reader of so many tokens.

use weirhouse_core::context;

use crate::wit::exports::weirhouse::core::context::{
    Error, Guest, Instant, Request, SectionBudget, Selection, Totals,
};
use crate::{Component, with};

impl Guest for Component {
    fn offer(
        now: Instant,
        form: u32,
        entities: Vec<u32>,
        digests: Vec<u64>,
        sections: Vec<u32>,
        areas: Vec<u32>,
        importance: Vec<f64>,
        ages: Vec<i64>,
    ) -> Result<Vec<u8>, Error> {
        let changed = with(|optimizer| {
            let columns = context::Offers {
                form,
                entities: &entities,
                digests: &digests,
                sections: &sections,
                areas: &areas,
                importance: &importance,
                ages_us: &ages,
            };
            optimizer.offer_lines(now.into(), &columns)
        })?;
        Ok(changed.into_iter().map(u8::from).collect())
    }

    fn count(form: u32, entities: Vec<u32>, tokens: Vec<u32>) -> Result<(), Error> {
        Ok(with(|optimizer| {
            optimizer.context.count(form, &entities, &tokens)
        })?)
    }

    fn withdraw(entities: Vec<u32>) -> u32 {
        with(|optimizer| optimizer.context.withdraw(&entities))
    }

    fn select(now: Instant, request: Request) -> Result<Selection, Error> {
        let selection = with(|optimizer| {
            optimizer.try_at(now.into(), |optimizer, now| {
                optimizer.context.select(now, &request.into())
            })
        })?;
        let (entities, sections) = selection.lines.into_iter().unzip();
        Ok(Selection {
            entities,
            sections,
            tokens: selection.tokens,
            omitted: selection.omitted,
            uncounted: selection.uncounted,
        })
    }

    fn statistics() -> Totals {
        let totals = with(|optimizer| optimizer.context.totals());
        Totals {
            lines: totals.lines,
            offered: totals.offered,
            reused: totals.reused,
        }
    }
}

impl From<Request> for context::Request {
    fn from(request: Request) -> Self {
        let budget = |budget: SectionBudget| context::SectionBudget {
            section: budget.section,
            most: budget.most,
            heading: budget.heading,
        };
        Self {
            form: request.form,
            most: request.most,
            frame: request.frame,
            sections: request.sections.into_iter().map(budget).collect(),
            areas: request.areas,
            keep: request.keep,
            half_life_us: request.half_life,
        }
    }
}

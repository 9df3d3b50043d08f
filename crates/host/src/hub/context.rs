//! Lines for a reader of so many tokens: what the optimizer is told of them, and which it chooses.
//!
//! Tokens are counted by the caller, between two calls: tokenizers are slow, and changes of the home must not wait
//! for them.

use std::collections::HashMap;

use weirhouse_runner::wit::context::{Request, SectionBudget};
use weirhouse_runner::wit::types::Instant;

use super::engine::Engine;
use super::entities::Name;
use super::{Hub, HubError};

/// A change counts half after a quarter of an hour.
const HALF_LIFE_US: i64 = 900_000_000;

/// Lines of entities: columns of equal length.
#[derive(Debug, Default)]
pub struct Lines<'a> {
    /// How they are written and counted, below 16.
    pub form: u32,
    /// The entities.
    pub entities: Vec<&'a str>,
    /// Digests of what the lines say.
    pub digests: Vec<u64>,
    /// Places in [`Wanted::sections`].
    pub sections: Vec<u32>,
    /// Numbers of areas; 0 is nowhere.
    pub areas: Vec<u32>,
    /// How much each matters by itself, 0 to 1.
    pub importance: Vec<f64>,
}

/// What to choose for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Most tokens altogether.
    pub most: u32,
    /// Tokens of what stands around all sections.
    pub frame: u32,
    /// Most tokens of each section with its heading, and those of the heading.
    pub sections: Vec<(u32, u32)>,
    /// Numbers of areas, nearest first.
    pub near: Vec<u32>,
    /// Places in [`Lines::entities`], to be chosen before all others.
    pub keep: Vec<u32>,
}

/// What was chosen.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    /// Places in [`Lines::entities`], in the order of the text.
    pub lines: Vec<usize>,
    /// Tokens, as they add up.
    pub tokens: u32,
    /// Lines that did not fit.
    pub omitted: u32,
    /// Lines left out because their tokens are not known any more: offer and
    /// count them again.
    pub uncounted: u32,
}

impl Hub {
    /// Says of each line whether its tokens must be counted.
    ///
    /// # Errors
    /// When the optimizer refuses the lines or does not answer.
    pub fn offer_lines(&self, lines: &Lines<'_>) -> Result<Vec<bool>, HubError> {
        let now = self.clock.now();
        self.timed("context_offer", |engine| {
            let handles = engine.handles_of_states(now, &lines.entities)?;
            engine.offer(now, lines, &handles, &lines.sections)
        })
    }

    /// Tells the tokens of some lines, by their places, and has lines chosen.
    ///
    /// # Errors
    /// When the optimizer refuses the request or does not answer.
    pub fn choose_lines(
        &self,
        lines: &Lines<'_>,
        counts: &[(usize, u32)],
        wanted: &Wanted,
    ) -> Result<Chosen, HubError> {
        let now = self.clock.now();
        self.timed("context_select", |engine| {
            let handles = engine.handles_of_states(now, &lines.entities)?;
            // Numbers of its own for each request: a line that is not offered now belongs to none of its sections.
            let first = engine.next_section;
            engine.next_section = first.wrapping_add(wanted.sections.len() as u32);
            let numbered = |section: u32| first.wrapping_add(section);
            let sections: Vec<u32> = lines.sections.iter().map(|it| numbered(*it)).collect();
            // Another reader may have offered them elsewhere since.
            engine.offer(now, lines, &handles, &sections)?;
            let counted = counts.iter();
            let counted =
                counted.filter_map(|(place, tokens)| Some((*handles.get(*place)?, *tokens)));
            let (counted, tokens): (Vec<u32>, Vec<u32>) = counted.unzip();
            engine.call(now, |core| {
                core.context_count(lines.form, &counted, &tokens)
            })?;
            let budgets = (0..).zip(&wanted.sections);
            let budgets = budgets.map(|(section, (most, heading))| SectionBudget {
                section: numbered(section),
                most: *most,
                heading: *heading,
            });
            let keep = wanted.keep.iter();
            let keep = keep.filter_map(|place| handles.get(*place as usize).copied());
            let request = Request {
                form: lines.form,
                most: wanted.most,
                frame: wanted.frame,
                sections: budgets.collect(),
                areas: wanted.near.clone(),
                keep: keep.collect(),
                half_life: HALF_LIFE_US,
            };
            let selection = engine.call(now, |core| core.context_select(now, &request))?;
            let places: HashMap<u32, usize> = handles.iter().copied().zip(0..).collect();
            let chosen = selection.entities.iter();
            Ok(Chosen {
                lines: chosen.filter_map(|it| places.get(it).copied()).collect(),
                tokens: selection.tokens,
                omitted: selection.omitted,
                uncounted: selection.uncounted,
            })
        })
    }
}

impl Engine {
    /// Handles of entities, also of those of which only an earlier run knows.
    fn handles_of_states(&mut self, now: Instant, ids: &[&str]) -> Result<Vec<u32>, HubError> {
        let mut handles = Vec::with_capacity(ids.len());
        for id in ids {
            let known = self.entities.state_handle(id);
            let handle = if let Some(handle) = known {
                handle
            } else {
                let name = Name {
                    entity: (*id).into(),
                    attribute: None,
                };
                let interned = self.intern(now, &name);
                if interned.is_err() {
                    self.recover(now);
                }
                interned?
            };
            handles.push(handle);
        }
        Ok(handles)
    }

    fn offer(
        &mut self,
        now: Instant,
        lines: &Lines<'_>,
        handles: &[u32],
        sections: &[u32],
    ) -> Result<Vec<bool>, HubError> {
        let ages = lines.entities.iter().map(|id| {
            let updated = self
                .mirror
                .get(id)
                .map(|state| state.last_updated.as_micros());
            // A clock at home that is ahead makes nothing newer than now.
            updated.map_or(0, |updated| now.wall.saturating_sub(updated).max(0))
        });
        let ages: Vec<i64> = ages.collect();
        let changed = self.call(now, |core| {
            core.context_offer(
                now,
                lines.form,
                handles,
                &lines.digests,
                sections,
                &lines.areas,
                &lines.importance,
                &ages,
            )
        })?;
        Ok(changed.into_iter().map(|changed| changed != 0).collect())
    }
}

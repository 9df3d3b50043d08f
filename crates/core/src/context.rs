//! A choice of entities within a budget of tokens: what a language model or a
//! voice agent is shown of a home.
//!
//! One entity is one line. Texts and tokenizer are the host's; here are the
//! digest of a line, its tokens, and what the choice depends on. Lines are taken
//! in order of relevance as long as they fit, which keeps the choice explainable;
//! packing as much as possible into the budget is not the aim.

mod choice;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec::Vec;

use crate::sort::{sort, sort_by};
use crate::time::length;
use crate::{Error, Now};

use choice::{Candidate, Ranks, Rooms, check_list};

/// Most lines: far beyond the largest homes known.
const MOST_LINES: usize = 100_000;

/// Forms are numbered below this: a few formats, each with a few tokenizers.
const MOST_FORMS: u32 = 16;

/// What lines say and where they belong, as the host offers them: columns of
/// equal length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Offers<'a> {
    /// How the lines are to be written and counted.
    pub form: u32,
    /// Each entity's state, by handle.
    pub entities: &'a [u32],
    /// Digests of what the lines say, whatever their form.
    pub digests: &'a [u64],
    /// The parts of the text the lines belong to.
    pub sections: &'a [u32],
    /// Where the entities are; 0 is nowhere.
    pub areas: &'a [u32],
    /// How much each matters by itself, 0 to 1.
    pub importance: &'a [f64],
    /// Microseconds since what each says last changed; not negative.
    pub ages_us: &'a [i64],
}

impl Offers<'_> {
    fn check(&self) -> Result<(), Error> {
        check_form(self.form)?;
        let expected = self.entities.len();
        for (name, length) in [
            ("digests", self.digests.len()),
            ("sections", self.sections.len()),
            ("areas", self.areas.len()),
            ("importance", self.importance.len()),
            ("ages", self.ages_us.len()),
        ] {
            same_length(name, length, expected)?;
        }
        if let Some(age) = self.ages_us.iter().find(|age| **age < 0) {
            return Err(Error::InvalidArgument(format!(
                "age must not be negative, and is {age} us"
            )));
        }
        let nonsense = |importance: &&f64| !(0.0..=1.0).contains(*importance);
        match self.importance.iter().find(nonsense) {
            Some(importance) => Err(Error::InvalidArgument(format!(
                "importance must be 0 to 1, not {importance}"
            ))),
            None => Ok(()),
        }
    }

    fn rows(&self) -> impl Iterator<Item = Offer> {
        let says = self.digests.iter().zip(self.ages_us);
        let places = self.sections.iter().zip(self.areas).zip(self.importance);
        let rows = self.entities.iter().zip(says).zip(places);
        rows.map(
            |((&entity, (&digest, &age_us)), ((&section, &area), &importance))| Offer {
                entity,
                digest,
                section,
                area,
                importance,
                age_us: age_us.unsigned_abs(),
            },
        )
    }
}

/// One line of [`Offers`].
#[derive(Debug, Clone, Copy, PartialEq)]
struct Offer {
    entity: u32,
    digest: u64,
    section: u32,
    area: u32,
    importance: f64,
    age_us: u64,
}

#[derive(Debug, Clone)]
struct Line {
    offer: Offer,
    /// When what it says last changed; before the first instant for what was old by then.
    changed_us: i64,
    /// Place in the order of first being offered.
    order: u64,
    /// Its tokens in each form in which they were counted since it last changed.
    tokens: Vec<(u32, u32)>,
}

impl Line {
    fn tokens(&self, form: u32) -> Option<u32> {
        let counts = self.tokens.iter();
        let mut counts = counts.filter(|(counted, _)| *counted == form);
        counts.next().map(|(_, tokens)| *tokens)
    }

    fn count(&mut self, form: u32, tokens: u32) {
        match self.tokens.iter_mut().find(|(counted, _)| *counted == form) {
            Some((_, known)) => *known = tokens,
            None => self.tokens.push((form, tokens)),
        }
    }
}

/// Room for one section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SectionBudget {
    /// Which.
    pub section: u32,
    /// Most tokens of its lines and heading together.
    pub most: u32,
    /// Tokens of its heading, spent only if it has a line.
    pub heading: u32,
}

/// What to choose for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// How lines are written and counted.
    pub form: u32,
    /// Most tokens altogether.
    pub most: u32,
    /// Tokens of what stands around all sections.
    pub frame: u32,
    /// In the order of the text; lines of other sections are left out.
    pub sections: Vec<SectionBudget>,
    /// Areas, nearest first.
    pub areas: Vec<u32>,
    /// Entities to choose before all others, in this order.
    pub keep: Vec<u32>,
    /// The age at which a change counts half, in microseconds.
    pub half_life_us: i64,
}

/// The lines that fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Entity and section, in the order of the text.
    pub lines: Vec<(u32, u32)>,
    /// Tokens of all, headings and frame included.
    pub tokens: u32,
    /// Counted lines of the listed sections that did not fit.
    pub omitted: u32,
    /// Lines of the listed sections that wait to be counted.
    pub uncounted: u32,
}

/// What has happened to lines since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ContextTotals {
    /// Lines known now.
    pub lines: u32,
    /// Lines offered.
    pub offered: u64,
    /// Of them, those that needed no new count.
    pub reused: u64,
}

/// All lines, by entity.
#[derive(Debug, Default)]
pub struct Context {
    lines: BTreeMap<u32, Line>,
    orders: u64,
    offered: u64,
    reused: u64,
}

impl Context {
    /// Takes offers; says of each whether its tokens must be counted. Whether
    /// the entities exist is the caller's to check.
    pub fn offer(&mut self, now: Now, offers: &Offers<'_>) -> Result<Vec<bool>, Error> {
        offers.check()?;
        let unknown = |entity: &&u32| !self.lines.contains_key(*entity);
        let mut fresh: BTreeSet<u32> = BTreeSet::new();
        fresh.extend(offers.entities.iter().filter(unknown));
        if self.lines.len() + fresh.len() > MOST_LINES {
            return Err(Error::TooLarge(format!(
                "{} lines are known, {} more were offered and {MOST_LINES} is the most; withdraw some first",
                self.lines.len(),
                fresh.len()
            )));
        }
        Ok(offers
            .rows()
            .map(|offer| self.offer_one(now.mono_us, offers.form, offer))
            .collect())
    }

    fn offer_one(&mut self, now_us: u64, form: u32, offer: Offer) -> bool {
        self.offered += 1;
        let changed_us = now_us
            .cast_signed()
            .saturating_sub(offer.age_us.cast_signed());
        let known = self.lines.get_mut(&offer.entity);
        if let Some(line) = known {
            if line.offer.digest != offer.digest {
                line.changed_us = changed_us;
                line.tokens.clear();
            }
            line.offer = offer;
            let is_counted = line.tokens(form).is_some();
            self.reused += u64::from(is_counted);
            return !is_counted;
        }
        self.orders += 1;
        self.lines.insert(
            offer.entity,
            Line {
                offer,
                changed_us,
                order: self.orders,
                tokens: Vec::new(),
            },
        );
        true
    }

    /// Takes the tokens of lines in one form.
    pub fn count(&mut self, form: u32, entities: &[u32], tokens: &[u32]) -> Result<(), Error> {
        check_form(form)?;
        same_length("tokens", tokens.len(), entities.len())?;
        let unknown = |entity: &&u32| !self.lines.contains_key(*entity);
        if let Some(entity) = entities.iter().find(unknown) {
            return Err(Error::InvalidArgument(format!(
                "entity {entity} has no line; offer it first"
            )));
        }
        for (entity, tokens) in entities.iter().zip(tokens) {
            if let Some(line) = self.lines.get_mut(entity) {
                line.count(form, *tokens);
            }
        }
        Ok(())
    }

    /// Forgets lines; counts those that were known.
    pub fn withdraw(&mut self, entities: &[u32]) -> u32 {
        entities
            .iter()
            .map(|entity| u32::from(self.lines.remove(entity).is_some()))
            .sum()
    }

    /// Chooses lines, most relevant first, as long as they fit.
    pub fn select(&self, now: Now, request: &Request) -> Result<Selection, Error> {
        let half_life_us = length("half-life", request.half_life_us, false)? as f64;
        check_form(request.form)?;
        let mut rooms = Rooms::open(request)?;
        check_list("areas", request.areas.len())?;
        check_list("keep", request.keep.len())?;

        let ranks = Ranks::of(request);
        let mut ranked = Vec::new();
        let mut selection = Selection::default();
        for line in self.lines.values() {
            let Some(section) = rooms.index_of(line.offer.section) else {
                continue;
            };
            let Some(tokens) = line.tokens(request.form) else {
                selection.uncounted += 1;
                continue;
            };
            let age_us = now.mono_us.cast_signed().saturating_sub(line.changed_us);
            let age_us = age_us.max(0) as f64;
            let recency = half_life_us / (half_life_us + age_us);
            ranked.push(Candidate {
                kept: ranks.kept(line.offer.entity),
                relevance: line.offer.importance + ranks.nearness(line.offer.area) + recency,
                order: line.order,
                entity: line.offer.entity,
                section,
                tokens,
            });
        }
        sort_by(&mut ranked, Candidate::by_relevance);

        let mut chosen = Vec::new();
        for candidate in ranked {
            if rooms.take(candidate.section, candidate.tokens) {
                chosen.push((candidate.section, chosen.len(), candidate.entity));
            } else {
                selection.omitted += 1;
            }
        }
        // Within a section the order of relevance remains.
        sort(&mut chosen);
        selection.lines = chosen
            .into_iter()
            .map(|(section, _, entity)| (entity, rooms.section(section)))
            .collect();
        selection.tokens = rooms.spent;
        Ok(selection)
    }

    /// What happened so far.
    pub fn totals(&self) -> ContextTotals {
        ContextTotals {
            lines: self.lines.len() as u32,
            offered: self.offered,
            reused: self.reused,
        }
    }
}

fn same_length(name: &str, length: usize, expected: usize) -> Result<(), Error> {
    if length == expected {
        return Ok(());
    }
    Err(Error::InvalidArgument(format!(
        "{name} must be as many as entities, which are {expected}, not {length}"
    )))
}

fn check_form(form: u32) -> Result<(), Error> {
    if form < MOST_FORMS {
        return Ok(());
    }
    Err(Error::InvalidArgument(format!(
        "form must be below {MOST_FORMS}, not {form}"
    )))
}

#[cfg(test)]
mod tests;

//! What is chosen from, in which order, and the room there is.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use core::cmp::Ordering;

use super::{Request, SectionBudget};
use crate::Error;

/// Most items in each list of a request.
const MOST_LISTED: usize = 1_000;

/// A line that may be chosen.
pub(super) struct Candidate {
    /// Its place among those to keep, if it is one.
    pub(super) kept: Option<usize>,
    pub(super) relevance: f64,
    pub(super) order: u64,
    pub(super) entity: u32,
    /// Its section's place in the request.
    pub(super) section: usize,
    pub(super) tokens: u32,
}

impl Candidate {
    pub(super) fn by_relevance(&self, other: &Self) -> Ordering {
        let kept = |candidate: &Self| candidate.kept.unwrap_or(usize::MAX);
        kept(self)
            .cmp(&kept(other))
            .then(other.relevance.total_cmp(&self.relevance))
            .then(self.order.cmp(&other.order))
    }
}

/// Places in the lists of a request.
pub(super) struct Ranks {
    areas: BTreeMap<u32, usize>,
    keep: BTreeMap<u32, usize>,
}

impl Ranks {
    pub(super) fn of(request: &Request) -> Self {
        // Reversed, so that of a number listed twice the first place counts.
        let places = |list: &[u32]| {
            let mut places = BTreeMap::new();
            let numbers = list.iter().enumerate().rev();
            places.extend(numbers.map(|(place, &number)| (number, place)));
            places
        };
        Self {
            areas: places(&request.areas),
            keep: places(&request.keep),
        }
    }

    pub(super) fn kept(&self, entity: u32) -> Option<usize> {
        self.keep.get(&entity).copied()
    }

    pub(super) fn nearness(&self, area: u32) -> f64 {
        let place = self.areas.get(&area).filter(|_| area != 0);
        place.map_or(0.0, |&place| 1.0 / (place as f64 + 1.0))
    }
}

/// What is left of the budgets.
pub(super) struct Rooms<'a> {
    most: u32,
    pub(super) spent: u32,
    sections: &'a [SectionBudget],
    /// Tokens spent in each section, its heading included.
    spent_in: Vec<u32>,
    places: BTreeMap<u32, usize>,
}

impl<'a> Rooms<'a> {
    pub(super) fn open(request: &'a Request) -> Result<Self, Error> {
        check_list("sections", request.sections.len())?;
        if request.frame > request.most {
            return Err(Error::InvalidArgument(format!(
                "frame must be at most `most`, which is {}, not {}",
                request.most, request.frame
            )));
        }
        let mut places = BTreeMap::new();
        for (place, budget) in request.sections.iter().enumerate() {
            if places.insert(budget.section, place).is_some() {
                return Err(Error::InvalidArgument(format!(
                    "section {} is listed twice",
                    budget.section
                )));
            }
        }
        Ok(Self {
            most: request.most,
            spent: request.frame,
            sections: &request.sections,
            spent_in: request.sections.iter().map(|_| 0).collect(),
            places,
        })
    }

    pub(super) fn index_of(&self, section: u32) -> Option<usize> {
        self.places.get(&section).copied()
    }

    pub(super) fn section(&self, place: usize) -> u32 {
        self.sections[place].section
    }

    /// Spends the tokens of a line and, before the first of a section, of its
    /// heading; spends nothing where they do not fit.
    pub(super) fn take(&mut self, place: usize, tokens: u32) -> bool {
        let budget = &self.sections[place];
        let spent_in = &mut self.spent_in[place];
        let heading = if *spent_in == 0 { budget.heading } else { 0 };
        let fits = |spent: u32, most: u32| {
            let total = spent.checked_add(heading)?.checked_add(tokens)?;
            (total <= most).then_some(total)
        };
        let (Some(in_section), Some(in_all)) =
            (fits(*spent_in, budget.most), fits(self.spent, self.most))
        else {
            return false;
        };
        *spent_in = in_section;
        self.spent = in_all;
        true
    }
}

pub(super) fn check_list(name: &str, length: usize) -> Result<(), Error> {
    if length <= MOST_LISTED {
        return Ok(());
    }
    Err(Error::TooLarge(format!(
        "{name} has {length} items, at most {MOST_LISTED} are taken"
    )))
}

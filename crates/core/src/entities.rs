//! Interning: names of series to dense numbers and back.

mod section;

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::hash::BuildHasher as _;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::table::lengthen;

/// Most series that live at once; more than a hundred per entity of the
/// largest homes known.
pub(crate) const MOST_SERIES: usize = 1_000_000;

/// Longest name of an entity or attribute, in bytes: Home Assistant's own
/// bound for entity ids.
const LONGEST_NAME: usize = 255;

/// What a handle stands for: the state of an entity, or one attribute of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Series {
    /// For example `sensor.porch_temperature`.
    pub entity: Box<str>,
    /// `None` for the entity's state.
    pub attribute: Option<Box<str>>,
}

impl Series {
    /// Checks that both parts are within their bounds.
    pub(crate) fn check_name(&self) -> Result<(), Error> {
        check_name("entity", &self.entity, 1)?;
        check_name("attribute", self.attribute.as_deref().unwrap_or(""), 0)
    }
}

/// What Home Assistant says of an entity, as far as it guides a preset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// For example `temperature`.
    pub device_class: Option<String>,
    /// The unit of measurement.
    pub unit: Option<String>,
    /// For example `total_increasing`.
    pub state_class: Option<String>,
}

/// All series by name and by number.
///
/// A released number is given out again, lowest first, so that tables indexed
/// by it stay dense.
#[derive(Default)]
pub(crate) struct Entities {
    /// The number of each name, found by the name's hash; the names themselves
    /// are held once, below.
    numbers: HashTable<u32>,
    series: Vec<Option<Series>>,
    /// The handle of each series' entity, or [`VACANT`]. Apart from the names,
    /// because every published reading asks for one.
    owners: Vec<u32>,
    free: BTreeSet<u32>,
}

/// The owner of a number that is not in use.
const VACANT: u32 = u32::MAX;

impl Entities {
    /// Checks that all of these can be interned, before any is.
    pub(crate) fn check_names(&self, series: &[Series]) -> Result<(), Error> {
        series.iter().try_for_each(Series::check_name)?;
        // An attribute may need a number for its entity, too. Names are looked
        // up only near the bound.
        let unknown = |series: &&Series| self.number(series).is_none();
        let fits = |new: usize| self.numbers.len() + 2 * new <= MOST_SERIES;
        if !fits(series.len()) && !fits(series.iter().filter(unknown).count()) {
            return Err(Error::TooLarge(format!(
                "{} series are in use and {MOST_SERIES} is the most; release some first",
                self.numbers.len()
            )));
        }
        Ok(())
    }

    /// The number of a series that has one.
    pub(crate) fn number(&self, series: &Series) -> Option<u32> {
        self.numbers
            .find(hash(series), |&number| {
                self.series[number as usize].as_ref() == Some(series)
            })
            .copied()
    }

    /// The number of a series whose name was checked, new or old.
    pub(crate) fn intern(&mut self, series: &Series) -> u32 {
        if let Some(handle) = self.number(series) {
            return handle;
        }
        if series.attribute.is_none() {
            return self.insert(series.clone(), None);
        }
        let owner = self.intern(&Series {
            entity: series.entity.clone(),
            attribute: None,
        });
        self.insert(series.clone(), Some(owner))
    }

    fn insert(&mut self, series: Series, owner: Option<u32>) -> u32 {
        let handle = self.free.pop_first().unwrap_or_else(|| {
            let handle = self.owners.len();
            self.lengthen(handle + 1);
            handle as u32
        });
        self.place(handle, owner.unwrap_or(handle), series);
        handle
    }

    /// Puts a series at a given number, as a snapshot had it.
    pub(crate) fn restore(&mut self, handle: u32, owner: u32, series: Series) {
        let index = handle as usize;
        self.free.extend(self.owners.len() as u32..handle);
        self.lengthen(index + 1);
        self.free.remove(&handle);
        self.place(handle, owner, series);
    }

    fn lengthen(&mut self, len: usize) {
        lengthen(&mut self.series, len, || None);
        lengthen(&mut self.owners, len, || VACANT);
    }

    /// Gives a vacant number to a series that has none.
    fn place(&mut self, handle: u32, owner: u32, series: Series) {
        let hash = hash(&series);
        self.series[handle as usize] = Some(series);
        self.owners[handle as usize] = owner;
        let names = &self.series;
        self.numbers
            .insert_unique(hash, handle, |&number| hash_at(names, number));
    }

    /// The handle of the state of the entity a series belongs to.
    pub(crate) fn owner(&self, handle: u32) -> Result<u32, Error> {
        match self.owners.get(handle as usize) {
            Some(&owner) if owner != VACANT => Ok(owner),
            _ => Err(Error::UnknownHandle(handle)),
        }
    }

    /// What a handle stands for.
    pub(crate) fn name(&self, handle: u32) -> Result<&Series, Error> {
        self.series
            .get(handle as usize)
            .and_then(Option::as_ref)
            .ok_or(Error::UnknownHandle(handle))
    }

    /// Checks that all handles are in use, before anything changes.
    pub(crate) fn check(&self, handles: &[u32]) -> Result<(), Error> {
        // Mostly every number below the highest is in use.
        if self.free.is_empty() && all_below(handles, self.owners.len() as u32) {
            return Ok(());
        }
        handles
            .iter()
            .try_for_each(|&handle| self.owner(handle).map(drop))
    }

    /// Checks that a handle is that of a state.
    pub(crate) fn check_state(&self, handle: u32) -> Result<(), Error> {
        if self.owner(handle)? == handle {
            return Ok(());
        }
        Err(Error::InvalidArgument(format!(
            "handle {handle} is that of an attribute; this takes the handle of an entity's state"
        )))
    }

    /// All handles in use with their owners, ascending.
    pub(crate) fn all(&self) -> impl Iterator<Item = (u32, u32, &Series)> {
        (0..)
            .zip(&self.owners)
            .zip(&self.series)
            .filter_map(|((handle, &owner), series)| Some((handle, owner, series.as_ref()?)))
    }

    /// Forgets an entity with its attributes; lists the handles that went.
    pub(crate) fn release(&mut self, entity: u32) -> Vec<u32> {
        let gone: Vec<u32> = (0..)
            .zip(&self.owners)
            .filter_map(|(handle, &owner)| (owner == entity).then_some(handle))
            .collect();
        for &handle in &gone {
            if let Some(series) = self.series[handle as usize].take() {
                if let Ok(entry) = self
                    .numbers
                    .find_entry(hash(&series), |&number| number == handle)
                {
                    entry.remove();
                }
                self.owners[handle as usize] = VACANT;
                self.free.insert(handle);
            }
        }
        gone
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }
}

/// Whether all handles are below a bound, which is at most 2³¹: two of them at a
/// time, as halves of one word.
///
/// It has a function of its own because it then needs few registers.
#[inline(never)]
fn all_below(handles: &[u32], bound: u32) -> bool {
    const HIGHEST_BITS: u64 = 0x8000_0000_8000_0000;
    // Added to a half, this sets its highest bit unless it is below the bound. One that has that
    // bit already may lose it, and is told by it.
    let rest = u64::from((1 << 31) - bound);
    let rest = rest << 32 | rest;
    let (chunks, last) = handles.as_chunks::<8>();
    let mut seen = 0;
    for chunk in chunks {
        for [low, high] in chunk.as_chunks().0 {
            let word = u64::from(*high) << 32 | u64::from(*low);
            seen |= word | word.wrapping_add(rest);
        }
    }
    seen & HIGHEST_BITS == 0 && last.iter().all(|&handle| handle < bound)
}

/// The hash by which the number of a series is found.
fn hash(series: &Series) -> u64 {
    FixedState::default().hash_one(series)
}

fn hash_at(series: &[Option<Series>], number: u32) -> u64 {
    series[number as usize].as_ref().map_or(0, hash)
}

fn check_name(what: &str, name: &str, least: usize) -> Result<(), Error> {
    if (least..=LONGEST_NAME).contains(&name.len()) {
        return Ok(());
    }
    Err(Error::InvalidArgument(format!(
        "the name of an {what} must have {least} to {LONGEST_NAME} bytes, not {}",
        name.len()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn series(entity: &str, attribute: Option<&str>) -> Series {
        Series {
            entity: entity.into(),
            attribute: attribute.map(Into::into),
        }
    }

    #[test]
    fn the_same_series_always_gets_the_same_number() {
        let mut entities = Entities::default();
        let a = entities.intern(&series("sensor.a", None));
        let b = entities.intern(&series("sensor.b", Some("level")));
        assert_eq!(entities.intern(&series("sensor.a", None)), a);
        assert_eq!(entities.intern(&series("sensor.b", Some("level"))), b);
        let owner = entities.owner(b).unwrap();
        assert_eq!(entities.name(owner), Ok(&series("sensor.b", None)));
        assert!(entities.check_state(owner).is_ok());
        assert!(entities.check_state(b).is_err());
    }

    #[test]
    fn a_released_entity_takes_its_attributes_along_and_frees_their_numbers() {
        let mut entities = Entities::default();
        let a = entities.intern(&series("sensor.a", None));
        let level = entities.intern(&series("sensor.a", Some("level")));
        let b = entities.intern(&series("sensor.b", None));
        assert_eq!(entities.release(a), vec![a, level]);
        assert_eq!(entities.name(level), Err(Error::UnknownHandle(level)));
        assert_eq!(entities.intern(&series("sensor.c", None)), a);
        assert_eq!(entities.intern(&series("sensor.b", None)), b);
    }

    #[test]
    fn at_the_bound_what_is_known_is_still_found() {
        let mut entities = Entities::default();
        let known = series("sensor.a", None);
        entities.intern(&known);
        for number in 1..MOST_SERIES as u32 {
            entities.restore(number, number, series(&format!("sensor.s{number}"), None));
        }
        assert_eq!(entities.check_names(&[known]), Ok(()));
        let refused = entities.check_names(&[series("sensor.b", None)]);
        assert!(matches!(refused, Err(Error::TooLarge(_))));
    }

    proptest! {
        #[test]
        fn handles_below_a_bound_are_told_from_others(
            bound in 0_u32..=1 << 31,
            near in proptest::collection::vec((any::<bool>(), any::<u32>()), 0..40),
        ) {
            let handles: Vec<_> = near
                .iter()
                .map(|&(below, any)| match bound {
                    0 => any,
                    _ if below => any % bound,
                    _ => bound.wrapping_add(any >> 20).wrapping_sub(2),
                })
                .collect();
            let expected = handles.iter().all(|&handle| handle < bound);
            prop_assert_eq!(all_below(&handles, bound), expected);
            let others: Vec<_> = near.iter().map(|&(_, any)| any).collect();
            let expected = others.iter().all(|&handle| handle < bound);
            prop_assert_eq!(all_below(&others, bound), expected);
            let below: Vec<_> = others.iter().map(|&any| any % bound.max(1)).collect();
            prop_assert_eq!(all_below(&below, bound), bound > 0 || below.is_empty());
        }
    }

    #[test]
    fn names_outside_their_bounds_are_refused() {
        let long = "x".repeat(256);
        for refused in [
            series("", None),
            series(&long, None),
            series("sensor.a", Some(&long)),
        ] {
            let outcome = Entities::default().check_names(&[refused]);
            assert!(matches!(outcome, Err(Error::InvalidArgument(_))));
        }
    }
}

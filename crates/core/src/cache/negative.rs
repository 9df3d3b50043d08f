//! Where there is known to be nothing, for a while.
//!
//! Kept apart from values, so that nothing can be taken for one of them, and in
//! memory only: it is soon over, and forgetting it costs one fetch.

use alloc::collections::{BTreeMap, BTreeSet};

use super::record::Place;

/// Most keys remembered; past it the one that ends first is forgotten.
const MOST_NEGATIVE: usize = 10_000;

/// Keys without a value, with the moment until which that is known.
#[derive(Debug, Clone, Default)]
pub(super) struct Negatives {
    until_us: BTreeMap<Place, u64>,
    ends: BTreeSet<(u64, Place)>,
}

impl Negatives {
    pub(super) fn note(&mut self, place: Place, until_us: u64) {
        self.forget(&place);
        if self.until_us.len() >= MOST_NEGATIVE
            && let Some((_, first)) = self.ends.pop_first()
        {
            self.until_us.remove(&first);
        }
        self.until_us.insert(place.clone(), until_us);
        self.ends.insert((until_us, place));
    }

    /// How long, in microseconds, there is still known to be nothing.
    pub(super) fn remaining_us(&self, mono_us: u64, namespace: &str, key: &str) -> Option<i64> {
        if self.until_us.is_empty() {
            return None;
        }
        let until_us = self.until_us.get(&Place::new(namespace, key))?;
        let remaining_us = until_us.checked_sub(mono_us).filter(|left| *left > 0)?;
        i64::try_from(remaining_us).ok()
    }

    /// Forgets one key, of which something is known now.
    pub(super) fn forget(&mut self, place: &Place) {
        if let Some((place, until_us)) = self.until_us.remove_entry(place) {
            self.ends.remove(&(until_us, place));
        }
    }

    /// Forgets the keys that `doomed` names.
    pub(super) fn forget_where(&mut self, doomed: impl Fn(&Place) -> bool) {
        self.until_us.retain(|place, _| !doomed(place));
        self.ends.retain(|(_, place)| !doomed(place));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.until_us.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn past_the_bound_the_first_to_end_is_forgotten() {
        let mut negatives = Negatives::default();
        for number in 0..=MOST_NEGATIVE as u64 {
            // Later ones end earlier, the last excepted.
            let until_us = 2 * MOST_NEGATIVE as u64 - number;
            negatives.note(Place::new("n", &format!("{number}")), until_us);
        }
        let known = |key: usize| negatives.remaining_us(0, "n", &format!("{key}"));
        assert_eq!(known(MOST_NEGATIVE - 1), None);
        assert!(known(MOST_NEGATIVE).is_some() && known(0).is_some());
        assert_eq!(
            (negatives.until_us.len(), negatives.ends.len()),
            (MOST_NEGATIVE, MOST_NEGATIVE)
        );
    }
}

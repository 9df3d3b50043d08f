//! The optimum of Belady: what leaves is what is asked for latest again. It
//! needs to know the future, and no policy hits more often.

use std::collections::{BTreeSet, HashMap};

pub(crate) fn hits(keys: &[u32], room: usize) -> usize {
    let mut next_use = vec![usize::MAX; keys.len()];
    let mut latest = HashMap::new();
    for (at, key) in keys.iter().enumerate().rev() {
        if let Some(next) = latest.insert(*key, at) {
            next_use[at] = next;
        }
    }
    // Held keys are known by the moment they are asked for again; those that
    // never are need not be held.
    let mut held = BTreeSet::new();
    let mut hits = 0;
    for (at, &next) in next_use.iter().enumerate() {
        hits += usize::from(held.remove(&at));
        if next != usize::MAX {
            held.insert(next);
            if held.len() > room {
                held.pop_last();
            }
        }
    }
    hits
}

//! Entities that wait, each at most once, in the order of first becoming dirty.
//!
//! A queue knows no time and no bound: when entities leave and how many may
//! wait is for its owner.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::table::lengthen;

/// The queue; `T` is what its owner notes of an entity as it comes in.
#[derive(Debug)]
pub(crate) struct DirtyQueue<T> {
    waiting: VecDeque<(u32, T)>,
    /// Whether each entity waits, by handle.
    dirty: Vec<bool>,
}

impl<T> Default for DirtyQueue<T> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            dirty: Vec::new(),
        }
    }
}

impl<T: Copy> DirtyQueue<T> {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether an entity waits.
    pub(crate) fn contains(&self, entity: u32) -> bool {
        self.dirty.get(entity as usize).is_some_and(|&waits| waits)
    }

    /// Puts an entity at the end, unless it waits already; says whether it did
    /// not.
    #[inline]
    pub(crate) fn push(&mut self, entity: u32, note: T) -> bool {
        let index = entity as usize;
        if index >= self.dirty.len() {
            self.make_room_for(index);
        }
        let is_new = !core::mem::replace(&mut self.dirty[index], true);
        if is_new {
            self.waiting.push_back((entity, note));
        }
        is_new
    }

    #[cold]
    fn make_room_for(&mut self, index: usize) {
        lengthen(&mut self.dirty, index + 1, || false);
    }

    /// The note of the one that has waited longest.
    pub(crate) fn oldest(&self) -> Option<&T> {
        self.waiting.front().map(|(_, note)| note)
    }

    /// Takes the one that has waited longest.
    pub(crate) fn pop(&mut self) -> Option<(u32, T)> {
        let (entity, note) = self.waiting.pop_front()?;
        self.dirty[entity as usize] = false;
        Some((entity, note))
    }

    /// Takes up to `most` of those that have waited longest.
    #[inline(never)]
    pub(crate) fn take(&mut self, most: usize) -> Vec<(u32, T)> {
        let most = most.min(self.waiting.len());
        let (front, back) = self.waiting.as_slices();
        let from_front = most.min(front.len());
        let mut taken = Vec::with_capacity(most);
        taken.extend_from_slice(&front[..from_front]);
        taken.extend_from_slice(&back[..most - from_front]);
        for &(entity, _) in &taken {
            self.dirty[entity as usize] = false;
        }
        self.waiting.drain(..most);
        taken
    }

    /// Takes out those of `entities` that wait, in one pass over the queue, and
    /// tells the place each had. Says how many there were.
    pub(crate) fn remove(&mut self, entities: &[u32], mut gone: impl FnMut(usize)) -> u32 {
        let mut removed = 0;
        for &entity in entities {
            let waited = self.dirty.get_mut(entity as usize);
            removed += u32::from(waited.is_some_and(core::mem::take));
        }
        if removed > 0 {
            let mut place = 0;
            let dirty = &self.dirty;
            self.waiting.retain(|&(entity, _)| {
                let stays = dirty[entity as usize];
                if !stays {
                    gone(place);
                }
                place += 1;
                stays
            });
        }
        removed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn an_entity_waits_once_and_in_its_first_place() {
        let mut queue = DirtyQueue::default();
        for (note, entity) in [7, 3, 7, 9, 3].into_iter().enumerate() {
            queue.push(entity, note);
        }
        assert_eq!((queue.len(), queue.oldest()), (3, Some(&0)));
        assert_eq!(queue.take(2), vec![(7, 0), (3, 1)]);
        assert!(!queue.contains(7));
        queue.push(7, 5);
        assert_eq!(queue.pop(), Some((9, 3)));
        assert_eq!(queue.pop(), Some((7, 5)));
        assert_eq!(queue.pop(), None);
        assert!(queue.is_empty());
    }

    #[test]
    fn removal_tells_the_places_and_counts_each_entity_once() {
        let mut queue = DirtyQueue::default();
        for entity in [5, 1, 4, 2] {
            queue.push(entity, ());
        }
        let mut places = Vec::new();
        assert_eq!(queue.remove(&[4, 99, 5, 4], |place| places.push(place)), 2);
        assert_eq!(places, vec![0, 2]);
        queue.push(4, ());
        let left: Vec<u32> = queue.take(9).iter().map(|&(entity, ())| entity).collect();
        assert_eq!(left, vec![1, 2, 4]);
    }
}

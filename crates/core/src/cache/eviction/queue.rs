//! Slots in a row, linked by number.
//!
//! Several queues share one table of links, because a slot stands in one of
//! them at a time. Links lie close together, apart from the items, so that
//! moving a slot touches little memory. Every operation takes constant time.

use alloc::vec::Vec;

use crate::cache::slab::{NO_SLOT, Slot};

#[derive(Debug, Clone, Copy)]
struct Link {
    older: Slot,
    newer: Slot,
}

/// The neighbours of every slot that stands in a queue.
#[derive(Debug, Clone, Default)]
pub(super) struct Links(Vec<Link>);

impl Links {
    fn get_mut(&mut self, slot: Slot) -> Option<&mut Link> {
        self.0.get_mut(slot as usize)
    }

    fn set(&mut self, slot: Slot, link: Link) {
        let place = slot as usize;
        if place >= self.0.len() {
            let none = Link {
                older: NO_SLOT,
                newer: NO_SLOT,
            };
            self.0.resize(place + 1, none);
        }
        if let Some(own) = self.0.get_mut(place) {
            *own = link;
        }
    }
}

/// A row of slots from the oldest to the newest.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    oldest: Slot,
    newest: Slot,
    len: u32,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            oldest: NO_SLOT,
            newest: NO_SLOT,
            len: 0,
        }
    }
}

impl Queue {
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    pub(super) fn oldest(&self) -> Option<Slot> {
        (self.oldest != NO_SLOT).then_some(self.oldest)
    }

    fn is_newest(&self, slot: Slot) -> bool {
        self.newest == slot
    }

    /// Puts a slot that stands in no queue behind the newest.
    pub(super) fn push(&mut self, links: &mut Links, slot: Slot) {
        let older = core::mem::replace(&mut self.newest, slot);
        links.set(
            slot,
            Link {
                older,
                newer: NO_SLOT,
            },
        );
        match links.get_mut(older) {
            Some(link) => link.newer = slot,
            None => self.oldest = slot,
        }
        self.len += 1;
    }

    /// Takes out a slot that stands in this queue.
    pub(super) fn remove(&mut self, links: &mut Links, slot: Slot) {
        let Some(&mut Link { older, newer }) = links.get_mut(slot) else {
            return;
        };
        match links.get_mut(older) {
            Some(link) => link.newer = newer,
            None => self.oldest = newer,
        }
        match links.get_mut(newer) {
            Some(link) => link.older = older,
            None => self.newest = older,
        }
        self.len -= 1;
    }

    /// Puts a slot that stands in this queue behind all others of it.
    pub(super) fn renew(&mut self, links: &mut Links, slot: Slot) {
        if !self.is_newest(slot) {
            self.remove(links, slot);
            self.push(links, slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled() -> (Links, Queue) {
        let (mut links, mut queue) = (Links::default(), Queue::default());
        for slot in [0, 1, 2] {
            queue.push(&mut links, slot);
        }
        (links, queue)
    }

    fn order(links: &Links, queue: &Queue) -> Vec<Slot> {
        let newer = |slot: &Slot| links.0.get(*slot as usize).map(|link| link.newer);
        core::iter::successors(queue.oldest(), |slot| {
            newer(slot).filter(|slot| *slot != NO_SLOT)
        })
        .collect()
    }

    #[test]
    fn renewing_moves_a_slot_behind_all_others() {
        for (renewed, expected) in [(0, [1, 2, 0]), (1, [0, 2, 1]), (2, [0, 1, 2])] {
            let (mut links, mut queue) = filled();
            queue.renew(&mut links, renewed);
            assert_eq!(order(&links, &queue), expected, "renewed {renewed}");
            assert_eq!(queue.oldest(), Some(expected[0]));
        }
    }

    #[test]
    fn removing_any_slot_keeps_the_order_of_the_rest() {
        for (removed, expected) in [(0, [1, 2]), (1, [0, 2]), (2, [0, 1])] {
            let (mut links, mut queue) = filled();
            queue.remove(&mut links, removed);
            assert_eq!(order(&links, &queue), expected, "removed {removed}");
            assert_eq!(queue.len(), 2);
        }
    }

    #[test]
    fn an_emptied_queue_has_no_oldest_and_fills_again() {
        let (mut links, mut queue) = filled();
        for slot in [1, 0, 2] {
            queue.remove(&mut links, slot);
        }
        assert_eq!((queue.oldest(), queue.len()), (None, 0));
        queue.push(&mut links, 1);
        assert_eq!(order(&links, &queue), [1]);
    }

    #[test]
    fn queues_share_links_without_mixing() {
        let (mut links, mut first) = filled();
        let mut second = Queue::default();
        first.remove(&mut links, 1);
        second.push(&mut links, 1);
        second.push(&mut links, 9);
        assert_eq!(order(&links, &first), [0, 2]);
        assert_eq!(order(&links, &second), [1, 9]);
    }
}

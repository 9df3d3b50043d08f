//! A slab whose items stay in exact order of use, by links inside the slab.
//!
//! Every operation takes constant time and moves no item. What leaves a full
//! cache is asked of [`Lru::oldest`] alone; another eviction policy needs the
//! same five verbs: insert, touch, remove, oldest, iterate. There is no bound,
//! no life and no key here.

use alloc::vec::Vec;

/// The place of an item, valid until that item is removed.
pub(super) type Slot = u32;

/// Stands for "no slot". The slab never grows this far.
const NONE: Slot = Slot::MAX;

#[derive(Debug, Clone)]
struct Node<T> {
    /// The item used just before this one; in a free node, nothing.
    older: Slot,
    /// The item used just after this one; in a free node, the next free node.
    newer: Slot,
    item: Option<T>,
}

/// Items from least to most recently used.
#[derive(Debug, Clone)]
pub(super) struct Lru<T> {
    nodes: Vec<Node<T>>,
    oldest: Slot,
    newest: Slot,
    free: Slot,
    len: u32,
}

impl<T> Default for Lru<T> {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            oldest: NONE,
            newest: NONE,
            free: NONE,
            len: 0,
        }
    }
}

impl<T> Lru<T> {
    /// How many items there are.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// The item in a slot.
    pub(super) fn get(&self, slot: Slot) -> Option<&T> {
        self.nodes.get(slot as usize)?.item.as_ref()
    }

    /// The item in a slot. Looking is no use: see [`Lru::touch`].
    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        self.nodes.get_mut(slot as usize)?.item.as_mut()
    }

    /// Takes an item in as the most recently used.
    pub(super) fn insert(&mut self, item: T) -> Slot {
        let node = Node {
            older: NONE,
            newer: NONE,
            item: Some(item),
        };
        let slot = if let Some(free) = self.nodes.get_mut(self.free as usize) {
            let slot = self.free;
            self.free = free.newer;
            *free = node;
            slot
        } else {
            self.nodes.push(node);
            (self.nodes.len() - 1) as Slot
        };
        self.len += 1;
        self.append(slot);
        slot
    }

    /// Makes an item the most recently used.
    pub(super) fn touch(&mut self, slot: Slot) {
        if slot != self.newest && self.get(slot).is_some() {
            self.unlink(slot);
            self.append(slot);
        }
    }

    /// Takes an item out.
    pub(super) fn remove(&mut self, slot: Slot) -> Option<T> {
        let item = self.nodes.get_mut(slot as usize)?.item.take()?;
        self.unlink(slot);
        let free = self.free;
        if let Some(node) = self.nodes.get_mut(slot as usize) {
            node.older = NONE;
            node.newer = free;
        }
        self.free = slot;
        self.len -= 1;
        Some(item)
    }

    /// The least recently used item.
    pub(super) fn oldest(&self) -> Option<Slot> {
        (self.oldest != NONE).then_some(self.oldest)
    }

    /// All items, least recently used first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Slot, &T)> {
        let mut next = self.oldest;
        core::iter::from_fn(move || {
            let slot = next;
            let node = self.nodes.get(slot as usize)?;
            next = node.newer;
            node.item.as_ref().map(|item| (slot, item))
        })
    }

    /// Links a node that is in no order yet behind the newest.
    fn append(&mut self, slot: Slot) {
        let newest = core::mem::replace(&mut self.newest, slot);
        if let Some(node) = self.nodes.get_mut(slot as usize) {
            node.older = newest;
            node.newer = NONE;
        }
        match self.nodes.get_mut(newest as usize) {
            Some(node) => node.newer = slot,
            None => self.oldest = slot,
        }
    }

    /// Takes a node out of the order.
    fn unlink(&mut self, slot: Slot) {
        let Some(&Node { older, newer, .. }) = self.nodes.get(slot as usize) else {
            return;
        };
        match self.nodes.get_mut(older as usize) {
            Some(node) => node.newer = newer,
            None => self.oldest = newer,
        }
        match self.nodes.get_mut(newer as usize) {
            Some(node) => node.older = older,
            None => self.newest = older,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(lru: &Lru<char>) -> Vec<char> {
        lru.iter().map(|(_, item)| *item).collect()
    }

    fn filled() -> (Lru<char>, Vec<Slot>) {
        let mut lru = Lru::default();
        let slots = ['a', 'b', 'c'].map(|item| lru.insert(item)).to_vec();
        (lru, slots)
    }

    #[test]
    fn touching_moves_an_item_behind_all_others() {
        for (touched, expected) in [
            (0, ['b', 'c', 'a']),
            (1, ['a', 'c', 'b']),
            (2, ['a', 'b', 'c']),
        ] {
            let (mut lru, slots) = filled();
            lru.touch(slots[touched]);
            assert_eq!(order(&lru), expected, "touched {touched}");
            assert_eq!(
                lru.oldest().and_then(|slot| lru.get(slot)),
                Some(&expected[0])
            );
        }
    }

    #[test]
    fn removing_any_item_keeps_the_order_of_the_rest() {
        for (removed, expected) in [(0, ['b', 'c']), (1, ['a', 'c']), (2, ['a', 'b'])] {
            let (mut lru, slots) = filled();
            assert!(lru.remove(slots[removed]).is_some());
            assert_eq!(order(&lru), expected, "removed {removed}");
            assert_eq!(lru.remove(slots[removed]), None, "a slot empties once");
            assert_eq!(lru.len(), 2);
        }
    }

    #[test]
    fn freed_slots_are_taken_again_before_the_slab_grows() {
        let (mut lru, slots) = filled();
        lru.remove(slots[0]);
        lru.remove(slots[2]);
        let again = [lru.insert('d'), lru.insert('e')];
        assert_eq!(again, [slots[2], slots[0]]);
        assert_eq!(order(&lru), ['b', 'd', 'e']);
        assert_eq!(lru.nodes.len(), 3);
    }

    #[test]
    fn an_emptied_list_has_no_oldest_and_fills_again() {
        let (mut lru, slots) = filled();
        for slot in slots {
            lru.remove(slot);
        }
        assert_eq!(lru.oldest(), None);
        lru.insert('z');
        assert_eq!(order(&lru), ['z']);
    }
}

//! Items at places that stay the same while they are held.
//!
//! Every operation takes constant time and moves no item. In what order items
//! were used is not known here: see [`super::eviction`].

use alloc::vec::Vec;

/// The place of an item, valid until that item is removed.
pub(super) type Slot = u32;

/// Stands for "no slot". The slab never grows this far.
pub(super) const NO_SLOT: Slot = Slot::MAX;

#[derive(Debug, Clone)]
enum Place<T> {
    Taken(T),
    /// Free, with the next free one.
    Free(Slot),
}

/// Items by slot.
#[derive(Debug, Clone)]
pub(super) struct Slab<T> {
    places: Vec<Place<T>>,
    free: Slot,
    len: u32,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            free: NO_SLOT,
            len: 0,
        }
    }
}

impl<T> Slab<T> {
    /// How many items there are.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// The item in a slot.
    pub(super) fn get(&self, slot: Slot) -> Option<&T> {
        match self.places.get(slot as usize)? {
            Place::Taken(item) => Some(item),
            Place::Free(_) => None,
        }
    }

    /// The item in a slot.
    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        match self.places.get_mut(slot as usize)? {
            Place::Taken(item) => Some(item),
            Place::Free(_) => None,
        }
    }

    /// Takes an item in, at the place freed last if there is one.
    pub(super) fn insert(&mut self, item: T) -> Slot {
        self.len += 1;
        let slot = self.free;
        if let Some(place) = self.places.get_mut(slot as usize)
            && let Place::Free(next) = *place
        {
            *place = Place::Taken(item);
            self.free = next;
            return slot;
        }
        self.places.push(Place::Taken(item));
        (self.places.len() - 1) as Slot
    }

    /// Takes an item out.
    pub(super) fn remove(&mut self, slot: Slot) -> Option<T> {
        let place = self.places.get_mut(slot as usize)?;
        if let Place::Free(_) = place {
            return None;
        }
        let Place::Taken(item) = core::mem::replace(place, Place::Free(self.free)) else {
            return None;
        };
        self.free = slot;
        self.len -= 1;
        Some(item)
    }

    /// Drops an item where it lies.
    pub(super) fn discard(&mut self, slot: Slot) {
        if let Some(place @ Place::Taken(_)) = self.places.get_mut(slot as usize) {
            *place = Place::Free(self.free);
            self.free = slot;
            self.len -= 1;
        }
    }

    /// All items with their slots, in order of these.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Slot, &T)> {
        let places = (0..).zip(&self.places);
        places.filter_map(|(slot, place)| match place {
            Place::Taken(item) => Some((slot, item)),
            Place::Free(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freed_slots_are_taken_again_before_the_slab_grows() {
        let mut slab = Slab::default();
        let slots = ['a', 'b', 'c'].map(|item| slab.insert(item));
        assert_eq!(slab.remove(slots[0]), Some('a'));
        assert_eq!(slab.remove(slots[2]), Some('c'));
        assert_eq!(slab.remove(slots[2]), None, "a slot empties once");
        assert_eq!(slab.len(), 1);

        let again = [slab.insert('d'), slab.insert('e')];
        assert_eq!(again, [slots[2], slots[0]]);
        assert!(slab.iter().eq([(0, &'e'), (1, &'b'), (2, &'d')]));
        assert_eq!(slab.insert('f'), 3);
    }

    #[test]
    fn a_free_slot_holds_nothing() {
        let mut slab = Slab::default();
        let slot = slab.insert('a');
        slab.remove(slot);
        assert_eq!(slab.get(slot), None);
        assert_eq!(slab.get_mut(slot), None);
        assert_eq!(slab.get(NO_SLOT), None);
    }
}

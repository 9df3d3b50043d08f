//! Exactly the least recently used leaves.

use crate::cache::slab::Slot;

use super::queue::{Links, Queue};

/// One queue, in which a use puts a slot last.
#[derive(Debug, Clone, Default)]
pub(in crate::cache) struct Lru {
    links: Links,
    queue: Queue,
}

impl Lru {
    pub(super) fn insert(&mut self, slot: Slot) {
        self.queue.push(&mut self.links, slot);
    }

    pub(super) fn touch(&mut self, slot: Slot) {
        self.queue.renew(&mut self.links, slot);
    }

    pub(super) fn remove(&mut self, slot: Slot) {
        self.queue.remove(&mut self.links, slot);
    }

    pub(super) fn evict(&mut self, used: Option<Slot>) -> Option<Slot> {
        let slot = self.queue.oldest().filter(|&slot| Some(slot) != used)?;
        self.remove(slot);
        Some(slot)
    }
}

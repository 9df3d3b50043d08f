//! What a cache of the same size would hold that evicts the least recently used.
//!
//! Only hashes of keys are held: enough to tell, use by use, which of the two
//! would have had the key.

use hashbrown::HashTable;

use crate::cache::slab::{Slab, Slot};

use super::queue::{Links, Queue};

/// Hashes of keys in order of use.
#[derive(Debug, Clone, Default)]
pub(super) struct Shadow {
    hashes: Slab<u64>,
    slots: HashTable<Slot>,
    links: Links,
    queue: Queue,
}

impl Shadow {
    /// Takes note of a use; says whether the key would have been held.
    pub(super) fn touch(&mut self, hash: u64) -> bool {
        if let Some(slot) = self.find(hash) {
            self.queue.renew(&mut self.links, slot);
            return true;
        }
        let slot = self.hashes.insert(hash);
        let hashes = &self.hashes;
        self.slots.insert_unique(hash, slot, |slot| {
            hashes.get(*slot).copied().unwrap_or_default()
        });
        self.queue.push(&mut self.links, slot);
        false
    }

    /// Lets go what is too much for a cache of so many keys.
    pub(super) fn trim(&mut self, keys: u32) {
        while self.queue.len() > keys
            && let Some(slot) = self.queue.oldest()
        {
            self.remove(slot);
        }
    }

    /// Takes note that a key was removed.
    pub(super) fn forget(&mut self, hash: u64) {
        if let Some(slot) = self.find(hash) {
            self.remove(slot);
        }
    }

    fn find(&self, hash: u64) -> Option<Slot> {
        self.slots
            .find(hash, |slot| self.hashes.get(*slot) == Some(&hash))
            .copied()
    }

    fn remove(&mut self, slot: Slot) {
        self.queue.remove(&mut self.links, slot);
        if let Some(hash) = self.hashes.remove(slot)
            && let Ok(found) = self.slots.find_entry(hash, |candidate| *candidate == slot)
        {
            found.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_the_keys_used_last() {
        let mut shadow = Shadow::default();
        for hash in [1, 2, 3] {
            assert!(!shadow.touch(hash));
        }
        assert!(shadow.touch(1));
        shadow.trim(2);
        assert!(!shadow.touch(2), "it was used longest ago");
        assert!(shadow.touch(1));
        shadow.forget(1);
        assert!(!shadow.touch(1));
    }
}

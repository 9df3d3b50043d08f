//! How often keys were used lately, in half a byte each.
//!
//! A count-min sketch: a key has four counters among many that other keys share,
//! and the least of them is never under its true count up to fifteen. After a
//! while all counters are halved, so that what was popular long ago gives way.
//! No key is held here, and none can be listed.

use alloc::vec;
use alloc::vec::Vec;

/// Counters of a key, each in a row of its own.
const ROWS: usize = 4;
/// Words of one block; a key's counters all lie in one, on one line of a
/// processor's cache: two words for each row.
const BLOCK_WORDS: usize = 2 * ROWS;
/// Largest count.
const MOST: u64 = 15;
/// Counts are halved after so many for each word: a sample of ten times the
/// number of keys, as the authors of the policy recommend.
const SAMPLE_PER_WORD: u32 = 10;

/// Counts of uses by hash of the key; nothing is allocated before there is
/// something to count.
#[derive(Debug, Clone, Default)]
pub(super) struct Sketch {
    /// Sixteen counters in each, a power of two of blocks.
    words: Vec<u64>,
    /// Counted since counts were last halved.
    counted: u32,
}

impl Sketch {
    /// Makes room for the counts of so many keys. What was counted stays.
    pub(super) fn reserve(&mut self, keys: u32) {
        if self.words.is_empty() && keys > 0 {
            self.words = vec![0; BLOCK_WORDS];
        }
        while self.words.len() < keys as usize {
            // The block of a hash in twice as many is the same one, or the one
            // that many further: both start from the counts it had.
            self.words.extend_from_within(..);
        }
    }

    /// Counts one use.
    pub(super) fn count(&mut self, hash: u64) {
        let mut counted = false;
        for (word, shift) in self.counters(hash) {
            if let Some(word) = self.words.get_mut(word)
                && (*word >> shift) & MOST < MOST
            {
                *word += 1 << shift;
                counted = true;
            }
        }
        self.counted += u32::from(counted);
        if self.counted >= self.sample() {
            self.halve();
        }
    }

    /// Uses counted lately, at most 15.
    pub(super) fn frequency(&self, hash: u64) -> u64 {
        let counts = self.counters(hash).map(|(word, shift)| {
            let word = self.words.get(word).copied().unwrap_or_default();
            (word >> shift) & MOST
        });
        counts.into_iter().min().unwrap_or_default()
    }

    fn sample(&self) -> u32 {
        (self.words.len() as u32).saturating_mul(SAMPLE_PER_WORD)
    }

    fn halve(&mut self) {
        const WITHOUT_CARRY: u64 = 0x7777_7777_7777_7777;
        for word in &mut self.words {
            *word = (*word >> 1) & WITHOUT_CARRY;
        }
        self.counted /= 2;
    }

    /// The word of each counter of a key, and its place there in bits.
    fn counters(&self, hash: u64) -> [(usize, u32); ROWS] {
        let blocks = (self.words.len() / BLOCK_WORDS).max(1);
        // High bits pick the counters, low bits the block.
        let block = (hash as usize & (blocks - 1)) * BLOCK_WORDS;
        core::array::from_fn(|row| {
            let bits = (hash >> (32 + 8 * row)) as u32;
            let word = block + 2 * row + (bits & 1) as usize;
            (word, ((bits >> 1) & 15) * 4)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes that share few bits.
    fn hash(number: u64) -> u64 {
        let mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    }

    fn sketch(keys: u32) -> Sketch {
        let mut sketch = Sketch::default();
        sketch.reserve(keys);
        sketch
    }

    #[test]
    fn an_empty_sketch_counts_nothing_and_harms_nothing() {
        let mut sketch = Sketch::default();
        sketch.count(hash(1));
        assert_eq!(sketch.frequency(hash(1)), 0);
        assert_eq!(sketch.words.capacity(), 0);
    }

    #[test]
    fn a_count_is_never_too_low_and_stops_at_fifteen() {
        let mut sketch = sketch(1_000);
        for key in 0..40 {
            for _ in 0..key {
                sketch.count(hash(key));
            }
        }
        for key in 0..40 {
            assert!(sketch.frequency(hash(key)) >= key.min(15), "{key}");
            assert!(sketch.frequency(hash(key)) <= 15, "{key}");
        }
    }

    #[test]
    fn few_keys_among_many_counters_are_counted_exactly() {
        let mut sketch = sketch(10_000);
        for key in 0..50 {
            sketch.count(hash(key));
        }
        let exact = (0..50).filter(|&key| sketch.frequency(hash(key)) == 1);
        assert_eq!(exact.count(), 50);
        assert_eq!(sketch.frequency(hash(99)), 0);
    }

    #[test]
    fn growing_keeps_every_count() {
        let mut sketch = sketch(4);
        for _ in 0..3 {
            sketch.count(hash(7));
        }
        sketch.reserve(100);
        assert_eq!(sketch.words.len(), 128);
        assert_eq!(sketch.frequency(hash(7)), 3);
    }

    #[test]
    fn old_counts_are_halved_after_a_sample() {
        let mut sketch = sketch(8);
        for _ in 0..12 {
            sketch.count(hash(1));
        }
        for key in 2..2 + u64::from(sketch.sample()) {
            sketch.count(hash(key));
        }
        assert!((6..12).contains(&sketch.frequency(hash(1))));
    }
}

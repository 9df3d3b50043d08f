//! One hash of a name, the same on every platform.
//!
//! Decisions follow from it, so natively and in WebAssembly it must be the same
//! number; the hashers of the usual tables are not, because they use the widest
//! multiplication there is. It resists accidents, not an attacker: the tables
//! it serves hold few entries under a bound.

/// An odd number without pattern: the golden ratio in 64 bits.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// The hash of a name.
pub(super) fn key_hash(name: &str) -> u64 {
    let (words, rest) = name.as_bytes().as_chunks::<8>();
    // The length tells apart what differs only in zero bytes at the end.
    let mut hash = (name.len() as u64).wrapping_mul(FACTOR);
    for word in words {
        hash = stir(hash ^ u64::from_le_bytes(*word));
    }
    let mut last = 0;
    for byte in rest {
        last = last << 8 | u64::from(*byte);
    }
    stir(stir(hash ^ last))
}

/// Spreads every bit over all others; no two numbers give the same.
fn stir(number: u64) -> u64 {
    let number = (number ^ number >> 32).wrapping_mul(FACTOR);
    number ^ number >> 29
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::format;

    use super::*;

    #[test]
    fn names_alike_differ_in_high_and_low_bits() {
        let hashes = (0..10_000).map(|number| key_hash(&format!("sensor.{number:05}")));
        let (mut high, mut low) = (BTreeSet::new(), BTreeSet::new());
        for hash in hashes {
            high.insert(hash >> 44);
            low.insert(hash & 0xf_ffff);
        }
        // Ten thousand in a million places: some 48 share one by chance.
        assert!(high.len() > 9_900, "{}", high.len());
        assert!(low.len() > 9_900, "{}", low.len());
    }

    #[test]
    fn length_counts_and_so_does_every_byte() {
        let names = [
            "",
            "\0",
            "\0\0",
            "a",
            "a\0",
            "aaaaaaaa",
            "aaaaaaaa\0",
            "aaaaaaab",
        ];
        let hashes: BTreeSet<u64> = names.iter().map(|name| key_hash(name)).collect();
        assert_eq!(hashes.len(), names.len());
    }
}

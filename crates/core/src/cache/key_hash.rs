//! One hash of a name, the same on every platform, and whether two names are one.
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

/// Whether two names are the same, eight bytes at a time: the comparison that
/// comes with the language takes single ones in WebAssembly.
pub(super) fn same_name(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let (words, rest) = one.as_chunks::<8>();
    let (other_words, other_rest) = other.as_chunks::<8>();
    let mut pairs = words.iter().zip(other_words);
    if !pairs.all(|(one, other)| u64::from_le_bytes(*one) == u64::from_le_bytes(*other)) {
        return false;
    }
    // What is left over, with some of what was compared before it.
    if let (Some(one), Some(other)) = (one.last_chunk::<8>(), other.last_chunk::<8>()) {
        return u64::from_le_bytes(*one) == u64::from_le_bytes(*other);
    }
    rest.iter().zip(other_rest).all(|(one, other)| one == other)
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
    use alloc::string::String;

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
    fn names_are_the_same_if_every_byte_is() {
        let name = "weather:forecast:0001:hourly";
        for length in 0..=name.len() {
            let one = &name[..length];
            assert!(same_name(one, &String::from(one)));
            for place in 0..length {
                let mut other = String::from(one);
                other.replace_range(place..=place, "_");
                assert!(!same_name(one, &other), "{other}");
            }
            assert!(!same_name(one, &format!("{one}_")));
        }
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

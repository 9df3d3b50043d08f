//! One hash of a name, the same on every platform, and whether two names are one.
//!
//! Decisions follow from it, so natively and in WebAssembly it must be the same
//! number; the hashers of the usual tables are not, because they use the widest
//! multiplication there is. It resists accidents, not an attacker: the tables
//! it serves hold few entries under a bound.

/// An odd number without pattern: the golden ratio in 64 bits.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// The hash of a name.
pub(super) fn key_hash(name: &[u8]) -> u64 {
    let (words, rest) = name.as_chunks::<8>();
    // The length tells apart what differs only in zero bytes at the end.
    let mut hash = (name.len() as u64).wrapping_mul(FACTOR);
    for word in words {
        hash = stir(hash ^ u64::from_le_bytes(*word));
    }
    stir(stir(hash ^ number_of(rest)))
}

/// Less than eight bytes as one number, the first the highest: by halves, for a
/// loop over single ones takes longer than all the rest of a short name.
fn number_of(bytes: &[u8]) -> u64 {
    let (mut number, mut rest) = (0, bytes);
    if let Some((four, others)) = rest.split_first_chunk::<4>() {
        (number, rest) = (u64::from(u32::from_be_bytes(*four)), others);
    }
    if let Some((two, others)) = rest.split_first_chunk::<2>() {
        (number, rest) = (number << 16 | u64::from(u16::from_be_bytes(*two)), others);
    }
    match rest {
        [one, ..] => number << 8 | u64::from(*one),
        [] => number,
    }
}

/// Whether two names are the same, many bytes at a time: the comparison that
/// comes with the language takes single ones in WebAssembly.
pub(super) fn same_name(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    // What does not divide into words is compared twice in part, which is less
    // than a loop. Names alike mostly differ at the end.
    match one.len() {
        0..4 => number_of(one) == number_of(other),
        4..8 => halves(one, other, |half: &[u8; 4]| u32::from_le_bytes(*half)),
        8..16 => halves(one, other, |half: &[u8; 8]| u64::from_le_bytes(*half)),
        16..=32 => halves(one, other, |half: &[u8; 16]| u128::from_le_bytes(*half)),
        _ => {
            let (words, other_words) = (one.as_chunks::<16>().0, other.as_chunks::<16>().0);
            halves(one, other, |half: &[u8; 16]| u128::from_le_bytes(*half))
                && words
                    .iter()
                    .zip(other_words)
                    .all(|(one, other)| u128::from_le_bytes(*one) == u128::from_le_bytes(*other))
        }
    }
}

/// Whether the last and the first so many bytes are the same.
#[inline]
fn halves<const BYTES: usize, N: PartialEq>(
    one: &[u8],
    other: &[u8],
    number: impl Fn(&[u8; BYTES]) -> N,
) -> bool {
    one.last_chunk().map(&number) == other.last_chunk().map(&number)
        && one.first_chunk().map(&number) == other.first_chunk().map(&number)
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
        let hashes = (0..10_000).map(|number| key_hash(format!("sensor.{number:05}").as_bytes()));
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
        let name = "weather:forecast:0001:hourly, as one of many more than thirty-two bytes";
        for length in 0..=name.len() {
            let one = &name[..length];
            assert!(same_name(one.as_bytes(), String::from(one).as_bytes()));
            for place in 0..length {
                let mut other = String::from(one);
                other.replace_range(place..=place, "_");
                assert!(!same_name(one.as_bytes(), other.as_bytes()), "{other}");
            }
            assert!(!same_name(one.as_bytes(), format!("{one}_").as_bytes()));
        }
    }

    #[test]
    fn a_few_bytes_are_a_number_in_their_order() {
        let bytes = [1, 2, 3, 4, 5, 6, 7];
        for length in 0..=bytes.len() {
            let few = &bytes[..length];
            let expected = few
                .iter()
                .fold(0, |number, byte| number << 8 | u64::from(*byte));
            assert_eq!(number_of(few), expected, "{few:?}");
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
        let hashes: BTreeSet<u64> = names.iter().map(|name| key_hash(name.as_bytes())).collect();
        assert_eq!(hashes.len(), names.len());
    }
}

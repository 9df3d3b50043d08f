//! Keys made from arguments, so that equal calls share an entry and different
//! calls never do.
//!
//! A key is a sequence of parts, each a letter followed by texts that carry
//! their own length in bytes: `p5:porch`, `n4:unit=1:C`, `s3:hub+5:porch`. No
//! separator can collide, because none is searched for: a reader always knows
//! where a text ends. What the texts mean is the caller's matter; JSON is a
//! good choice, in which the number `1` and the text `"1"` differ.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use crate::Error;
use crate::sort::sort;

use super::record::LONGEST_KEY_BYTES;

/// One argument of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Told from others by its place.
    Positional(String),
    /// Told from others by its name; its place says nothing.
    Named {
        /// Given once at most.
        name: String,
        /// What it is set to.
        value: String,
    },
    /// Two texts in either order, such as the ends of a link. Told from other
    /// parts by its place.
    Symmetric(String, String),
}

/// The key of a list of arguments. Two lists have the same key exactly if they
/// have the same positional and symmetric parts in the same order and the same
/// named parts in any. Refused are a name given twice, and lists whose key
/// would be over 1,024 bytes.
pub fn cache_key(parts: &[Part]) -> Result<String, Error> {
    let mut key = String::new();
    let mut named: Vec<(&str, &str)> = Vec::new();
    for part in parts {
        match part {
            Part::Positional(text) => write_texts(&mut key, 'p', text, None),
            Part::Symmetric(one, other) => {
                let (first, second) = (one.min(other), one.max(other));
                write_texts(&mut key, 's', first, Some(('+', second)));
            }
            Part::Named { name, value } => named.push((name, value)),
        }
    }
    sort(&mut named);
    let mut previous = None;
    for (name, value) in named {
        if previous == Some(name) {
            return Err(Error::InvalidArgument(format!(
                "argument {name} is given twice; give each name once"
            )));
        }
        previous = Some(name);
        write_texts(&mut key, 'n', name, Some(('=', value)));
    }
    if key.len() > LONGEST_KEY_BYTES {
        return Err(Error::TooLarge(format!(
            "the key of these arguments is {} bytes, at most {LONGEST_KEY_BYTES} are taken",
            key.len()
        )));
    }
    Ok(key)
}

fn write_texts(key: &mut String, kind: char, first: &str, second: Option<(char, &str)>) {
    // Writing to a string never fails.
    let _ = write!(key, "{kind}{}:{first}", first.len());
    if let Some((joint, second)) = second {
        let _ = write!(key, "{joint}{}:{second}", second.len());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn positional(text: &str) -> Part {
        Part::Positional(text.into())
    }

    fn named(name: &str, value: &str) -> Part {
        Part::Named {
            name: name.into(),
            value: value.into(),
        }
    }

    fn pair(one: &str, other: &str) -> Part {
        Part::Symmetric(one.into(), other.into())
    }

    #[test]
    fn keys_are_readable_and_stay_what_they_are() {
        // Keys outlive a run: a change here makes every stored value unreachable.
        for (parts, key) in [
            (&[][..], ""),
            (&[positional("porch")], "p5:porch"),
            (
                &[named("unit", "C"), positional("\"a\""), named("area", "1")],
                "p3:\"a\"n4:area=1:1n4:unit=1:C",
            ),
            (&[pair("porch", "hub")], "s3:hub+5:porch"),
            (&[pair("hub", "porch")], "s3:hub+5:porch"),
            (&[positional("ü")], "p2:ü"),
        ] {
            assert_eq!(cache_key(parts).as_deref(), Ok(key), "{parts:?}");
        }
    }

    #[test]
    fn a_name_given_twice_and_a_key_over_its_bound_are_refused() {
        for (parts, large) in [
            (&[named("a", "1"), named("a", "1")][..], false),
            (&[named("a", "1"), positional("p"), named("a", "2")], false),
            (&[positional(&"x".repeat(1019))], true),
        ] {
            match cache_key(parts) {
                Err(Error::TooLarge(text)) => assert!(large && text.contains("1025"), "{text}"),
                Err(Error::InvalidArgument(text)) => {
                    assert!(!large && text.contains("argument a"), "{text}");
                }
                other => panic!("{parts:?} gave {other:?}"),
            }
        }
        assert!(cache_key(&[positional(&"x".repeat(1018))]).is_ok());
    }

    /// Texts made of what the encoding itself uses, so that they collide if
    /// anything can.
    fn text() -> impl Strategy<Value = String> {
        "[pns0-3:+=]{0,4}"
    }

    fn part() -> impl Strategy<Value = Part> {
        prop_oneof![
            text().prop_map(Part::Positional),
            (text(), text()).prop_map(|(name, value)| Part::Named { name, value }),
            (text(), text()).prop_map(|(one, other)| Part::Symmetric(one, other)),
        ]
    }

    /// A list in the form all lists of the same meaning share.
    fn meaning(parts: &[Part]) -> (Vec<Part>, Vec<(String, String)>) {
        let mut placed = Vec::new();
        let mut named = Vec::new();
        for part in parts.iter().cloned() {
            match part {
                Part::Named { name, value } => named.push((name, value)),
                Part::Symmetric(one, other) if other < one => {
                    placed.push(Part::Symmetric(other, one));
                }
                part => placed.push(part),
            }
        }
        named.sort();
        (placed, named)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn two_lists_share_a_key_exactly_if_they_mean_the_same(
            one in prop::collection::vec(part(), 0..4),
            other in prop::collection::vec(part(), 0..4),
        ) {
            if let (Ok(first), Ok(second)) = (cache_key(&one), cache_key(&other)) {
                prop_assert_eq!(first == second, meaning(&one) == meaning(&other));
            }
        }

        #[test]
        fn the_order_of_named_parts_and_within_pairs_is_irrelevant(
            parts in prop::collection::vec(part(), 0..6),
            swaps in prop::collection::vec(any::<prop::sample::Index>(), 6),
        ) {
            let mut moved = parts.clone();
            for part in &mut moved {
                if let Part::Symmetric(one, other) = part {
                    core::mem::swap(one, other);
                }
            }
            // Moves named parts about; the others keep their order.
            for swap in &swaps {
                if let Some(from) = moved.iter().position(|part| matches!(part, Part::Named { .. })) {
                    let part = moved.remove(from);
                    moved.insert(swap.index(moved.len() + 1), part);
                }
            }
            prop_assert_eq!(cache_key(&parts), cache_key(&moved));
        }
    }
}

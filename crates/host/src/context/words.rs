//! Which entities the words of a question name.
//!
//! A word that few entities are called by says much about what is meant, and one that all are called by says
//! nothing: inverse document frequency.

use std::collections::BTreeSet;

/// Words that are looked for; a question has fewer.
const MOST_WORDS: usize = 32;

/// Places of the texts that `question` names, best first, at most `most`.
pub(super) fn named<'a>(
    question: &str,
    texts: impl Iterator<Item = &'a str> + Clone,
    most: usize,
) -> Vec<usize> {
    let question = question.to_lowercase();
    let asked: BTreeSet<&str> = words(&question).collect();
    let asked: Vec<&str> = asked.into_iter().take(MOST_WORDS).collect();
    let mut known_by = vec![0_u32; asked.len()];
    let mut matches: Vec<(usize, Vec<usize>)> = Vec::new();
    let mut texts_seen = 0_u32;
    for (place, text) in texts.enumerate() {
        texts_seen += 1;
        let own: BTreeSet<&str> = words(text).collect();
        let hits = asked.iter().enumerate();
        let hits = hits.filter(|(_, word)| own.iter().any(|own| is_meant(word, own)));
        let hits: Vec<usize> = hits.map(|(number, _)| number).collect();
        for hit in &hits {
            if let Some(count) = known_by.get_mut(*hit) {
                *count += 1;
            }
        }
        if !hits.is_empty() {
            matches.push((place, hits));
        }
    }
    let weight = |word: &usize| {
        let by = known_by.get(*word).copied().unwrap_or_default();
        // A home of one entity is named by any word of it.
        (f64::from(texts_seen + 1) / f64::from(by.max(1))).ln()
    };
    let mut scored: Vec<(f64, usize)> = matches
        .iter()
        .map(|(place, hits)| (hits.iter().map(weight).sum(), *place))
        .collect();
    scored.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    scored.truncate(most);
    scored.into_iter().map(|(_, place)| place).collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
}

/// Equal words, and from four letters on one that begins with the other, as `lights` and `light` do.
fn is_meant(asked: &str, own: &str) -> bool {
    let long = |word: &str| word.chars().count() > 3;
    asked == own || (long(asked) && own.starts_with(asked)) || (long(own) && asked.starts_with(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_words_count_more_than_common_ones() {
        let home = [
            "the lamp light.kitchen kitchen",
            "the lamp light.hall hall",
            "the oven sensor.oven kitchen",
            "küchenwaage sensor.scale",
        ];
        let named = |question| named(question, home.iter().copied(), 10);
        assert_eq!(named("Is the OVEN hot?")[0], 2);
        assert_eq!(named("kitchen lights")[0], 0);
        assert_eq!(named("Küchenwaagen"), [3]);
        assert!(named("garage").is_empty() && named("").is_empty() && named("…").is_empty());
    }

    #[test]
    fn no_more_than_asked_for() {
        let home = ["lamp a", "lamp b", "lamp c"];
        assert_eq!(named("lamp", home.iter().copied(), 2), [0, 1]);
        assert_eq!(named("lamp", ["lamp"].into_iter(), 2), [0]);
    }
}

//! Counting tokens as language models do.
//!
//! A vocabulary is unpacked when it is first asked for and stays: 200,000 tokens are some 20 MiB, which an
//! instance that nobody asks for a context never spends.

use tiktoken::CoreBpe;

/// A vocabulary of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tokenizer {
    /// Of `OpenAI`'s models since GPT-4o; other makers' differ from it by some percent.
    #[default]
    O200kBase,
    /// Of GPT-4 and GPT-3.5.
    Cl100kBase,
}

impl Tokenizer {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::O200kBase, Self::Cl100kBase];

    /// Its usual name.
    pub fn name(self) -> &'static str {
        match self {
            Self::O200kBase => "o200k_base",
            Self::Cl100kBase => "cl100k_base",
        }
    }

    /// Readies it, which takes a tenth of a second the first time.
    pub(super) fn load(self) -> Counter {
        Counter(tiktoken::get_encoding(self.name()))
    }
}

/// A tokenizer in memory.
#[derive(Clone, Copy)]
pub(super) struct Counter(Option<&'static CoreBpe>);

impl Counter {
    /// Tokens of a text. What stands for control tokens elsewhere is ordinary text here.
    pub(super) fn count(self, text: &str) -> u32 {
        // Bytes are the most that a text can have, should a vocabulary ever be missing.
        let tokens = self.0.map_or(text.len(), |encoding| encoding.count(text));
        u32::try_from(tokens).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `bpe-openai` 0.3.2 and `tiktoken-rs` 0.12.1 count, which agree.
    #[test]
    fn it_counts_as_the_reference_does() {
        for (text, o200k, cl100k) in [
            ("", 0, 0),
            ("Hello world 21.5 °C", 8, 8),
            ("Hall lamp (light.hall): on, brightness 50 %\n", 13, 13),
            ("温度センサー 😀👨\u{200d}👩\u{200d}👧\n", 14, 22),
            ("{\"entity_id\":\"light.hall\",\"state\":\"on\"},\n", 12, 12),
            ("/// \u{301}İʰ <|endoftext|>\r\n  x", 15, 14),
        ] {
            let counts = Tokenizer::ALL.map(|it| it.load().count(text));
            assert_eq!(counts, [o200k, cl100k], "{text:?}");
        }
    }
}

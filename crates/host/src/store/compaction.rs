//! Giving unused parts of the file back to the disk.
//!
//! The database keeps the room of what was removed for what comes, and never
//! gives it back by itself: a cache that was large once would fill the disk and
//! every backup for ever. Opening is the one moment in which nobody waits for it.

use super::Usage;

/// Smaller files are left alone.
const LEAST_FILE_BYTES: u64 = 16 << 20;

/// How many times as long as its content a file may be.
const MOST_TIMES: u64 = 4;

/// What an entry takes beside its own bytes, in its four tables: generously.
const BYTES_BESIDE_AN_ENTRY: u64 = 512;

/// Whether most of a file holds nothing any more.
pub(super) fn is_worth_it(file_bytes: u64, usage: Usage) -> bool {
    let beside = usage.entries.saturating_mul(BYTES_BESIDE_AN_ENTRY);
    let content = usage.bytes.saturating_add(beside);
    file_bytes >= LEAST_FILE_BYTES && file_bytes / MOST_TIMES > content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_large_file_with_little_in_it_is() {
        let holding = |entries, bytes| Usage { entries, bytes };
        assert!(is_worth_it(64 << 20, holding(10, 1 << 20)));
        assert!(!is_worth_it(64 << 20, holding(10, 20 << 20)));
        assert!(!is_worth_it(64 << 20, holding(100_000, 1 << 20)));
        assert!(!is_worth_it(8 << 20, holding(0, 0)));
        assert!(!is_worth_it(64 << 20, holding(u64::MAX, u64::MAX)));
    }
}

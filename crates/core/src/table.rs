//! Tables by handle: handles are dense, and their tables are most of what an
//! entity costs.

use alloc::vec::Vec;

/// A table that is full grows by this share of itself. Doubling would leave up to
/// half of it unused; in steps of an eighth each row is moved nine times in all.
const STEP: usize = 8;

/// Lengthens a table to hold `len` rows, if it is shorter.
pub(crate) fn lengthen<T>(table: &mut Vec<T>, len: usize, vacant: impl FnMut() -> T) {
    let more = len.saturating_sub(table.len());
    if more == 0 {
        return;
    }
    if len > table.capacity() {
        table.reserve_exact(more.max(table.len() / STEP));
    }
    table.resize_with(len, vacant);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_left_unused_and_rows_are_seldom_moved() {
        let mut table = Vec::new();
        let mut moves = 0;
        for len in 1..=100_000 {
            let before = table.capacity();
            lengthen(&mut table, len, || 0_u64);
            assert_eq!(table.len(), len);
            assert!(table.capacity() <= len + len / STEP);
            moves += usize::from(table.capacity() != before);
        }
        assert!(moves < 120, "{moves}");
        lengthen(&mut table, 5, || 0);
        assert_eq!(table.len(), 100_000);
    }
}

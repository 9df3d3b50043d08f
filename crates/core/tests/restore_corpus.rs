//! The fuzzer's inputs, restored as snapshots: none panics, what is refused
//! leaves nothing behind, and what is taken gives a snapshot that is taken.

use std::fs;
use std::path::Path;

use weirhouse_core::{Instant, Optimizer};

const CLOCK: Instant = Instant {
    mono_us: 1_000_000,
    wall_us: 1_750_000_000_000_000,
};

#[test]
fn damaged_and_made_up_snapshots_do_no_harm() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus/restore");
    let (mut taken, mut refused) = (0, 0);
    for input in fs::read_dir(corpus).unwrap() {
        let mut bytes = fs::read(input.unwrap().path()).unwrap();
        if restore(&bytes) {
            taken += 1;
        } else {
            refused += 1;
        }
        // As the fuzz target does: with a head that lets it in.
        if let Some(head) = bytes.first_chunk_mut() {
            *head = [b'W', b'H', b'S', 1 + head[3] % 2];
            restore(&bytes);
        }
    }
    assert!(taken > 0 && refused > 0, "{taken} taken, {refused} refused");
}

fn restore(bytes: &[u8]) -> bool {
    let mut optimizer = Optimizer::new();
    let empty = optimizer.snapshot(CLOCK);
    let outcome = optimizer.restore(CLOCK, bytes);
    let after = optimizer.snapshot(CLOCK);
    if outcome.is_err() {
        assert_eq!(after, empty, "refused, yet it left something");
        return false;
    }
    let again = Optimizer::new().restore(CLOCK, &after);
    assert!(again.is_ok(), "its own snapshot is refused: {again:?}");
    true
}

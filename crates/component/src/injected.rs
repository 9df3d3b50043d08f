//! Faults on demand, for tests of the runner and the host.
//!
//! Compiled only with the feature `fault-injection`; a component built with it
//! is never shipped. A reading whose text names a fault commits it, so that a
//! real instance really traps, hangs or runs out of memory.

use std::hint::black_box;

/// Commits the fault a text names, if it names one.
pub(crate) fn commit(text: &str) {
    if text.contains("fault:panic") {
        #[allow(clippy::panic)]
        {
            panic!("injected");
        }
    } else if text.contains("fault:loop") {
        loop {
            black_box(());
        }
    } else if text.contains("fault:memory") {
        let mut hoard = Vec::new();
        loop {
            hoard.push(black_box(vec![1_u8; 1 << 20]));
        }
    } else if text.contains("fault:recursion") {
        black_box(recurse(black_box(1)));
    }
}

#[allow(unconditional_recursion)]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth + 1))) + depth
}

//! Bytes restored as a snapshot: as they are, and with a head that lets them in.

#![no_main]

use libfuzzer_sys::fuzz_target;
use weirhouse_core::{Instant, Optimizer};

const CLOCK: Instant = Instant {
    mono_us: 1_000_000,
    wall_us: 1_750_000_000_000_000,
};

fuzz_target!(|bytes: &[u8]| {
    restore(bytes);
    // The last bit of the fourth byte chooses the format version.
    if let [_, _, _, version, body @ ..] = bytes {
        let mut let_in = b"WHS\x01".to_vec();
        let_in[3] += version % 2;
        let_in.extend(body);
        restore(&let_in);
    }
});

/// What is refused leaves nothing behind; what is taken works on.
fn restore(bytes: &[u8]) {
    let mut optimizer = Optimizer::new();
    let empty = optimizer.snapshot(CLOCK);
    if optimizer.restore(CLOCK, bytes).is_err() {
        assert_eq!(
            optimizer.snapshot(CLOCK),
            empty,
            "refused, yet it left something"
        );
        return;
    }
    let once = optimizer.snapshot(CLOCK);
    let mut again = Optimizer::new();
    let outcome = again.restore(CLOCK, &once);
    assert!(outcome.is_ok(), "its own snapshot is refused: {outcome:?}");
    assert_eq!(
        again.snapshot(CLOCK),
        once,
        "a snapshot restored gives another"
    );
    use_it(&mut optimizer);
}

/// Readings and time for everything that was restored.
fn use_it(optimizer: &mut Optimizer) {
    let series = optimizer.all_handles();
    let mut clock = CLOCK;
    for value in [0.0, 1e300, -1.0, f64::NAN, 1.0] {
        clock.mono_us += 3_600_000_000;
        optimizer.tick(clock);
        let values = vec![value; series.len()];
        let reported = optimizer.observe_numbers(clock, &series, &values, &[]);
        assert!(reported.is_ok(), "{reported:?}");
    }
    for &handle in &series {
        // Attributes are refused, which is as good here.
        let _ = optimizer.register(clock, handle, 60_000_000);
    }
    optimizer.flush(clock);
    while !optimizer.poll_batch().is_empty() {}
    optimizer.take_hot();
    optimizer.cache.poll_removals(u32::MAX);
    let totals = optimizer.update_totals();
    assert_eq!(totals.observed, totals.published + totals.suppressed);
    optimizer.snapshot(clock);
}

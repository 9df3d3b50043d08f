//! A sequence of operations of all kinds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use weirhouse_fuzz::machine::Machine;
use weirhouse_fuzz::operation::Step;

/// Longer sequences find nothing shorter ones do not, and take time.
const MOST_STEPS: usize = 200;

fuzz_target!(|steps: Vec<Step>| {
    Machine::follow(&steps[..steps.len().min(MOST_STEPS)]);
});

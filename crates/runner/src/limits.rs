//! Every bound on an instance of the optimizer, each with its reason.

use std::time::Duration;

/// How often the clock of deadlines advances. Fine enough to stop a runaway
/// call soon, coarse enough to cost nothing.
pub const EPOCH_TICK: Duration = Duration::from_millis(10);

/// Longest call into the optimizer. The longest honest one is the restore of a
/// snapshot of a million series, well under a second on a slow board; a call
/// that takes this long hangs.
pub const CALL_DEADLINE: Duration = Duration::from_secs(5);

/// Most linear memory of one instance. A home of 5,000 entities with a full
/// first-level cache stays below 64 MiB; a leak is stopped before it takes the
/// memory of the machine.
pub const MEMORY_BYTES: usize = 256 << 20;

/// Core instances, memories and tables: what one Rust component needs, with
/// room for a toolchain that splits it differently.
pub const INSTANCES: usize = 8;

/// Most elements of one table: function pointers of a small program.
pub const TABLE_ELEMENTS: usize = 10_000;

//! Every bound on an instance, of the optimizer or of a plugin, each with its reason.

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

/// What an instance may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Most bytes of one linear memory.
    pub memory_bytes: usize,
    /// Most linear memories.
    pub memories: usize,
    /// Most elements of one table.
    pub table_elements: usize,
    /// Most tables.
    pub tables: usize,
    /// Most core instances.
    pub instances: usize,
}

/// Of the optimizer.
pub const OPTIMIZER: Bounds = Bounds {
    memory_bytes: MEMORY_BYTES,
    memories: INSTANCES,
    table_elements: TABLE_ELEMENTS,
    tables: INSTANCES,
    instances: INSTANCES,
};

pub mod plugin {
    //! Of plugins, which anyone may have written.

    use std::time::Duration;

    use super::Bounds;

    /// What one instance may hold. An interpreter of Python starts with 12 MiB,
    /// is made of up to 40 core instances and has a table of 5,700 functions; one
    /// of JavaScript has three memories. Rust needs a tenth of it all.
    pub const BOUNDS: Bounds = Bounds {
        memory_bytes: 32 << 20,
        memories: 4,
        table_elements: 10_000,
        tables: 16,
        instances: 64,
    };

    /// Longest call of `judge`, `interval`, `ttl` and `transform`, in time of the
    /// processor: a batch of 256 takes Python half a millisecond, and a slow
    /// board ten times as long.
    pub const CALL_DEADLINE: Duration = Duration::from_millis(50);

    /// Longest call of `describe`, `snapshot` and `restore`, in which an
    /// interpreter may have to start.
    pub const LONG_CALL_DEADLINE: Duration = Duration::from_millis(500);

    /// A call is stopped after so many times its deadline by the clock on the
    /// wall, whatever it had of the processor: a machine that is busy with other
    /// things is no fault of the plugin's.
    pub const MOST_STRETCH: u32 = 20;

    /// Most bytes that one call may pass to the host, answers included. A batch
    /// of 256 decisions with their reasons is below 32 KiB.
    pub const HOST_CALL_BYTES: usize = 1 << 20;

    /// Most globs and device classes of all claims of a plugin, and most claims:
    /// each is tried on every entity, while nothing else is judged.
    pub const PATTERNS: usize = 256;

    /// Bytes of stack of the WebAssembly code; its thread has four times as much,
    /// because overflowing that would end the program.
    pub const STACK_BYTES: usize = 512 << 10;

    /// Faults after which a plugin is quarantined, if they fall within
    /// [`STRIKES_WITHIN`].
    pub const STRIKES: usize = 3;

    /// See [`STRIKES`].
    pub const STRIKES_WITHIN: Duration = Duration::from_mins(10);

    /// Pause after a first fault; each further one doubles it.
    pub const FIRST_REST: Duration = Duration::from_secs(1);
}

//! Flow control: gates that hold calls back, and queues that hold items until
//! somebody has time for them.
//!
//! A gate answers when a call may run, not what it does: calls are numbers that
//! the host chose, and it keeps what they stand for. A run is a moment: once
//! [`Gates::poll`] handed it out, nothing here takes it back, however long the
//! host is busy with it.

mod call_batch;
mod debounce;
mod gates;
mod keyed;
mod queue;
mod queues;
mod throttle;

pub use call_batch::CallBatchSettings;
pub use debounce::DebounceSettings;
pub use gates::{GateSettings, Gates, Run};
pub use queue::{Gone, QueueSettings, QueueTotals};
pub use queues::Queues;
pub use throttle::ThrottleSettings;

/// A call or an item, by the number its host gave it.
pub type Item = u64;

/// What keeps calls or items apart, by the number its host gave it.
pub type Key = u64;

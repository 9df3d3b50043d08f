//! Holds one instance to its limits, and knows how much memory it has.

use wasmtime::{Error, ResourceLimiter, Result};

use crate::limits;

/// What an instance asked for, and got.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    memory_bytes: usize,
    /// Before the last growth, which may yet fail.
    before: usize,
}

impl Limiter {
    /// Bytes of linear memory; it never shrinks.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool> {
        self.before = self.memory_bytes;
        let granted = desired <= limits::MEMORY_BYTES;
        if granted {
            self.memory_bytes += desired.saturating_sub(current);
        }
        Ok(granted)
    }

    /// The system has no memory, or the memory declares to be smaller.
    fn memory_grow_failed(&mut self, _error: Error) -> Result<()> {
        self.memory_bytes = self.before;
        Ok(())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool> {
        Ok(desired <= limits::TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        limits::INSTANCES
    }

    fn tables(&self) -> usize {
        limits::INSTANCES
    }

    fn memories(&self) -> usize {
        limits::INSTANCES
    }
}

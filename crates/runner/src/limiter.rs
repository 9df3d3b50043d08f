//! Holds one instance to its limits, and knows how much memory it has.

use wasmtime::{Error, ResourceLimiter, Result};

use crate::limits::Bounds;

/// What an instance asked for, and got.
#[derive(Debug)]
pub(crate) struct Limiter {
    bounds: Bounds,
    memory_bytes: usize,
    /// Before the last growth, which may yet fail.
    before: usize,
}

impl Limiter {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            memory_bytes: 0,
            before: 0,
        }
    }

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
        let granted = desired <= self.bounds.memory_bytes;
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
        Ok(desired <= self.bounds.table_elements)
    }

    fn instances(&self) -> usize {
        self.bounds.instances
    }

    fn tables(&self) -> usize {
        self.bounds.tables
    }

    fn memories(&self) -> usize {
        self.bounds.memories
    }
}

//! Calls into the database that must not take the host down.
//!
//! redb panics on some kinds of damaged pages where it cannot return an error.
//! Such a panic is an account of the file, so it is turned into one.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `call`; a panic in it counts as a damaged file.
///
/// Unwind safety: after an error the caller closes the database handle, and
/// nothing else outlives `call` half-changed.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, redb::Error> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        Err(redb::Error::Corrupted(format!(
            "the database gave up: {message}"
        )))
    })
}

//! Whether the operating system lets the service have the memory that it needs.

use rustix::process::{Resource, getrlimit};

use super::exit::{Exit, Failure};

/// The least limit on private memory: 20 MiB are stacks of threads and a home of a few hundred entities, and the rest
/// is for the tables of the tokenizers, which the first contexts for language models build. Both together were seen to
/// take 52 MiB.
const LEAST: u64 = 56 << 20;

/// Refuses to start where the service would be aborted later, at whatever happens to need memory then.
///
/// Only the limit on private memory (`RLIMIT_DATA`) is looked at. One on address space leaves no room for the 4 GiB that
/// the optimizer's memory reserves without having them, which the optimizer says itself.
pub(super) fn check() -> Result<(), Failure> {
    check_limit(getrlimit(Resource::Data).current)
}

fn check_limit(limit: Option<u64>) -> Result<(), Failure> {
    match limit {
        Some(limit) if limit < LEAST => Err(Failure::new(
            Exit::Unexpected,
            format!(
                "this process may have {} MiB of memory and needs {} MiB: raise its limit (`ulimit -d`)",
                limit >> 20,
                LEAST >> 20
            ),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_limit_that_is_too_small_is_refused() {
        assert!(check_limit(None).is_ok());
        assert!(check_limit(Some(LEAST)).is_ok());
        let said = check_limit(Some(8 << 20)).unwrap_err().to_string();
        assert!(said.contains("8 MiB") && said.contains("56 MiB"), "{said}");
    }
}

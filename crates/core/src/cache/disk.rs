//! How much the store may hold, and what it must be trimmed to.
//!
//! What it holds, and finding its oldest records, is the store's own matter.

/// What a store holds, or may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Number of records.
    pub entries: u64,
    /// Their size in bytes, as the store counts it.
    pub bytes: u64,
}

/// The built-in bounds: a disk of any size has room for them, and a scan of
/// them takes well under a second.
pub(super) const DEFAULT_BOUNDS: Usage = Usage {
    entries: 50_000,
    bytes: 64 << 20,
};

/// What to trim to, if `held` exceeds a bound: nine tenths of both bounds, so
/// that the next write does not trim again.
pub(super) fn trim(bounds: Usage, held: Usage) -> Option<Usage> {
    let within = held.entries <= bounds.entries && held.bytes <= bounds.bytes;
    (!within).then_some(Usage {
        entries: bounds.entries - bounds.entries / 10,
        bytes: bounds.bytes - bounds.bytes / 10,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_exceeded_bound_trims_and_to_nine_tenths() {
        let bounds = Usage {
            entries: 100,
            bytes: 1_000,
        };
        let target = Some(Usage {
            entries: 90,
            bytes: 900,
        });
        for (entries, bytes, expected) in [
            (0, 0, None),
            (100, 1_000, None),
            (101, 0, target),
            (0, 1_001, target),
        ] {
            assert_eq!(
                trim(bounds, Usage { entries, bytes }),
                expected,
                "{entries} {bytes}"
            );
        }
    }

    #[test]
    fn a_tiny_bound_keeps_what_it_allows() {
        let target = trim(
            Usage {
                entries: 1,
                bytes: 9,
            },
            Usage {
                entries: 2,
                bytes: 0,
            },
        );
        assert_eq!(
            target,
            Some(Usage {
                entries: 1,
                bytes: 9
            })
        );
    }
}

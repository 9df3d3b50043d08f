//! Wants a snapshot of a gibibyte kept, or of as much as it can get.

use hostile::Fixture;

struct StateBomb;

impl Fixture for StateBomb {
    const NAME: &str = "state-bomb";
    const FUNCTIONS: &[&str] = &["judge", "state"];

    fn snapshot() -> Vec<u8> {
        let mut snapshot = Vec::new();
        let mut bytes = 1 << 30;
        while snapshot.try_reserve_exact(bytes).is_err() {
            bytes /= 2;
        }
        snapshot.resize(bytes, 1);
        snapshot
    }
}

hostile::export!(StateBomb with_types_in hostile);

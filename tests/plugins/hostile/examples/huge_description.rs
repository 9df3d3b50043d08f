//! Describes itself in 8 MiB.

use hostile::exported::about::Description;
use hostile::{Fixture, description};

struct HugeDescription;

impl Fixture for HugeDescription {
    const NAME: &str = "huge-description";

    fn describe() -> Description {
        Description {
            summary: "for ever ".repeat(1024 * 1024),
            ..description(Self::NAME, Self::FUNCTIONS, Self::CAPABILITIES)
        }
    }
}

hostile::export!(HugeDescription with_types_in hostile);

//! Claims by more globs than can be tried on every entity.

use hostile::exported::about::{Claim, Description};
use hostile::{Fixture, claim, description};

struct ManyClaims;

impl Fixture for ManyClaims {
    const NAME: &str = "many-claims";

    fn describe() -> Description {
        let glob = "*?*_power".to_owned();
        Description {
            claims: vec![Claim {
                entities: vec![glob; 10_000],
                ..claim("")
            }],
            ..description(Self::NAME, Self::FUNCTIONS, Self::CAPABILITIES)
        }
    }
}

hostile::export!(ManyClaims with_types_in hostile);

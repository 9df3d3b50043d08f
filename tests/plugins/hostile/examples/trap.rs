//! Traps in every export but `about`.

use hostile::exported::about::{Claim, Description};
use hostile::exported::interval::Pace;
use hostile::exported::judge::{Decision, Observation};
use hostile::exported::judge_numbers::{Decisions, Numbers};
use hostile::exported::transform::Derived;
use hostile::exported::ttl::{Entry, Lifetime};
use hostile::{Fixture, description};

struct Trap;

impl Fixture for Trap {
    const NAME: &str = "trap";
    const FUNCTIONS: &[&str] = &[
        "judge",
        "judge-numbers",
        "interval",
        "ttl",
        "transform",
        "state",
    ];

    fn describe() -> Description {
        let mut description = description(Self::NAME, Self::FUNCTIONS, Self::CAPABILITIES);
        description.claims.push(Claim {
            entities: Vec::new(),
            device_classes: Vec::new(),
            entries: vec!["hostile-trap/*".to_owned()],
        });
        description
    }

    fn judge(_batch: Vec<Observation>) -> Result<Vec<Decision>, String> {
        panic!("at judge")
    }

    fn judge_numbers(_batch: Numbers) -> Result<Decisions, String> {
        panic!("at judge-numbers")
    }

    fn intervals(_batch: Vec<Pace>) -> Result<Vec<Option<u32>>, String> {
        panic!("at intervals")
    }

    fn lifetimes(_batch: Vec<Entry>) -> Result<Vec<Option<Lifetime>>, String> {
        panic!("at lifetimes")
    }

    fn transform(_batch: Vec<Observation>) -> Result<Vec<Vec<Derived>>, String> {
        panic!("at transform")
    }

    fn snapshot() -> Vec<u8> {
        panic!("at snapshot")
    }

    fn restore(_snapshot: Vec<u8>) -> Result<(), String> {
        panic!("at restore")
    }
}

hostile::export!(Trap with_types_in hostile);

//! How long a simulated day takes, whatever its groups.

use std::time::{Duration, Instant};

use weirhouse_core::Error;
use weirhouse_core::schedule::{Bounds, Budget, Pace, Source, simulate};

/// The time that 2,000 sources in so many groups take, with 100,000 calls a day
/// together.
fn time(groups: u32) -> Result<Duration, Error> {
    let budget = Budget {
        per_minute: None,
        per_day: Some(100_000 / groups),
        reserve: 0.0,
        reset_minute: 0,
        night: None,
    };
    let name = |group: u32| format!("group {group}");
    let open: Vec<_> = (0..groups).map(|group| (name(group), budget)).collect();
    let bounds = Bounds::check(15_000_000, 86_400_000_000)?;
    let source = |number: u32| Source {
        pace: Pace::Planned {
            group: name(number % groups),
            bounds,
            weight: 1.0,
        },
        changes_per_day: vec![f64::from(10 + number % 977)],
    };
    let sources: Vec<_> = (0..2_000).map(source).collect();
    let start = Instant::now();
    let day = simulate(1_767_225_600_000_000, &open, &sources)?;
    let took = start.elapsed();
    let calls: u32 = day.sources.iter().map(|source| source.calls).sum();
    assert!((90_000..=100_000).contains(&calls), "{calls}");
    Ok(took)
}

#[test]
fn a_thousand_groups_take_no_longer_than_one_with_all_their_sources() -> Result<(), Error> {
    let (one, thousand) = (time(1)?, time(1_000)?);
    assert!(thousand < one, "{thousand:?} against {one:?}");
    if !cfg!(debug_assertions) {
        assert!(thousand < Duration::from_secs(1), "{thousand:?}");
    }
    Ok(())
}

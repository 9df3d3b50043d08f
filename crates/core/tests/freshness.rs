//! What the planner was measured to reach, so that it is not lost: the bench
//! `freshness`, smaller.

#![allow(missing_docs, clippy::expect_used, clippy::indexing_slicing)]

#[path = "../benches/freshness/policy.rs"]
mod policy;
#[path = "../benches/freshness/process.rs"]
mod process;

const SOURCES: usize = 40;
const DAYS: u32 = 4;
const CALLS_A_DAY: f64 = 3_840.0;

#[test]
fn the_planner_leaves_less_stale_than_others_with_as_many_calls() {
    // Of the better of the two others, and of the planner that is told the rates.
    let homes = process::homes(SOURCES, DAYS);
    for (name, of_others, of_told) in [
        ("Poisson, 30 s to 2 days", 0.75, 1.15),
        ("bursty", 0.80, 0.85),
        ("day and night, 2 min to 4 h", 0.85, 1.15),
        ("day and night, 30 s to 2 days", 0.70, 1.15),
    ] {
        let home = homes.iter().find(|home| home.name == name);
        let home = home.expect("a home of this name");
        let uniform = policy::uniform(home, DAYS, CALLS_A_DAY);
        let table = policy::interval_table(home, DAYS, CALLS_A_DAY);
        let learned = policy::planner(home, DAYS, CALLS_A_DAY, false);
        let told = policy::planner(home, DAYS, CALLS_A_DAY, true);
        let calls = uniform.calls.min(table.calls) * 1.01;
        assert!(learned.calls <= calls && told.calls <= calls, "{name}");
        let others = learned.age / uniform.age.min(table.age);
        assert!(others <= of_others, "{name}: {others} of the others");
        let told = learned.age / told.age;
        assert!(told <= of_told, "{name}: {told} of the told");
        assert!(learned.fresh >= uniform.fresh - 0.01, "{name}");
    }
}

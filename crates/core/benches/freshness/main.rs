//! Mean staleness of the planner against other ways to spend as many calls.
//!
//! No time is measured: the figures are the same on every machine.

#![allow(missing_docs, clippy::expect_used, clippy::indexing_slicing)]

mod policy;
mod process;

use policy::Outcome;

const SOURCES: usize = 100;
const DAYS: u32 = 14;
const CALLS_A_DAY: f64 = 9_600.0;

fn main() {
    println!("{SOURCES} sources, {CALLS_A_DAY} calls a day, {DAYS} days from nothing known.\n");
    println!(
        "| process | uniform | table | planner | told the rates | against the better | against the told | fresh: uniform | table | planner |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for home in process::homes(SOURCES, DAYS) {
        let uniform = policy::uniform(&home, DAYS, CALLS_A_DAY);
        let table = policy::interval_table(&home, DAYS, CALLS_A_DAY);
        let learned = policy::planner(&home, DAYS, CALLS_A_DAY, false);
        let told = policy::planner(&home, DAYS, CALLS_A_DAY, true);
        let most = uniform.calls.max(table.calls) * 1.01;
        assert!(learned.calls <= most && told.calls <= most, "more calls");
        let better = uniform.age.min(table.age);
        let percent = |to: f64| format!("{:+.1} %", (learned.age / to - 1.0) * 100.0);
        let age = |outcome: Outcome| format!("{:.1} s", outcome.age);
        let fresh = |outcome: Outcome| format!("{:.1} %", outcome.fresh * 100.0);
        println!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            home.name,
            age(uniform),
            age(table),
            age(learned),
            age(told),
            percent(better),
            percent(told.age),
            fresh(uniform),
            fresh(table),
            fresh(learned),
        );
    }
}

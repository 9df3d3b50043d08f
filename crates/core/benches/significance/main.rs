//! Writes of significance rules at the same guarantee: deadband, centred, and
//! the fewest there can be. It counts, and measures no time, so every run on
//! every machine prints the same.
//!
//! `cargo xtask bench significance`; a number after it makes other synthetic
//! traces.

mod recorded;
mod synthetic;
mod writes;

use std::error::Error;

use synthetic::Trace;
use writes::{Writes, mean};

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo passes `--bench`.
    let seed = std::env::args().find_map(|argument| argument.parse().ok());
    print(
        "Synthetic traces",
        &count(&synthetic::all(seed.unwrap_or(synthetic::SEED)))?,
    );
    print("Recorded traces", &count(&recorded::all()?)?);
    Ok(())
}

fn count(traces: &[Trace]) -> Result<Vec<Writes>, weirhouse_core::Error> {
    let cases = traces.iter().flat_map(|trace| {
        let thresholds = trace.thresholds.iter();
        thresholds.map(move |&threshold| (trace, threshold))
    });
    cases
        .map(|(trace, threshold)| Writes::count(&trace.name, threshold, &trace.sensors))
        .collect()
}

fn print(title: &str, rows: &[Writes]) {
    println!("\n## {title}\n");
    println!(
        "| trace | threshold | readings | deadband | lazy | centred | optimum | centred / deadband | centred / optimum |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for row in rows {
        println!(
            "| {} | {} | {} | {} | {} | {} | {} | {:.2} | {:.2} |",
            row.name,
            row.threshold,
            row.readings,
            row.deadband,
            row.lazy,
            row.centred,
            row.optimum,
            row.against_deadband(),
            row.against_optimum(),
        );
    }
    let to_optimum = |count: fn(&Writes) -> usize| {
        mean(
            rows.iter()
                .map(|row| count(row) as f64 / row.optimum as f64),
        )
    };
    println!(
        "\nGeometric means against the optimum: deadband {:.2}, lazy {:.2}, centred {:.2}.",
        to_optimum(|row| row.deadband),
        to_optimum(|row| row.lazy),
        to_optimum(|row| row.centred),
    );
    println!(
        "Centred against deadband: geometric mean {:.3}, largest {:.3}.",
        mean(rows.iter().map(Writes::against_deadband)),
        rows.iter()
            .map(Writes::against_deadband)
            .fold(0.0, f64::max),
    );
}

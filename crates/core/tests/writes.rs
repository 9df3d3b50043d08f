//! At the same guarantee, a centred rule writes less than a deadband.

#[path = "../benches/significance/synthetic.rs"]
mod synthetic;
#[path = "../benches/significance/writes.rs"]
mod writes;

use weirhouse_core::Error;
use writes::{Writes, mean};

/// A count, not a time: the same on every machine.
#[test]
fn centred_rules_write_less_than_deadbands_and_never_much_more() -> Result<(), Error> {
    let mut rows = Vec::new();
    for trace in synthetic::all(synthetic::SEED) {
        for &threshold in &trace.thresholds {
            rows.push(Writes::count(&trace.name, threshold, &trace.sensors)?);
        }
    }
    for row in &rows {
        assert!(
            row.against_deadband() <= 1.05,
            "{} at {}: {} centred, {} by deadband",
            row.name,
            row.threshold,
            row.centred,
            row.deadband
        );
        assert!(row.optimum <= row.centred.min(row.deadband).min(row.lazy));
        assert!(row.readings >= row.centred.max(row.deadband));
    }
    let against_deadband = mean(rows.iter().map(Writes::against_deadband));
    assert!(against_deadband <= 0.7, "{against_deadband}");
    let against_optimum = mean(rows.iter().map(Writes::against_optimum));
    assert!(against_optimum <= 1.55, "{against_optimum}");
    Ok(())
}

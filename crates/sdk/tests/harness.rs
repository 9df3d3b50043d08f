//! What the harness takes from a plugin, and what it counts, as the host does.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use weirhouse_plugin::testing::Harness;
use weirhouse_plugin::{Claim, Decision, Description, Function, Observation, Plugin};

/// Decides as its setting says, and remembers what it was asked about.
#[derive(Default)]
struct Told {
    asked: Vec<(Option<f64>, Option<f64>, u32)>,
}

impl Plugin for Told {
    fn describe() -> Description {
        Description::new("told", "0.1.0", "Decides as it is told")
            .claim(Claim::entities("sensor.*"))
            .text("decision", "What it decides", "abstain")
            .decides(Function::Judge)
    }

    fn judge(&mut self, _now: u64, batch: &[Observation]) -> Result<Vec<Decision>, String> {
        let decision = weirhouse_plugin::settings::get("decision").unwrap_or_default();
        let decide = |seen: &Observation| {
            self.asked
                .push((seen.number(), seen.published_number(), seen.readings));
            match decision.split_once(' ') {
                Some(("replace", by)) => {
                    let number = seen.number().unwrap_or_default();
                    Decision::replace(number + by.parse::<f64>().unwrap_or(f64::NAN), "")
                }
                Some(("defer", ms)) => Decision::defer(ms.parse().unwrap_or_default(), ""),
                _ => Decision::abstain(),
            }
        };
        Ok(batch.iter().map(decide).collect())
    }
}

weirhouse_plugin::export!(Told);

/// What the test of a plugin fails with that makes this of a second reading.
fn failure(decision: &str, tolerance: Option<f64>, second: &str) -> Option<String> {
    let mut home = Harness::<Told>::new().setting("decision", decision);
    if let Some(tolerance) = tolerance {
        home = home.tolerance(tolerance);
    }
    home.read(0, "sensor.a", "20");
    let read = catch_unwind(AssertUnwindSafe(|| home.read(1000, "sensor.a", second)));
    let panic = read.err()?;
    panic.downcast_ref::<String>().cloned()
}

#[test]
fn a_replacement_that_the_host_would_not_take_fails_the_test() {
    assert_eq!(failure("replace 0.5", Some(1.0), "30"), None);
    for (decision, tolerance, second, expected) in [
        ("replace 2", Some(1.0), "30", "farther away than 1"),
        ("replace inf", Some(1.0), "30", "replaced 30 by inf"),
        ("replace much", Some(1.0), "30", "replaced 30 by NaN"),
        ("replace 0.5", None, "30", "no tolerance is set"),
        ("replace 0.5", Some(1.0), "open", "what is no number"),
    ] {
        let message = failure(decision, tolerance, second).unwrap_or_default();
        assert!(message.contains(expected), "{decision} {second}: {message}");
    }
}

#[test]
fn a_first_reading_is_not_asked_about_and_what_was_put_off_is_known() {
    let mut home = Harness::<Told>::new().setting("decision", "defer 10000");
    home.read(0, "sensor.a", "1");
    home.read(1000, "sensor.a", "2");
    home.read(20_000, "sensor.a", "3");
    assert_eq!(
        home.plugin.asked,
        [(Some(2.0), Some(1.0), 1), (Some(3.0), Some(2.0), 1)]
    );
}

#[test]
fn what_is_published_at_a_moment_of_its_own_counts_in_a_trace() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace.jsonl");
    let lines = [
        r#"{"weirhouse_trace":1,"source":"by hand","started":"2026-01-01T00:00:00+00:00"}"#,
        r#"{"t":0,"e":"sensor.a","s":"1"}"#,
        r#"{"t":1000,"e":"sensor.a","s":"2"}"#,
        // 2 is shown by now.
        r#"{"t":20000,"e":"sensor.a","s":"2.5"}"#,
        r#"{"t":40000,"e":"sensor.a","s":"unavailable"}"#,
    ];
    fs::write(&trace, lines.join("\n")).unwrap();
    let mut home = Harness::<Told>::new().setting("decision", "defer 10000");
    let rows = home.trace(&trace).unwrap();
    let row = &rows["sensor.a"];
    assert_eq!((row.readings, row.published), (4, 4));
    assert!((row.largest_error - 1.0).abs() < 1e-9, "{row:?}");
}

//! What the optimizer says of settings that can be read.

use super::*;
use crate::hub::tests::optimizer;

/// Where what is refused stands, and in which words.
fn refused(content: &str) -> Vec<String> {
    let config = read(content).unwrap();
    let faults = config.verify(&mut optimizer()).unwrap_err().0;
    let told = faults.into_iter().map(|fault| {
        let line = fault.line.unwrap_or_default();
        format!("{line}: {}", fault.message)
    });
    told.collect()
}

#[test]
fn all_that_there_is_passes() {
    read(COMPLETE).unwrap().verify(&mut optimizer()).unwrap();
}

#[test]
fn a_namespace_is_judged_by_itself() {
    let told = refused("[[namespace]]\nname = \"a\"\n[[namespace]]\nname = \"b\"\nlease = \"11y\"");
    let [told] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert!(told.starts_with("3: `namespace[2]`: "), "{told}");
    assert!(told.contains("lease"), "{told}");
}

#[test]
fn a_refused_budget_does_not_make_its_refreshes_wrong() {
    let told = refused(
        "[[budget]]\nname = \"a\"\nper_day = 5\nreserve = 2\n[[refresh]]\nentity = \"sensor.a\"\nbudget = \"a\"",
    );
    let [told] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert!(told.starts_with("1: `budget[1]`: "), "{told}");
}

//! A refused call leaves the clock where it was, however wild its instant.

use super::*;
use crate::delivery::Failure;
use crate::metrics::Samples;
use crate::resilience::Outcome;
use crate::schedule::{Bounds, Class, Volatility};
use crate::shaping::Changes;

type Call = fn(&mut Optimizer, Instant) -> Result<(), Error>;

/// Each is refused by an optimizer that knows nothing but one entity, 0.
const REFUSED: [(&str, Call); 22] = [
    ("observe-numbers", |it, now| {
        it.observe_numbers(now, &[9], &[1.0], &[]).map(drop)
    }),
    ("observe-texts", |it, now| {
        it.observe_texts(now, &[0], "on", &[1], &[]).map(drop)
    }),
    ("observe-with", |it, now| {
        let thresholds = Override {
            absolute: Some(-1.0),
            percentage: None,
        };
        it.observe_with(now, 0, "1", None, thresholds).map(drop)
    }),
    ("mark-dirty", |it, now| it.mark_dirty(now, &[9])),
    ("delivery-succeeded", |it, now| {
        it.delivery_succeeded(now, 0, 1, 5)
    }),
    ("delivery-failed", |it, now| {
        it.delivery_failed(now, 0, 1, Failure::Temporary).map(drop)
    }),
    ("register", |it, now| it.register(now, 0, 0)),
    ("register-class", |it, now| {
        it.register_class(now, 9, Class::Gps, Volatility::High)
            .map(drop)
    }),
    ("register-measured", |it, now| {
        let bounds = Bounds::check(1_000, 2_000)?;
        it.schedule.set_shortest(5_000)?;
        it.register_measured(now, 0, bounds).map(drop)
    }),
    ("register-planned", |it, now| {
        let bounds = Bounds::check(1_000, 2_000)?;
        it.register_planned(now, 0, "none", bounds, 1.0)
    }),
    ("report", |it, now| {
        it.try_at(now, |it, now| it.schedule.report(now, &[0], &[]))
            .map(drop)
    }),
    ("ask", |it, now| {
        it.try_at(now, |it, now| it.schedule.ask(now, 0, true))
            .map(drop)
    }),
    ("offer-lines", |it, now| {
        let offers = Offers {
            form: 16,
            entities: &[],
            digests: &[],
            sections: &[],
            areas: &[],
            importance: &[],
            ages_us: &[],
        };
        it.offer_lines(now, &offers).map(drop)
    }),
    ("offer-rows", |it, now| {
        let changes = Changes {
            rows: &[1_000_000],
            numbers: &[1.0],
            states: &[1],
            attributes: &[1],
        };
        it.offer_rows(now, &changes).map(drop)
    }),
    ("remove-rows", |it, now| {
        it.remove_rows(now, &[1_000_000]).map(drop)
    }),
    ("unfollow-rows", |it, now| it.unfollow_rows(now, 0, &[1])),
    ("mark-rows", |it, now| it.mark_rows(now, 0, &[1])),
    ("take-rows", |it, now| it.take_rows(now, 0, 1).map(drop)),
    ("call", |it, now| {
        it.try_at(now, |it, now| it.gates.call(now, 0, &[], &[1]))
            .map(drop)
    }),
    ("admit", |it, now| {
        it.try_at(now, |it, now| it.breakers.admit(now, 0))
            .map(drop)
    }),
    ("report of a breaker", |it, now| {
        it.try_at(now, |it, now| {
            it.breakers.report(now, 0, 1, Outcome::Success)
        })
        .map(drop)
    }),
    ("record-samples", |it, now| {
        let samples = Samples {
            metrics: &[0],
            micros: &[1.0],
            ..Samples::default()
        };
        it.try_at(now, |it, now| it.metrics.record_samples(now, samples))
            .map(drop)
    }),
];

#[test]
fn a_refused_call_moves_no_clock() {
    let wild = Instant {
        mono_us: u64::MAX,
        wall_us: i64::MIN,
    };
    for (name, call) in REFUSED {
        let mut optimizer = Optimizer::new();
        optimizer.intern(&states(&["sensor.a"])).unwrap();
        assert!(call(&mut optimizer, wild).is_err(), "{name}");
        // Neither the time of day that all dates follow, nor the time itself.
        let first = optimizer.moment(at(5));
        assert_eq!(
            (first.mono_us, first.dated_us),
            (at(5).mono_us, at(5).wall_us),
            "{name}"
        );
        assert!(call(&mut optimizer, wild).is_err(), "{name}");
        assert_eq!(optimizer.moment(at(6)).mono_us, at(6).mono_us, "{name}");
    }
}

#[test]
fn an_accepted_call_moves_the_clock() {
    let mut optimizer = Optimizer::new();
    let now: Result<_, Error> = optimizer.try_at(at(7), |_, now| Ok(now));
    assert_eq!(optimizer.moment(at(3)), now.unwrap());
}

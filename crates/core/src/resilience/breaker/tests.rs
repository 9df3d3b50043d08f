//! The breaker by its rules, and against a slow and obvious model.

use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

const S: u64 = 1_000_000;

fn breaker() -> Breaker {
    Breaker::new(BreakerSettings::default(), 0).unwrap()
}

/// One call that begins and ends at once; `None` if it is rejected.
fn call(breaker: &mut Breaker, now_us: u64, outcome: Outcome) -> Option<State> {
    let permit = breaker.admit(now_us).ok()?;
    breaker.report(now_us, permit, outcome);
    Some(breaker.status(now_us).state)
}

fn opened_at(now_us: u64) -> Breaker {
    let mut breaker = breaker();
    for _ in 0..5 {
        call(&mut breaker, now_us, Outcome::Failure);
    }
    breaker
}

#[test]
fn five_failures_in_a_row_open_it() {
    let mut breaker = breaker();
    for _ in 0..4 {
        assert_eq!(call(&mut breaker, 0, Outcome::Failure), Some(State::Closed));
    }
    assert_eq!(call(&mut breaker, 0, Outcome::Success), Some(State::Closed));
    for _ in 0..4 {
        assert_eq!(call(&mut breaker, 0, Outcome::Failure), Some(State::Closed));
    }
    assert_eq!(call(&mut breaker, 0, Outcome::Failure), Some(State::Open));
    assert_eq!(call(&mut breaker, 0, Outcome::Success), None);
}

#[test]
fn what_counts_as_neither_changes_no_count() {
    let mut breaker = breaker();
    for _ in 0..4 {
        call(&mut breaker, 0, Outcome::Failure);
    }
    for neither in [Outcome::Excluded, Outcome::Cancelled] {
        for _ in 0..10 {
            assert_eq!(call(&mut breaker, 0, neither), Some(State::Closed));
        }
    }
    assert_eq!(breaker.status(0).failures, 4);
    assert_eq!(call(&mut breaker, 0, Outcome::Failure), Some(State::Open));
}

#[test]
fn rejections_do_not_keep_it_open() {
    let mut breaker = opened_at(S);
    for second in 1..61 {
        assert_eq!(
            breaker.admit(second * S),
            Err(Rejected {
                retry_in_us: Some((61 - second) * S)
            })
        );
    }
    assert_eq!(breaker.status(61 * S).state, State::HalfOpen);
    assert_eq!(breaker.status(61 * S).rejected, 60);
    assert!(breaker.admit(61 * S).is_ok());
}

#[test]
fn two_probes_close_it_and_one_as_option() {
    let mut breaker = opened_at(0);
    assert_eq!(
        call(&mut breaker, 60 * S, Outcome::Success),
        Some(State::HalfOpen)
    );
    assert_eq!(
        call(&mut breaker, 60 * S, Outcome::Success),
        Some(State::Closed)
    );

    let mut eager = opened_at(0);
    eager
        .configure(BreakerSettings {
            successes: 1,
            ..BreakerSettings::default()
        })
        .unwrap();
    assert_eq!(
        call(&mut eager, 60 * S, Outcome::Success),
        Some(State::Closed)
    );
}

#[test]
fn a_failing_probe_opens_it_for_the_whole_time_again() {
    let mut breaker = opened_at(0);
    call(&mut breaker, 60 * S, Outcome::Success);
    assert_eq!(
        call(&mut breaker, 70 * S, Outcome::Failure),
        Some(State::Open)
    );
    assert_eq!(breaker.status(70 * S).retry_in_us, Some(60 * S));
    assert_eq!(breaker.status(70 * S).opened, 2);
    assert_eq!(
        call(&mut breaker, 130 * S, Outcome::Success),
        Some(State::HalfOpen)
    );
}

#[test]
fn probes_go_one_at_a_time_and_a_cancelled_one_frees_its_place() {
    for freed_by in [Outcome::Cancelled, Outcome::Excluded] {
        let mut breaker = opened_at(0);
        let first = breaker.admit(60 * S).unwrap();
        assert_eq!(breaker.admit(60 * S), Err(Rejected { retry_in_us: None }));
        breaker.report(61 * S, first, freed_by);
        let second = breaker.admit(61 * S).unwrap();
        assert_ne!(first, second);
        breaker.report(61 * S, first, Outcome::Success);
        assert_eq!(breaker.status(61 * S).successes, 0, "an answer counts once");
        breaker.report(61 * S, second, Outcome::Success);
        assert_eq!(breaker.status(61 * S).successes, 1);
    }
}

#[test]
fn a_lost_probe_gives_its_place_back() {
    let mut breaker = opened_at(0);
    let lost = breaker.admit(60 * S).unwrap();
    assert!(breaker.admit(180 * S - 1).is_err());
    assert!(breaker.admit(180 * S).is_ok());
    breaker.report(181 * S, lost, Outcome::Failure);
    assert_eq!(breaker.status(181 * S).state, State::HalfOpen);
}

#[test]
fn calls_from_before_a_change_of_state_count_no_more() {
    let mut breaker = breaker();
    let slow = breaker.admit(0).unwrap();
    for _ in 0..5 {
        call(&mut breaker, 1, Outcome::Failure);
    }
    breaker.report(2, slow, Outcome::Success);
    assert_eq!(breaker.status(2).state, State::Open);
    let probe = breaker.admit(60 * S + 1).unwrap();
    breaker.report(60 * S + 1, slow, Outcome::Failure);
    assert_eq!(breaker.status(60 * S + 1).state, State::HalfOpen);
    breaker.reset();
    breaker.report(60 * S + 1, probe, Outcome::Failure);
    let status = breaker.status(60 * S + 1);
    assert_eq!((status.state, status.failures), (State::Closed, 0));
}

/// The rules again, spelled out over the whole history of calls.
#[derive(Default)]
struct Model {
    opened_us: Option<u64>,
    failures: u32,
    successes: u32,
    probe: Option<(Permit, u64)>,
    /// Permits whose answers may still count.
    valid: Vec<Permit>,
}

impl Model {
    fn state(&mut self, now_us: u64, open_us: u64) -> State {
        if self
            .probe
            .is_some_and(|(_, since_us)| now_us - since_us >= PROBE_LIMIT_US)
        {
            self.probe = None;
        }
        match self.opened_us {
            None => State::Closed,
            Some(opened_us) if now_us - opened_us < open_us => State::Open,
            Some(_) => State::HalfOpen,
        }
    }

    fn close(&mut self) {
        *self = Self::default();
    }

    fn open(&mut self, now_us: u64) {
        *self = Self {
            opened_us: Some(now_us),
            ..Self::default()
        };
    }
}

#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Begin,
    /// Ends one of the calls under way, wherever it began.
    End(usize, Outcome),
    Reset,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let outcome = prop_oneof![
        1 => Just(Outcome::Success),
        3 => Just(Outcome::Failure),
        1 => Just(Outcome::Excluded),
        1 => Just(Outcome::Cancelled),
    ];
    let step = prop_oneof![
        2 => (0..40 * S).prop_map(Step::Wait),
        4 => Just(Step::Begin),
        6 => (0_usize..8, outcome).prop_map(|(which, outcome)| Step::End(which, outcome)),
        1 => Just(Step::Reset),
    ];
    prop::collection::vec(step, 0..120)
}

proptest! {
    /// Random calls, some of them under way while the state changes; among them
    /// never two probes.
    #[test]
    fn random_calls_match_the_model(steps in steps(), failures in 1_u32..4, successes in 1_u32..3) {
        let settings = BreakerSettings { failures, successes, ..BreakerSettings::default() };
        let open_us = 60 * S;
        let mut breaker = Breaker::new(settings, 0).unwrap();
        let mut model = Model::default();
        let mut under_way: Vec<Permit> = Vec::new();
        let mut now_us = 0;
        for step in steps {
            let state = model.state(now_us, open_us);
            match step {
                Step::Wait(us) => now_us += us,
                Step::Begin => match (breaker.admit(now_us), state) {
                    (Ok(permit), State::Closed) => {
                        model.valid.push(permit);
                        under_way.push(permit);
                    }
                    (Ok(permit), State::HalfOpen) => {
                        prop_assert!(model.probe.is_none(), "two probes at a time");
                        model.probe = Some((permit, now_us));
                        under_way.push(permit);
                    }
                    (Err(rejected), State::HalfOpen) => {
                        prop_assert!(model.probe.is_some());
                        prop_assert_eq!(rejected.retry_in_us, None);
                    }
                    (Err(rejected), State::Open) => {
                        let left_us = model.opened_us.unwrap() + open_us - now_us;
                        prop_assert_eq!(rejected.retry_in_us, Some(left_us));
                    }
                    other => prop_assert!(false, "{other:?}"),
                },
                Step::End(which, outcome) if !under_way.is_empty() => {
                    let permit = under_way.swap_remove(which % under_way.len());
                    breaker.report(now_us, permit, outcome);
                    match (state, outcome) {
                        (State::Closed, _) if !model.valid.contains(&permit) => {}
                        (State::Closed, Outcome::Success) => model.failures = 0,
                        (State::Closed, Outcome::Failure) => {
                            model.failures += 1;
                            if model.failures == failures {
                                model.open(now_us);
                            }
                        }
                        (State::HalfOpen, _) if model.probe.map(|(probe, _)| probe) != Some(permit) => {}
                        (State::HalfOpen, Outcome::Failure) => model.open(now_us),
                        (State::HalfOpen, Outcome::Success) => {
                            model.probe = None;
                            model.successes += 1;
                            if model.successes == successes {
                                model.close();
                            }
                        }
                        (State::HalfOpen, _) => model.probe = None,
                        _ => {}
                    }
                }
                Step::End(..) => {}
                Step::Reset => {
                    breaker.reset();
                    model.close();
                }
            }
            let status = breaker.status(now_us);
            prop_assert_eq!(status.state, model.state(now_us, open_us));
            prop_assert_eq!(status.failures, model.failures);
            prop_assert_eq!(status.successes, model.successes);
        }
    }
}

//! Gates by their rules, and what they promise over random calls.

use alloc::collections::BTreeMap;
use alloc::vec;

use proptest::prelude::*;

use super::*;

fn at(mono_us: u64) -> Now {
    Now {
        mono_us,
        dated_us: 0,
    }
}

fn debounce(wait_us: i64, max_wait_us: Option<i64>, leading: bool) -> GateSettings {
    GateSettings::Debounce(DebounceSettings {
        wait_us,
        max_wait_us,
        leading,
        trailing: true,
    })
}

/// Of a burst the first call runs, and no other.
fn leading_alone(wait_us: i64) -> GateSettings {
    GateSettings::Debounce(DebounceSettings {
        wait_us,
        max_wait_us: None,
        leading: true,
        trailing: false,
    })
}

fn throttle(rate_per_s: f64) -> GateSettings {
    GateSettings::Throttle(ThrottleSettings { rate_per_s })
}

fn call_batch(size: u32, wait_us: i64) -> GateSettings {
    GateSettings::CallBatch(CallBatchSettings { size, wait_us })
}

/// One gate, with a host that wakes exactly when it is asked to.
struct Host {
    gates: Gates,
    now_us: u64,
    /// When what ran, with its key.
    ran: Vec<(u64, Key, Vec<Item>)>,
    superseded: Vec<(u64, Item)>,
}

impl Host {
    fn of(settings: GateSettings) -> Self {
        let mut gates = Gates::default();
        assert_eq!(gates.open(settings), Ok(0));
        Self {
            gates,
            now_us: 0,
            ran: vec![],
            superseded: vec![],
        }
    }

    fn pass(&mut self, until_us: u64) {
        while let Some(due_us) = self
            .gates
            .deadline_us()
            .filter(|&due_us| due_us <= until_us)
        {
            self.now_us = self.now_us.max(due_us);
            self.gates.tick(self.now_us);
            self.note();
        }
        self.now_us = self.now_us.max(until_us);
    }

    fn call(&mut self, at_us: u64, key: Key, item: Item) {
        self.pass(at_us);
        let superseded = self.gates.call(at(at_us), 0, &[key], &[item]).unwrap();
        self.superseded
            .extend(superseded.into_iter().map(|item| (at_us, item)));
        self.note();
    }

    fn note(&mut self) {
        for run in self.gates.poll() {
            self.ran.push((self.now_us, run.key, run.items));
        }
    }

    /// Calls with items from 1 on and key 0, at these moments.
    fn calls(mut self, moments_us: &[u64]) -> Vec<(u64, Vec<Item>)> {
        for (item, &at_us) in (1..).zip(moments_us) {
            self.call(at_us, 0, item);
        }
        self.pass(1_000_000_000);
        assert_eq!(self.gates.deadline_us(), None);
        self.ran
            .into_iter()
            .map(|(at_us, _, items)| (at_us, items))
            .collect()
    }
}

#[test]
fn debounce_runs_the_last_call_of_a_burst() {
    let host = Host::of(debounce(100, None, false));
    assert_eq!(
        host.calls(&[0, 50, 149, 300]),
        [(249, vec![3]), (400, vec![4])]
    );
}

#[test]
fn a_leading_run_is_repeated_only_for_further_calls() {
    let leading = debounce(100, None, true);
    assert_eq!(Host::of(leading).calls(&[0]), [(0, vec![1])]);
    assert_eq!(
        Host::of(leading).calls(&[0, 10, 20, 120]),
        [(0, vec![1]), (120, vec![3]), (120, vec![4])]
    );
    assert_eq!(
        Host::of(leading_alone(100)).calls(&[0, 50, 140, 240]),
        [(0, vec![1]), (240, vec![4])]
    );
}

#[test]
fn max_wait_bounds_a_burst_without_end() {
    let host = Host::of(debounce(100, Some(150), false));
    assert_eq!(
        host.calls(&[0, 60, 120, 180, 240, 300]),
        [(150, vec![3]), (330, vec![6])]
    );
    // The burst goes on behind the run, so that the next call leads nothing.
    let host = Host::of(debounce(100, Some(100), true));
    assert_eq!(
        host.calls(&[0, 50, 149, 160]),
        [(0, vec![1]), (150, vec![3]), (260, vec![4])]
    );
}

#[test]
fn a_run_handed_out_is_never_taken_back() {
    let mut gates = Gates::default();
    gates.open(debounce(100, None, false)).unwrap();
    gates.call(at(0), 0, &[], &[1]).unwrap();
    // The host is late, and calls again before it ticks or polls.
    assert_eq!(gates.call(at(250), 0, &[], &[2]), Ok(vec![]));
    let ran: Vec<_> = gates.poll().into_iter().map(|run| run.items).collect();
    assert_eq!(ran, [[1]]);
    assert_eq!(gates.deadline_us(), Some(350));
}

#[test]
fn throttle_spaces_calls_and_loses_none() {
    let host = Host::of(throttle(10.0));
    assert_eq!(
        host.calls(&[0, 0, 10, 500_000]),
        [
            (0, vec![1]),
            (100_000, vec![2]),
            (200_000, vec![3]),
            (500_000, vec![4])
        ]
    );
}

#[test]
fn a_late_tick_lets_one_run_and_keeps_the_distance() {
    let mut gates = Gates::default();
    gates.open(throttle(10.0)).unwrap();
    gates.call(at(0), 0, &[], &[1, 2, 3]).unwrap();
    gates.tick(950_000);
    let ran: Vec<_> = gates.poll().into_iter().map(|run| run.items).collect();
    assert_eq!(ran, [[1], [2]]);
    assert_eq!(gates.deadline_us(), Some(1_050_000));
}

#[test]
fn call_batches_leave_by_size_and_by_time() {
    let host = Host::of(call_batch(3, 100));
    assert_eq!(
        host.calls(&[0, 10, 20, 30, 129, 500]),
        [(20, vec![1, 2, 3]), (130, vec![4, 5]), (600, vec![6])]
    );
}

#[test]
fn keys_are_apart_and_ties_go_in_the_order_of_calls() {
    let mut host = Host::of(debounce(100, None, false));
    for (at_us, key, item) in [(0, 9, 1), (0, 5, 2), (50, 9, 3), (50, 5, 4)] {
        host.call(at_us, key, item);
    }
    host.pass(1_000);
    assert_eq!(host.ran, [(150, 9, vec![3]), (150, 5, vec![4])]);
    assert_eq!(host.superseded, [(50, 1), (50, 2)]);
}

#[test]
fn a_flush_runs_all_that_waits_in_the_order_of_calls() {
    let mut gates = Gates::default();
    gates.open(throttle(1.0)).unwrap();
    gates.open(call_batch(9, 1_000)).unwrap();
    gates.open(debounce(100, None, false)).unwrap();
    for gate in [0, 2, 1] {
        let first = u64::from(gate) * 10;
        let items = [first, first + 1, first + 2];
        gates.call(at(0), gate, &[7, 3, 7], &items).unwrap();
    }
    assert_eq!(
        (0..3).map(|gate| gates.waiting(gate)).collect::<Vec<_>>(),
        [Ok(1), Ok(3), Ok(2)]
    );
    gates.poll();
    gates.flush(50);
    let ran: Vec<_> = gates
        .poll()
        .into_iter()
        .map(|run| (run.gate, run.key, run.items))
        .collect();
    assert_eq!(
        ran,
        [
            (0, 7, vec![2]),
            (2, 3, vec![21]),
            (2, 7, vec![22]),
            (1, 7, vec![10, 12]),
            (1, 3, vec![11]),
        ]
    );
    assert_eq!(gates.deadline_us(), None);
}

#[test]
fn closing_gives_back_what_never_ran() {
    let mut gates = Gates::default();
    gates.open(throttle(1.0)).unwrap();
    gates.open(throttle(1.0)).unwrap();
    gates.call(at(0), 1, &[], &[9]).unwrap();
    gates.call(at(0), 0, &[], &[1, 2, 3]).unwrap();
    assert_eq!(gates.close(0), Ok(vec![1, 2, 3]));
    assert_eq!(gates.close(0), Err(Error::UnknownHandle(0)));
    let left: Vec<_> = gates.poll().into_iter().map(|run| run.items).collect();
    assert_eq!(left, [[9]]);
    assert_eq!(gates.open(call_batch(2, 5)), Ok(0));
}

#[test]
fn new_settings_are_for_the_calls_to_come() {
    let mut gates = Gates::default();
    gates.open(debounce(100, None, false)).unwrap();
    gates.call(at(0), 0, &[], &[1]).unwrap();
    gates.configure(0, debounce(10, None, false)).unwrap();
    assert_eq!(gates.deadline_us(), Some(100));
    gates.call(at(50), 0, &[], &[2]).unwrap();
    assert_eq!(gates.deadline_us(), Some(60));
    assert!(gates.configure(0, throttle(1.0)).is_err());
}

#[test]
fn what_waits_keeps_its_end_when_trailing_is_switched_off() {
    let mut host = Host::of(debounce(100, None, false));
    host.call(0, 0, 1);
    host.gates.configure(0, leading_alone(100)).unwrap();
    for (at_us, item) in [(50, 2), (90, 3), (140, 4), (240, 5)] {
        host.call(at_us, 0, item);
    }
    host.pass(1_000);
    assert_eq!(host.ran, [(100, 0, vec![1]), (240, 0, vec![5])]);
    assert_eq!(host.superseded, [(50, 2), (90, 3), (140, 4)]);
}

#[test]
fn a_new_max_wait_bounds_the_calls_to_come() {
    let mut host = Host::of(debounce(100, None, false));
    host.call(0, 0, 1);
    host.gates
        .configure(0, debounce(100, Some(150), false))
        .unwrap();
    for (at_us, item) in [(60, 2), (120, 3), (180, 4), (240, 5)] {
        host.call(at_us, 0, item);
    }
    host.pass(1_000);
    assert_eq!(host.ran, [(210, 0, vec![4]), (340, 0, vec![5])]);
}

#[test]
fn a_new_wait_tells_where_the_next_burst_begins() {
    for (before, after, ran) in [(1_000, 100, [1, 2].as_slice()), (100, 1_000, &[1])] {
        let mut host = Host::of(leading_alone(before));
        host.call(0, 0, 1);
        host.pass(50);
        host.gates.configure(0, leading_alone(after)).unwrap();
        host.call(200, 0, 2);
        let items: Vec<_> = host.ran.iter().map(|(.., items)| items[0]).collect();
        assert_eq!(items, ran, "{before} to {after}");
    }
}

#[test]
fn a_new_rate_counts_from_the_last_run() {
    for (before, after, ran_us) in [
        (0.0001, 10.0, [1_000_000, 1_100_000]),
        (10.0, 0.5, [2_000_000, 4_000_000]),
    ] {
        let mut host = Host::of(throttle(before));
        host.call(0, 0, 1);
        host.pass(50_000);
        host.gates.configure(0, throttle(after)).unwrap();
        host.call(1_000_000, 0, 2);
        host.call(1_000_000, 0, 3);
        host.pass(10_000_000);
        let expected = [
            (0, 0, vec![1]),
            (ran_us[0], 0, vec![2]),
            (ran_us[1], 0, vec![3]),
        ];
        assert_eq!(host.ran, expected, "{before} to {after}");
    }
}

#[test]
fn a_new_rate_leaves_the_call_that_waits_its_time() {
    let mut host = Host::of(throttle(1.0));
    host.call(0, 0, 1);
    host.call(0, 0, 2);
    host.call(0, 0, 3);
    host.gates.configure(0, throttle(10.0)).unwrap();
    host.pass(5_000_000);
    let ran_us: Vec<_> = host.ran.iter().map(|&(at_us, ..)| at_us).collect();
    assert_eq!(ran_us, [0, 1_000_000, 1_100_000]);
}

#[test]
fn nonsense_is_refused_and_changes_nothing() {
    let mut gates = Gates::default();
    for bad in [
        debounce(0, None, false),
        debounce(-1, None, false),
        debounce(100, Some(99), false),
        debounce(100, Some(i64::MAX), false),
        GateSettings::Debounce(DebounceSettings {
            wait_us: 1,
            max_wait_us: None,
            leading: false,
            trailing: false,
        }),
        throttle(0.0),
        throttle(-1.0),
        throttle(f64::NAN),
        throttle(f64::INFINITY),
        throttle(f64::MIN_POSITIVE),
        throttle(1e6 + 1.0),
        call_batch(0, 100),
        call_batch(100_001, 100),
        call_batch(5, 0),
    ] {
        assert!(
            matches!(gates.open(bad), Err(Error::InvalidArgument(_))),
            "{bad:?}"
        );
    }
    assert_eq!(
        gates.call(at(0), 0, &[], &[1]),
        Err(Error::UnknownHandle(0))
    );
    gates.open(throttle(1.0)).unwrap();
    assert!(gates.configure(0, throttle(0.0)).is_err());
    assert!(gates.call(at(0), 0, &[1], &[1, 2]).is_err());
    assert_eq!(gates.poll(), []);
    assert_eq!(gates.deadline_us(), None);
}

#[test]
fn more_than_a_gate_holds_is_refused_whole() {
    let mut gates = Gates::default();
    gates.open(throttle(1.0)).unwrap();
    let items: Vec<Item> = (0..100_000).collect();
    gates.call(at(0), 0, &[], &items).unwrap();
    assert_eq!(gates.waiting(0), Ok(99_999));
    assert!(matches!(
        gates.call(at(0), 0, &[], &[1, 2]),
        Err(Error::TooLarge(_))
    ));
    assert_eq!(gates.waiting(0), Ok(99_999));
    assert!(gates.call(at(0), 0, &[], &[1]).is_ok());
}

#[test]
fn a_key_is_remembered_no_longer_than_it_matters() {
    let mut gates = Gates::default();
    gates.open(throttle(1.0)).unwrap();
    let keys: Vec<Key> = (0..100_000).collect();
    gates.call(at(0), 0, &keys, &keys).unwrap();
    assert_eq!((gates.waiting(0), gates.poll().len()), (Ok(0), 100_000));
    let refused = gates.call(at(999_999), 0, &[100_000], &[1]).unwrap_err();
    assert_eq!(
        refused,
        Error::TooLarge(
            "at most 100000 keys are remembered in a gate; 100000 are, 1 more are too many".into()
        )
    );
    assert_eq!(gates.call(at(999_999), 0, &[7], &[2]), Ok(vec![]));
    // No tick in between: the call itself finds the second over.
    assert_eq!(gates.call(at(1_000_000), 0, &[100_000], &[3]), Ok(vec![]));
    let ran: Vec<_> = gates.poll().into_iter().map(|run| run.items).collect();
    assert_eq!(ran, [[2], [3]]);
}

#[test]
fn a_call_makes_room_by_what_is_due_before_it() {
    let mut gates = Gates::default();
    gates.open(call_batch(100_000, 100)).unwrap();
    let items: Vec<Item> = (0..99_999).collect();
    gates.call(at(0), 0, &[], &items).unwrap();
    assert!(matches!(
        gates.call(at(99), 0, &[1, 2], &[1, 2]),
        Err(Error::TooLarge(_))
    ));
    assert_eq!((gates.poll(), gates.waiting(0)), (vec![], Ok(99_999)));
    assert_eq!(gates.call(at(100), 0, &[1, 2], &[1, 2]), Ok(vec![]));
    assert_eq!((gates.poll().len(), gates.waiting(0)), (1, Ok(2)));
}

/// Moments with keys, in order of time.
fn random_calls() -> impl Strategy<Value = Vec<(u64, Key)>> {
    let gap = prop_oneof![3 => 0_u64..40, 1 => 40_u64..400];
    prop::collection::vec((gap, 0_u64..3), 0..60).prop_map(|gaps| {
        let mut at_us = 0;
        let step = |(gap, key)| {
            at_us += gap;
            (at_us, key)
        };
        gaps.into_iter().map(step).collect()
    })
}

fn driven(settings: GateSettings, calls: &[(u64, Key)]) -> Host {
    let mut host = Host::of(settings);
    for (item, &(at_us, key)) in (0..).zip(calls) {
        host.call(at_us, key, item);
    }
    host.pass(1_000_000_000);
    host
}

/// The calls that ran, by key and with the moment of their run.
fn by_key(host: &Host) -> BTreeMap<Key, Vec<(u64, Item)>> {
    let mut runs: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (at_us, key, items) in &host.ran {
        let of_key = runs.entry(*key).or_default();
        of_key.extend(items.iter().map(|&item| (*at_us, item)));
    }
    runs
}

/// The calls that were made, by key and with their moments.
fn made(calls: &[(u64, Key)]) -> BTreeMap<Key, Vec<(u64, Item)>> {
    let mut made: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (item, &(at_us, key)) in (0..).zip(calls) {
        made.entry(key).or_default().push((at_us, item));
    }
    made
}

proptest! {
    /// Every call runs once, in order, and as soon as it may: when it is made, or
    /// one interval after the run before, never sooner.
    #[test]
    fn throttle_loses_nothing_and_spaces(calls in random_calls(), interval_us in 1_u64..200) {
        let rate = 1e6 / interval_us as f64;
        // Its inverse may lie a hair over the interval, which is rounded up then.
        let interval_us = interval_us + u64::from(1e6 / rate > interval_us as f64);
        let host = driven(throttle(rate), &calls);
        let runs = by_key(&host);
        for (key, made) in made(&calls) {
            let mut free_us = 0;
            let expected: Vec<_> = made
                .into_iter()
                .map(|(called_us, item)| {
                    let ran_us = called_us.max(free_us);
                    free_us = ran_us + interval_us;
                    (ran_us, item)
                })
                .collect();
            prop_assert_eq!(&runs[&key], &expected);
        }
        prop_assert_eq!(host.superseded, []);
    }

    /// Every call either ran or made way for a later one that did; the last of
    /// each burst ran, no sooner than the burst was over or `max_wait` had come,
    /// and no call waited longer than either.
    #[test]
    fn debounce_never_starves_and_ends_with_the_last(
        calls in random_calls(),
        wait_us in 1_u64..100,
        more_us in prop::option::of(0_u64..100),
        leading: bool,
    ) {
        let max_wait_us = more_us.map(|more_us| wait_us + more_us);
        let settings = debounce(wait_us.cast_signed(), max_wait_us.map(u64::cast_signed), leading);
        let host = driven(settings, &calls);
        prop_assert_eq!(host.ran.len() + host.superseded.len(), calls.len());
        let runs = by_key(&host);
        for (key, made) in made(&calls) {
            let mut ran = runs[&key].iter().copied().peekable();
            let mut first_waiting_us = None;
            for (index, &(called_us, item)) in made.iter().enumerate() {
                let leads = leading
                    && index.checked_sub(1).is_none_or(|before| called_us - made[before].0 >= wait_us);
                if leads {
                    prop_assert_eq!(ran.next(), Some((called_us, item)));
                    continue;
                }
                let since_us = *first_waiting_us.get_or_insert(called_us);
                let over_us = called_us + wait_us;
                let due_us = max_wait_us.map_or(over_us, |most_us| over_us.min(since_us + most_us));
                let next_us = made.get(index + 1).map_or(u64::MAX, |&(next_us, _)| next_us);
                // A call at the very moment of the run finds it done.
                if due_us <= next_us {
                    prop_assert_eq!(ran.next(), Some((due_us, item)));
                    first_waiting_us = None;
                } else {
                    prop_assert!(host.superseded.contains(&(next_us, item)));
                }
            }
            prop_assert_eq!(ran.next(), None);
        }
    }

    /// Every call runs once, in order and at most `size` together; none waits
    /// longer than `wait`, and none leaves sooner unless its batch is full.
    #[test]
    fn call_batching_strands_nothing(
        calls in random_calls(),
        size in 1_u32..5,
        wait_us in 1_u64..100,
    ) {
        let host = driven(call_batch(size, wait_us.cast_signed()), &calls);
        for (ran_us, _, items) in &host.ran {
            let waited_us = ran_us - calls[items[0] as usize].0;
            let full = items.len() == size as usize;
            prop_assert!(!items.is_empty() && items.len() <= size as usize);
            prop_assert!(waited_us == wait_us || (full && waited_us < wait_us));
        }
        let runs = by_key(&host);
        for (key, made) in made(&calls) {
            let ran: Vec<_> = runs[&key].iter().map(|&(_, item)| item).collect();
            let made: Vec<_> = made.into_iter().map(|(_, item)| item).collect();
            prop_assert_eq!(ran, made);
        }
    }

    /// Whatever waits when a host stops runs in the flush, and only once.
    #[test]
    fn a_flush_strands_nothing(
        calls in random_calls(),
        settings in prop_oneof![
            Just(throttle(10_000.0)),
            Just(call_batch(4, 60)),
            Just(debounce(50, Some(80), false)),
            Just(debounce(50, None, true)),
        ],
    ) {
        let mut host = Host::of(settings);
        for (item, &(at_us, key)) in (0..).zip(&calls) {
            host.call(at_us, key, item);
        }
        host.gates.flush(host.now_us);
        host.note();
        let mut seen: Vec<Item> = host.ran.into_iter().flat_map(|(_, _, items)| items).collect();
        seen.extend(host.superseded.into_iter().map(|(_, item)| item));
        seen.sort_unstable();
        prop_assert!(seen.into_iter().eq(0..calls.len() as u64));
        prop_assert_eq!(host.gates.deadline_us(), None);
        prop_assert_eq!(host.gates.waiting(0), Ok(0));
    }

    /// A host that ticks late, or not at all before it calls, still gets every
    /// call of a throttle once, in order and spaced.
    #[test]
    fn a_late_host_breaks_no_promise(calls in random_calls(), late_us in 1_u64..500) {
        let mut host = Host::of(throttle(20_000.0));
        for (item, &(at_us, key)) in (0..).zip(&calls) {
            let now_us = at_us - at_us % late_us + late_us;
            host.now_us = now_us;
            host.gates.call(at(now_us), 0, &[key], &[item]).unwrap();
            host.note();
        }
        host.pass(1_000_000_000);
        let runs = by_key(&host);
        for (key, made) in made(&calls) {
            let ran = &runs[&key];
            prop_assert!(ran.windows(2).all(|pair| pair[1].0 >= pair[0].0 + 50));
            prop_assert!(ran.iter().map(|run| run.1).eq(made.into_iter().map(|call| call.1)));
        }
    }
}

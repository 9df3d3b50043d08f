use super::*;
use crate::time::LONGEST_US;
use alloc::format;
use alloc::string::String;
use alloc::string::ToString;
use alloc::vec;
use proptest::prelude::*;

const MS: f64 = 1_000.0;

fn at(mono_us: u64) -> Now {
    Now {
        mono_us,
        dated_us: 1_000_000 + mono_us.cast_signed(),
    }
}

fn key(name: &str) -> Key {
    Key::new(name, vec![]).unwrap()
}

fn keys(from: usize, to: usize) -> Vec<Key> {
    (from..to)
        .map(|number| key(&format!("operation {number}")))
        .collect()
}

/// Timers `get` and `put`, numbered 0 and 1.
fn metrics() -> Metrics {
    let mut metrics = Metrics::new();
    assert_eq!(
        metrics.intern(Kind::Timer, &[key("get"), key("put")]),
        [0, 1]
    );
    metrics
}

fn record(metrics: &mut Metrics, timers: &[u32], micros: &[f64]) -> Result<Recorded, Error> {
    let samples = Samples {
        metrics: timers,
        micros,
        ..Samples::default()
    };
    metrics.record_samples(at(0), samples)
}

#[test]
fn a_key_keeps_its_number_whatever_the_order_of_its_tags() {
    let mut metrics = metrics();
    let tagged = |tags: [(&str, &str); 2]| {
        let tags = tags.map(|(tag, value)| (tag.to_string(), value.to_string()));
        Key::new("get", tags.to_vec()).unwrap()
    };
    let one = tagged([("level", "l1"), ("hit", "yes")]);
    let same = tagged([("hit", "yes"), ("level", "l1")]);
    let other = tagged([("hit", "no"), ("level", "l1")]);
    assert_eq!(
        metrics.intern(Kind::Timer, &[one, key("get"), same, other]),
        [2, 0, 2, 3]
    );
}

#[test]
fn kinds_do_not_share_names() {
    let mut metrics = metrics();
    assert_eq!(metrics.intern(Kind::Counter, &[key("get")]), [2]);
    assert_eq!(metrics.intern(Kind::Gauge, &[key("get")]), [3]);
    for (outcome, said) in [
        (record(&mut metrics, &[2], &[1.0]).map(|_| 0), "counter get"),
        (
            metrics.add_counts(at(0), &[0], &[1]).map(|()| 0),
            "timer get",
        ),
        (metrics.set_gauges(at(0), &[2], &[1.0]), "counter get"),
        (metrics.at_most(3, &[1.0]).map(|_| 0), "gauge get"),
    ] {
        match outcome {
            Err(Error::InvalidArgument(text)) => assert!(text.contains(said), "{text}"),
            other => panic!("{said}: {other:?}"),
        }
    }
}

#[test]
fn past_the_bound_metrics_of_a_kind_share_one() {
    let mut metrics = Metrics::new();
    metrics.intern(Kind::Timer, &keys(0, 1_000));
    assert_eq!(
        metrics.intern(Kind::Timer, &keys(998, 1_003)),
        [998, 999, 1000, 1000, 1000]
    );
    assert_eq!(metrics.intern(Kind::Counter, &keys(0, 2)), [1001, 1001]);
    assert_eq!(metrics.intern(Kind::Gauge, &[key("overflow")]), [1002]);
    record(&mut metrics, &[1000], &[5.0]).unwrap();
    let shared = metrics.summary_of(&key("overflow")).unwrap();
    assert_eq!((shared.count, metrics.overview().metrics), (1, 1_003));
}

#[test]
fn the_bound_on_names_can_be_set_and_forgets_none() {
    let mut metrics = metrics();
    let settings = Settings {
        names: 1,
        ..Settings::default()
    };
    metrics.configure(settings).unwrap();
    assert_eq!(
        metrics.intern(Kind::Timer, &[key("put"), key("tick")]),
        [1, 2]
    );
    assert_eq!(metrics.summary_of(&key("tick")), None);
}

#[test]
fn the_shared_metrics_come_on_top_of_the_bound() {
    let mut metrics = metrics();
    let settings = |names| Settings {
        names,
        ..Settings::default()
    };
    metrics.configure(settings(2)).unwrap();
    for kind in [Kind::Timer, Kind::Counter, Kind::Gauge] {
        let shared = metrics.intern(kind, &[key("tick"), key("overflow")]);
        assert_eq!(shared[0], shared[1], "{kind:?}");
    }
    metrics.configure(settings(4)).unwrap();
    let timers = metrics.intern(Kind::Timer, &[key("tick"), key("tock"), key("third")]);
    assert_eq!(timers, [5, 6, 2]);
}

#[test]
fn a_refused_call_records_nothing() {
    let mut metrics = metrics();
    let long = ["x".repeat(256)];
    for samples in [
        Samples {
            metrics: &[0, 0],
            micros: &[1.0],
            ..Samples::default()
        },
        Samples {
            metrics: &[0, 9],
            micros: &[1.0, 1.0],
            ..Samples::default()
        },
        Samples {
            metrics: &[0],
            micros: &[1.0],
            failed: &[0, 1],
            ..Samples::default()
        },
        Samples {
            metrics: &[0],
            micros: &[1.0],
            requests: &long,
            ..Samples::default()
        },
        Samples {
            metrics: &[0, 0],
            micros: &[1.0; 2],
            requests: &long,
            ..Samples::default()
        },
    ] {
        assert!(
            metrics.record_samples(at(0), samples).is_err(),
            "{samples:?}"
        );
    }
    assert_eq!(
        record(&mut metrics, &[9], &[1.0]),
        Err(Error::UnknownHandle(9))
    );
    assert_eq!(
        record(&mut metrics, &[0, 0], &[1.0, LONGEST_US as f64 * 1.1]),
        Err(Error::InvalidArgument(
            "a sample must be at most 10 years, not 347846400000 ms".into()
        ))
    );
    assert!(record(&mut metrics, &[0], &[f64::MAX]).is_err());
    assert_eq!(metrics.overview().samples, 0);
    for bounds in [&[2.0, 1.0][..], &[f64::NAN]] {
        assert!(metrics.at_most(0, bounds).is_err());
    }
}

#[test]
fn what_is_no_measurement_is_refused_and_counted() {
    let mut metrics = metrics();
    let samples = [f64::NAN, 2.0, f64::INFINITY, -1.0, 4.0];
    assert_eq!(
        record(&mut metrics, &[0; 5], &samples).map(|recorded| recorded.refused),
        Ok(3)
    );
    let summary = metrics.summary_of(&key("get")).unwrap();
    assert_eq!((summary.count, summary.sum), (2, 6.0));
    let gauge = metrics.intern(Kind::Gauge, &[key("porch")]);
    let values = [-3.5, f64::NAN, f64::NEG_INFINITY];
    assert_eq!(metrics.set_gauges(at(0), &[gauge[0]; 3], &values), Ok(2));
    assert_eq!(metrics.gauges()[0].value, Some(-3.5));
    assert_eq!(metrics.overview().refused, 5);
}

#[test]
fn percentiles_hold_up_to_the_longest_sample() {
    let mut metrics = metrics();
    let longest = LONGEST_US as f64;
    record(
        &mut metrics,
        &[0; 3],
        &[longest / 2.0, longest * 0.9, longest],
    )
    .unwrap();
    let summary = metrics.summary_of(&key("get")).unwrap();
    assert!((summary.p50 / (longest * 0.9) - 1.0).abs() <= 0.01);
    assert_eq!((summary.count, summary.max), (3, longest));
}

#[test]
fn failing_operations_are_timed_and_counted() {
    let mut metrics = metrics();
    let samples = Samples {
        metrics: &[0, 0, 1],
        micros: &[1.0, 3.0, 9.0],
        failed: &[0, 1, 1],
        ..Samples::default()
    };
    metrics.record_samples(at(0), samples).unwrap();
    let summary = metrics.summary_of(&key("get")).unwrap();
    assert_eq!((summary.count, summary.failed, summary.mean), (2, 1, 2.0));
    assert_eq!(metrics.overview().failed, 2);
}

#[test]
fn slow_operations_are_told_once_and_listed_newest_first() {
    let mut metrics = metrics();
    let requests = [String::new(), "r-1".to_string(), "r-2".to_string()];
    let samples = Samples {
        metrics: &[0, 1, 0],
        micros: &[100.0 * MS, 100.1 * MS, 300.0 * MS],
        failed: &[0, 1, 0],
        requests: &requests,
    };
    let recorded = metrics.record_samples(at(7), samples).unwrap();
    assert_eq!(recorded.slow, [1, 2]);
    assert_eq!(record(&mut metrics, &[0], &[200.0 * MS]).unwrap().slow, [0]);
    let listed: Vec<_> = metrics
        .slow_operations()
        .into_iter()
        .map(|slow| {
            (
                slow.key.to_string(),
                slow.micros / MS,
                slow.failed,
                slow.request,
                slow.dated_us,
            )
        })
        .collect();
    assert_eq!(
        listed,
        [
            ("get".to_string(), 200.0, false, None, 1_000_000),
            (
                "get".to_string(),
                300.0,
                false,
                Some("r-2".to_string()),
                1_000_007
            ),
            (
                "put".to_string(),
                100.1,
                true,
                Some("r-1".to_string()),
                1_000_007
            ),
        ]
    );
    assert_eq!(metrics.summary_of(&key("get")).unwrap().slow, 2);
}

#[test]
fn limit_and_list_of_slow_operations_can_be_set() {
    let mut metrics = metrics();
    let settings = Settings {
        slow_over_us: 2,
        slow_list: 2,
        ..Settings::default()
    };
    metrics.configure(settings).unwrap();
    let recorded = record(&mut metrics, &[0; 5], &[2.0, 3.0, 4.0, 5.0, 1.0]).unwrap();
    assert_eq!(recorded.slow, [1, 2, 3]);
    let listed: Vec<f64> = metrics
        .slow_operations()
        .iter()
        .map(|slow| slow.micros)
        .collect();
    assert_eq!(listed, [5.0, 4.0]);
    metrics
        .configure(Settings {
            slow_list: 0,
            ..settings
        })
        .unwrap();
    assert_eq!(metrics.slow_operations(), []);
    assert_eq!(record(&mut metrics, &[0], &[9.0]).unwrap().slow, [0]);
    assert_eq!(metrics.slow_operations(), []);
}

#[test]
fn counters_only_rise_and_gauges_hold_the_last() {
    let mut metrics = Metrics::new();
    let counters = metrics.intern(Kind::Counter, &[key("sent"), key("lost")]);
    let gauges = metrics.intern(Kind::Gauge, &[key("depth"), key("unset")]);
    metrics
        .add_counts(at(0), &[counters[0]; 2], &[3, 4])
        .unwrap();
    metrics
        .add_counts(at(0), &[counters[1]; 2], &[u64::MAX, 4])
        .unwrap();
    metrics
        .set_gauges(at(0), &[gauges[0]; 2], &[5.0, 1.5])
        .unwrap();
    let totals: Vec<u64> = metrics
        .counters()
        .iter()
        .map(|counter| counter.total)
        .collect();
    assert_eq!(totals, [7, u64::MAX]);
    let values: Vec<_> = metrics.gauges().iter().map(|gauge| gauge.value).collect();
    assert_eq!(values, [Some(1.5), None]);
}

#[test]
fn the_overview_leads_with_the_slowest_and_the_most_called() {
    let mut metrics = Metrics::new();
    let names = ["e", "d", "c", "b", "a", "f", "never"].map(key);
    let numbers = metrics.intern(Kind::Timer, &names);
    // Equal means and counts but for one slow and one busy operation.
    for &number in &numbers[..6] {
        record(&mut metrics, &[number], &[10.0]).unwrap();
    }
    record(&mut metrics, &[numbers[5]; 2], &[40.0, 40.0]).unwrap();
    record(&mut metrics, &[numbers[1]; 4], &[1.0; 4]).unwrap();
    let overview = metrics.overview();
    let names = |list: &[Summary]| -> Vec<String> {
        list.iter().map(|summary| summary.key.to_string()).collect()
    };
    assert_eq!(names(&overview.slowest), ["f", "a", "b", "c", "e"]);
    assert_eq!(names(&overview.most_called), ["d", "f", "a", "b", "c"]);
    assert_eq!((overview.metrics, overview.samples), (7, 12));
}

#[test]
fn timers_with_a_history_have_a_window_too() {
    let mut metrics = metrics();
    let settings = Settings {
        history_metrics: 1,
        window_us: Some(80),
        slow_over_us: 5,
        ..Settings::default()
    };
    metrics.configure(settings).unwrap();
    let timers = metrics.intern(Kind::Timer, &[key("kept"), key("too many")]);
    for (now_us, micros) in [(0, 4.0), (50, 6.0), (100, 8.0)] {
        let samples = Samples {
            metrics: &timers,
            micros: &[micros; 2],
            failed: &[1; 2],
            ..Samples::default()
        };
        metrics.record_samples(at(now_us), samples).unwrap();
    }
    let seen = |metrics: &Metrics, now_us| {
        let recent = metrics.recent(at(now_us), &key("kept"))?;
        Some((recent.count, recent.failed, recent.slow, recent.min))
    };
    assert_eq!(seen(&metrics, 100), Some((2, 2, 2, 6.0)));
    assert_eq!(seen(&metrics, 1_000), Some((0, 0, 0, 0.0)));
    assert_eq!(metrics.recent(at(100), &key("too many")), None);
    assert_eq!(metrics.recent(at(100), &key("unknown")), None);
    assert_eq!(metrics.summary_of(&key("kept")).unwrap().count, 3);
    metrics.configure(settings).unwrap();
    assert_eq!(seen(&metrics, 100), Some((2, 2, 2, 6.0)));
    metrics
        .configure(Settings {
            window_us: None,
            ..settings
        })
        .unwrap();
    assert_eq!(seen(&metrics, 100), None);
}

#[test]
fn the_first_metrics_recorded_keep_a_history() {
    let mut metrics = metrics();
    let settings = Settings {
        history_interval_us: 10,
        history_points: 3,
        history_metrics: 2,
        ..Settings::default()
    };
    metrics.configure(settings).unwrap();
    let counter = metrics.intern(Kind::Counter, &[key("sent")]);
    for (now_us, micros) in [(5, 2.0), (21, 7.0), (22, 5.0)] {
        let samples = Samples {
            metrics: &[1],
            micros: &[micros],
            ..Samples::default()
        };
        metrics.record_samples(at(now_us), samples).unwrap();
    }
    metrics.add_counts(at(23), &counter, &[9]).unwrap();
    record(&mut metrics, &[0], &[1.0]).unwrap();
    let put = metrics
        .history_of(at(25), Kind::Timer, &key("put"))
        .unwrap();
    assert_eq!(
        (put.from_us, put.counts, put.sums),
        (0, vec![1, 0, 2], vec![2.0, 0.0, 12.0])
    );
    let sent = metrics
        .history_of(at(39), Kind::Counter, &key("sent"))
        .unwrap();
    assert_eq!((sent.from_us, sent.sums), (10, vec![0.0, 9.0, 0.0]));
    assert_eq!(metrics.history_of(at(39), Kind::Timer, &key("get")), None);
    // The same shape keeps histories, another starts them anew.
    metrics
        .configure(Settings {
            slow_list: 1,
            ..settings
        })
        .unwrap();
    assert!(
        metrics
            .history_of(at(39), Kind::Timer, &key("put"))
            .is_some()
    );
    metrics
        .configure(Settings {
            history_points: 4,
            ..settings
        })
        .unwrap();
    assert_eq!(metrics.history_of(at(39), Kind::Timer, &key("put")), None);
}

#[test]
fn while_disabled_nothing_is_recorded() {
    let mut metrics = metrics();
    metrics
        .configure(Settings {
            enabled: false,
            ..Settings::default()
        })
        .unwrap();
    assert_eq!(record(&mut metrics, &[0], &[1e9]), Ok(Recorded::default()));
    assert_eq!(
        record(&mut metrics, &[9], &[1.0]),
        Err(Error::UnknownHandle(9))
    );
    metrics.configure(Settings::default()).unwrap();
    record(&mut metrics, &[0], &[1.0]).unwrap();
    assert_eq!(metrics.overview().samples, 1);
}

#[test]
fn a_reset_forgets_what_was_recorded_and_keeps_numbers() {
    let mut metrics = metrics();
    let counter = metrics.intern(Kind::Counter, &[key("sent")]);
    let gauge = metrics.intern(Kind::Gauge, &[key("depth")]);
    record(&mut metrics, &[1, 1], &[1e9, -1.0]).unwrap();
    metrics.add_counts(at(0), &counter, &[1]).unwrap();
    metrics.set_gauges(at(0), &gauge, &[1.0]).unwrap();
    metrics.reset();
    let overview = metrics.overview();
    assert_eq!(
        (overview.samples, overview.slow, overview.refused),
        (0, 0, 0)
    );
    assert_eq!(
        (metrics.counters()[0].total, metrics.gauges()[0].value),
        (0, None)
    );
    assert_eq!(metrics.slow_operations(), []);
    assert_eq!(metrics.history_of(at(0), Kind::Timer, &key("put")), None);
    assert_eq!(metrics.intern(Kind::Timer, &[key("put")]), [1]);
}

#[test]
fn settings_outside_their_ranges_are_refused_by_name() {
    let sound = Settings::default();
    for (name, settings) in [
        ("names", Settings { names: 0, ..sound }),
        (
            "names",
            Settings {
                names: 100_001,
                ..sound
            },
        ),
        (
            "slow-over",
            Settings {
                slow_over_us: -1,
                ..sound
            },
        ),
        (
            "slow-list",
            Settings {
                slow_list: 10_001,
                ..sound
            },
        ),
        (
            "history-interval",
            Settings {
                history_interval_us: 0,
                ..sound
            },
        ),
        (
            "history-points",
            Settings {
                history_points: 0,
                ..sound
            },
        ),
        (
            "window",
            Settings {
                window_us: Some(0),
                ..sound
            },
        ),
        (
            "history-metrics",
            Settings {
                history_metrics: 1_001,
                ..sound
            },
        ),
    ] {
        match Metrics::new().configure(settings) {
            Err(Error::InvalidArgument(text)) => assert!(text.starts_with(name), "{text}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

proptest! {
    /// Whatever is recorded in whatever order, every metric shows exactly its
    /// own samples.
    #[test]
    fn metrics_never_mix(
        calls in proptest::collection::vec((0_usize..8, -5.0..200_000.0_f64, any::<bool>()), 0..200),
    ) {
        let mut metrics = Metrics::new();
        let mut expected: [Vec<(f64, bool)>; 8] = Default::default();
        let mut refused = 0;
        for (name, micros, fails) in calls {
            let timer = metrics.intern(Kind::Timer, &[key(&format!("operation {name}"))]);
            let failed = [u8::from(fails)];
            let samples = Samples { metrics: &timer, micros: &[micros], failed: &failed, requests: &[] };
            let recorded = metrics.record_samples(at(0), samples).unwrap();
            refused += u64::from(recorded.refused);
            prop_assert_eq!(recorded.slow.len(), usize::from(micros > 100_000.0));
            if micros >= 0.0 {
                expected[name].push((micros, fails));
            }
        }
        for (name, samples) in expected.iter().enumerate() {
            let summary = metrics.summary_of(&key(&format!("operation {name}")));
            let count = summary.as_ref().map_or(0, |summary| summary.count);
            prop_assert_eq!(count, samples.len() as u64);
            let Some(summary) = summary.filter(|summary| summary.count > 0) else { continue };
            let failed = samples.iter().filter(|(_, fails)| *fails).count() as u64;
            let longest = samples.iter().map(|(micros, _)| *micros).fold(0.0, f64::max);
            let sum: f64 = samples.iter().map(|(micros, _)| micros).sum();
            prop_assert_eq!((summary.failed, summary.max), (failed, longest));
            prop_assert!((summary.sum - sum).abs() <= 0.001 * count as f64);
        }
        let overview = metrics.overview();
        prop_assert_eq!(overview.refused, refused);
        prop_assert_eq!(overview.samples, expected.iter().map(|samples| samples.len() as u64).sum::<u64>());
    }
}

//! The same million readings twice through the component and twice through the
//! native core, with fetches and removals between them: every verdict, timed
//! publication, batch, delivery, cached value, proposal, total and snapshot must
//! be equal.
//!
//! The stream is synthetic and drawn from a fixed seed, so that a difference
//! can be met again. The component is always built for release; the native core
//! is as the tests are, since all of it takes seconds even unoptimized.

mod cached;

use anyhow::{Result, ensure};
use weirhouse_runner::wit::delivery::{Failure, Settings as Sink};
use weirhouse_runner::wit::entities::{Facts, Series};
use weirhouse_runner::wit::metrics::{Key, Kind, Samples};
use weirhouse_runner::wit::schedule::{Bounds, Budget};
use weirhouse_runner::wit::types::Instant;
use weirhouse_runner::wit::updates::{Adaptive, Batching, Combine, Overflow, Rule};
use weirhouse_runner::{Component, Engine, Optimizer, Reason};
use weirhouse_tests::component;
use weirhouse_tests::native::Native;

const READINGS: usize = 1_000_000;
const ENTITIES: usize = 400;

/// `SplitMix64`: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// One call and the time before it.
struct Window {
    now: Instant,
    series: Vec<u32>,
    text: String,
    lengths: Vec<u32>,
    times: Vec<i64>,
}

/// A reading as Home Assistant might write it: mostly a number that wanders.
fn state(random: &mut Random, wander: &mut f64) -> String {
    *wander += (random.below(2001) as f64 - 1000.0) / 1000.0;
    match random.below(20) {
        0 => ["on", "off", "12:30", "heat", "", "0x10", "1_000"][random.below(7)].to_owned(),
        1 => ["unknown", "unavailable"][random.below(2)].to_owned(),
        2 => ["nan", "NaN", "inf", "-inf", "1e400"][random.below(5)].to_owned(),
        3 => format!("{wander:e}"),
        4 => format!("{:.0}", *wander),
        5 => format!("{}", -*wander),
        _ => format!("{:.3}", *wander),
    }
}

fn stream(handles: &[u32]) -> Vec<Window> {
    let mut random = Random(20_260_101);
    let mut wanders = vec![20.0; handles.len()];
    let mut windows = Vec::new();
    let mut readings = 0;
    let mut mono = 0;
    while readings < READINGS {
        mono += random.below(400_000) as u64;
        let mut window = Window {
            now: Instant {
                mono,
                wall: 1_767_225_600_000_000 + mono.cast_signed(),
            },
            series: Vec::new(),
            text: String::new(),
            lengths: Vec::new(),
            times: Vec::new(),
        };
        // Every fourth window is without times, in which none is late.
        let dated = random.below(4) > 0;
        for _ in 0..=random.below(100) {
            let place = random.below(handles.len());
            let text = state(&mut random, &mut wanders[place]);
            window.series.push(handles[place]);
            window.lengths.push(text.len() as u32);
            window.text.push_str(&text);
            if dated {
                let late = if random.below(10) == 0 { 2_000_000 } else { 0 };
                window.times.push(mono.cast_signed() - late);
            }
            readings += 1;
        }
        windows.push(window);
    }
    windows
}

fn rule(absolute: Option<f64>, percentage: Option<f64>) -> Rule {
    Rule {
        absolute,
        percentage,
        ..Rule::default()
    }
}

/// Rules of every kind but the default.
fn special() -> [Rule; 8] {
    [
        rule(None, None),
        rule(None, Some(0.01)),
        Rule {
            combine: Combine::Any,
            ..rule(Some(2.0), Some(0.1))
        },
        Rule {
            max_age: Some(10_000_000),
            ..rule(Some(3.0), None)
        },
        Rule {
            settle: Some(2_000_000),
            ..rule(Some(3.0), None)
        },
        Rule {
            zero_crossing: true,
            levels: vec![18.0, 22.0],
            ..rule(Some(50.0), None)
        },
        Rule {
            total: true,
            ..rule(Some(50.0), None)
        },
        Rule {
            learn: true,
            ..rule(Some(0.2), None)
        },
    ]
}

/// Names entities and gives them rules of every kind.
fn prepare(optimizer: &mut dyn Optimizer) -> Result<Vec<u32>> {
    let series: Vec<_> = (0..ENTITIES)
        .map(|number| Series {
            entity: format!("sensor.number_{}", number / 2),
            attribute: (number % 2 == 1).then(|| "voltage".to_owned()),
        })
        .collect();
    let handles = optimizer.intern(&series)?;
    optimizer.set_default_rule(&rule(Some(0.5), None))?;
    optimizer.set_learning(true)?;
    cached::prepare(optimizer)?;
    optimizer.use_presets(true)?;
    optimizer.describe(
        handles[0],
        &Facts {
            device_class: Some("temperature".into()),
            unit: Some("°C".into()),
            state_class: Some("measurement".into()),
        },
    )?;
    for (number, handle) in handles.iter().enumerate().skip(1) {
        if let Some(rule) = special().get(number % 10) {
            optimizer.set_rule(&[*handle], Some(rule))?;
        }
    }
    optimizer.set_batching(Batching {
        window: 100_000,
        max: 20,
        flush_on_full: false,
        capacity: 60,
        overflow: Overflow::DropOldest,
        adaptive: Some(Adaptive {
            window_from: 50_000,
            window_to: 400_000,
            max_from: 5,
            max_to: 60,
            target_latency: 200_000,
        }),
    })?;
    for (name, attempts) in [("steady", None), ("shaky", Some(3))] {
        let settings = Sink {
            max: 30,
            capacity: 40,
            attempts,
            retry_first: 100_000,
            retry_cap: 2_000_000,
        };
        optimizer.sink_register(name, settings)?;
    }
    let tagged = |level: &str| Key {
        name: "read".to_owned(),
        tags: vec![("level".to_owned(), level.to_owned())],
    };
    optimizer.metric_intern(Kind::Timer, &[tagged("l1"), tagged("l2")])?;
    let start = Instant { mono: 0, wall: 0 };
    for handle in handles.iter().step_by(40) {
        optimizer.register(start, *handle, 15_000_000)?;
    }
    let budget = Budget {
        per_minute: Some(30),
        per_day: Some(20_000),
        reserve: 0.2,
        reset_minute: 0,
        night: None,
    };
    optimizer.set_group(start, "cloud", budget)?;
    let bounds = Bounds {
        shortest: 15_000_000,
        longest: 600_000_000,
    };
    for handle in handles.iter().skip(20).step_by(40) {
        optimizer.register_planned(start, *handle, "cloud", bounds, 1.0)?;
    }
    for handle in handles.iter().skip(10).step_by(40) {
        optimizer.register_measured(start, *handle, bounds)?;
    }
    Ok(handles)
}

/// Adds a list of handles, with its length.
fn say(said: &mut Vec<u8>, handles: &[u32]) {
    said.extend(handles.len().to_le_bytes());
    for handle in handles {
        said.extend(handle.to_le_bytes());
    }
}

/// Everything one optimizer answers to one window, as bytes.
fn feed(
    optimizer: &mut dyn Optimizer,
    window: &Window,
    store: &mut cached::Store,
) -> Result<Vec<u8>> {
    let mut said = Vec::new();
    while let Some(deadline) = optimizer.next_deadline()?
        && deadline <= window.now.mono
    {
        let wall = window.now.wall - (window.now.mono - deadline).cast_signed();
        optimizer.tick(Instant {
            mono: deadline,
            wall,
        })?;
        said.extend(deadline.to_le_bytes());
        let timed = optimizer.poll_published()?;
        say(&mut said, &timed.series);
        said.extend(timed.verdicts);
        said.extend(
            timed
                .values
                .iter()
                .flat_map(|it| it.to_bits().to_le_bytes()),
        );
        loop {
            let batch = optimizer.poll_batch()?;
            say(&mut said, &batch);
            if batch.is_empty() {
                break;
            }
        }
        deliver(optimizer, deadline, &mut said)?;
        let refreshed = optimizer.poll_refresh()?;
        say(&mut said, &refreshed);
        // Some change between refreshes, some do not, and some now and then.
        let changed: Vec<_> = refreshed
            .iter()
            .map(|handle| (deadline >> 20) % 4 < u64::from(handle % 5))
            .collect();
        let now = Instant {
            mono: deadline,
            wall,
        };
        say(&mut said, &[optimizer.report(now, &refreshed, &changed)?]);
    }
    let Window {
        now,
        series,
        text,
        lengths,
        times,
    } = window;
    let recorded = optimizer.metric_record(*now, &samples(window))?;
    said.extend(recorded.refused.to_le_bytes());
    say(&mut said, &recorded.slow);
    cached::feed(optimizer, *now, store, &mut said)?;
    said.extend(if (now.mono >> 20) % 5 == 4 {
        observe_advised(optimizer, window)?
    } else {
        optimizer.observe_texts(*now, series, text, lengths, times)?
    });
    Ok(said)
}

/// Every opinion in turn, the numbers near readings and far from them.
fn observe_advised(optimizer: &mut dyn Optimizer, window: &Window) -> Result<Vec<u8>> {
    let readings = 0..window.series.len() as u64;
    let turn = |reading: u64| reading * 7 + (window.now.mono >> 23);
    let opinions: Vec<u8> = readings.clone().map(|it| (turn(it) % 5) as u8).collect();
    let published = optimizer.published_numbers(&window.series)?;
    let near = |(number, reading): (f64, u64)| number + (turn(reading) % 11) as f64 / 50.0 - 0.1;
    let numbers: Vec<f64> = published
        .into_iter()
        .zip(readings.clone())
        .map(near)
        .collect();
    let delays: Vec<i64> = readings
        .map(|it| (turn(it) % 9).cast_signed() * 1_000_000)
        .collect();
    Ok(optimizer.observe_advised(
        window.now,
        &window.series,
        &window.text,
        &window.lengths,
        &opinions,
        &numbers,
        &delays,
    )?)
}

/// Takes what sinks are to be sent. One of them fails every third delivery, and
/// all take as long as the number of the delivery says.
fn deliver(optimizer: &mut dyn Optimizer, mono: u64, said: &mut Vec<u8>) -> Result<()> {
    let now = Instant { mono, wall: 0 };
    while let Some(next) = optimizer.poll_delivery()? {
        said.extend(next.number.to_le_bytes());
        said.extend(next.attempt.to_le_bytes());
        say(said, &next.entities);
        if next.sink == 1 && next.number.is_multiple_of(3) {
            let again =
                optimizer.delivery_failed(now, next.sink, next.number, Failure::Temporary)?;
            said.extend(again.unwrap_or(0).to_le_bytes());
        } else {
            let latency = (next.number * 7_919 % 250_000).cast_signed();
            optimizer.delivery_succeeded(now, next.sink, next.number, latency)?;
        }
    }
    Ok(())
}

/// Durations that follow from a window, good and bad ones.
fn samples(window: &Window) -> Samples {
    let micros = window.now.mono % 150_000;
    Samples {
        metrics: vec![0, 1, 1],
        micros: vec![micros as f64 / 3.0, micros as f64, f64::NAN],
        failed: vec![0, u8::from(micros.is_multiple_of(2)), 0],
        requests: Vec::new(),
    }
}

/// What an optimizer holds in the end.
fn end(optimizer: &mut dyn Optimizer, handles: &[u32]) -> Result<Vec<u8>> {
    let end = Instant {
        mono: u64::MAX / 4,
        wall: 0,
    };
    let mut said = optimizer.snapshot(end)?;
    for number in optimizer.published_numbers(handles)? {
        // NaN differs from itself, so numbers are compared by bits.
        said.extend(number.to_bits().to_le_bytes());
    }
    cached::end(optimizer, &mut said)?;
    let proposals = optimizer.propose(handles)?;
    let known = proposals
        .thresholds
        .iter()
        .filter(|it| !it.is_nan())
        .count();
    ensure!(known > 0, "nothing was learned: {proposals:?}");
    let figures = (
        proposals,
        optimizer.update_totals()?,
        optimizer.batch_totals()?,
        optimizer.sink_statuses()?,
        optimizer.metric_overview()?,
        optimizer.metric_slow()?,
    );
    said.extend(format!("{figures:?}").into_bytes());
    Ok(said)
}

/// Feeds all of a stream; gives the answers by window, and those of the end.
fn run(optimizer: &mut dyn Optimizer, windows: &[Window]) -> Result<Vec<Vec<u8>>> {
    let handles = prepare(optimizer)?;
    let mut answers = Vec::with_capacity(windows.len() + 1);
    let mut store = cached::Store::default();
    for window in windows {
        answers.push(feed(optimizer, window, &mut store)?);
    }
    answers.push(end(optimizer, &handles)?);
    Ok(answers)
}

/// Fails with the first place in which a run answered otherwise.
fn compare(name: &str, expected: &[Vec<u8>], answers: &[Vec<u8>]) -> Result<()> {
    let place = expected
        .iter()
        .zip(answers)
        .position(|(one, other)| one != other);
    ensure!(place.is_none(), "{name} differs at window {place:?}");
    ensure!(expected.len() == answers.len(), "{name} answered less");
    Ok(())
}

#[test]
fn a_million_readings_are_decided_alike_natively_and_in_the_component_and_every_time() -> Result<()>
{
    let mut native = Native::new();
    let handles: Vec<u32> = (0..ENTITIES as u32).collect();
    let windows = stream(&handles);
    let expected = run(&mut native, &windows)?;
    compare(
        "another native run",
        &expected,
        &run(&mut Native::new(), &windows)?,
    )?;

    let engine = Engine::new()?;
    for name in ["the component", "another run of the component"] {
        let mut component = Component::load(&engine, &component::path()?)?;
        compare(name, &expected, &run(&mut component, &windows)?)?;
        ensure!(component.generation() == 0, "the component trapped");
    }

    // The stream is worth its time only if it reaches everything.
    let native: &mut dyn Optimizer = &mut native;
    ensure!(
        native.all_handles()? == handles,
        "handles are not what was fed"
    );
    let totals = native.update_totals()?;
    ensure!(
        totals.observed >= READINGS as u64 && totals.timed > 0,
        "{totals:?}"
    );
    let batches = native.batch_totals()?;
    ensure!(
        batches.dropped > 0 && batches.coalesced > 0,
        "the batcher never overflowed: {batches:?}"
    );
    let sinks = native.sink_statuses()?;
    ensure!(
        sinks.iter().any(|sink| sink.dropped > 0 && sink.lost > 0),
        "no sink fell behind: {sinks:?}"
    );
    let metrics = native.metric_overview()?;
    ensure!(
        metrics.slow > 0 && metrics.failed > 0 && metrics.refused > 0,
        "{metrics:?}"
    );
    let mut reasons = [0_u64; 256];
    for (window, answer) in windows.iter().zip(&expected) {
        for verdict in answer.iter().rev().take(window.series.len()) {
            reasons[usize::from(*verdict)] += 1;
        }
    }
    for reason in Reason::ALL {
        let timed = matches!(
            reason,
            Reason::Heartbeat | Reason::Settle | Reason::Final | Reason::Deferred
        );
        ensure!(
            timed || reasons[reason as usize] > 0,
            "no reading was judged {reason:?}"
        );
    }
    Ok(())
}

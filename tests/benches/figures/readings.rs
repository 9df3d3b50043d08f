//! Readings through the component against the same core natively.

use std::cell::RefCell;

use anyhow::Result;
use weirhouse_core::Instant as CoreInstant;
use weirhouse_core::rule::RuleSettings;
use weirhouse_runner::Component;
use weirhouse_runner::operations::{Entities as _, Updates as _};
use weirhouse_runner::wit::entities::Series;
use weirhouse_runner::wit::types::Instant;
use weirhouse_runner::wit::updates::Rule;

use crate::rounds::{each_ns, least};

const ENTITIES: u32 = 1_000;
const READINGS: usize = 1 << 16;
const THRESHOLD: f64 = 0.5;

/// Readings of a thousand sensors, as numbers and as Home Assistant's texts.
struct Trace {
    series: Vec<u32>,
    numbers: Vec<f64>,
    text: String,
    lengths: Vec<u32>,
}

pub(crate) fn measure(component: &mut Component) -> Result<()> {
    let names: Vec<String> = (0..ENTITIES)
        .map(|i| format!("sensor.bench_{i:04}"))
        .collect();
    let series: Vec<Series> = names
        .iter()
        .map(|name| Series {
            entity: name.clone(),
            attribute: None,
        })
        .collect();
    component.intern(&series)?;
    component.set_default_rule(&rule())?;
    let mut native = weirhouse_core::Optimizer::new();
    let series: Vec<weirhouse_core::Series> = names
        .iter()
        .map(|name| weirhouse_core::Series {
            entity: name.clone(),
            attribute: None,
        })
        .collect();
    native.intern(&series).map_err(anyhow::Error::new)?;
    let native_rule = RuleSettings {
        absolute: Some(THRESHOLD),
        ..RuleSettings::default()
    };
    native
        .set_default_rule(&native_rule)
        .map_err(anyhow::Error::new)?;

    let trace = Trace::walk();
    println!("Readings, ns each ({ENTITIES} entities, absolute threshold, batcher on)");
    println!("| batch | numbers: component | native | ratio | texts: component | native | ratio |");
    println!("|---|---|---|---|---|---|---|");
    let component = RefCell::new(component);
    let native = RefCell::new(native);
    for batch in [1, 16, 256, 4096] {
        let mut cases: [crate::rounds::Case<'_>; 4] = [
            (
                "numbers, component",
                Box::new(|| trace.numbers_component(batch, &component)),
            ),
            (
                "numbers, native",
                Box::new(|| trace.numbers_native(batch, &native)),
            ),
            (
                "texts, component",
                Box::new(|| trace.texts_component(batch, &component)),
            ),
            (
                "texts, native",
                Box::new(|| trace.texts_native(batch, &native)),
            ),
        ];
        let ns: Vec<f64> = least(&mut cases)
            .into_iter()
            .map(|took| each_ns(took, READINGS))
            .collect();
        println!(
            "| {batch} | {:.1} | {:.1} | {:.2} | {:.1} | {:.1} | {:.2} |",
            ns[0],
            ns[1],
            ns[0] / ns[1],
            ns[2],
            ns[3],
            ns[2] / ns[3]
        );
    }
    println!();
    Ok(())
}

fn rule() -> Rule {
    Rule {
        absolute: Some(THRESHOLD),
        ..Rule::default()
    }
}

const NOW: Instant = Instant { mono: 0, wall: 0 };
const CORE_NOW: CoreInstant = CoreInstant {
    mono_us: 0,
    wall_us: 0,
};

impl Trace {
    /// A random walk of each sensor in tenths, the same in every run.
    fn walk() -> Self {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let mut tenths = vec![200_i64; ENTITIES as usize];
        let mut trace = Self {
            series: Vec::new(),
            numbers: Vec::new(),
            text: String::new(),
            lengths: Vec::new(),
        };
        for _ in 0..READINGS {
            let entity = (random() % u64::from(ENTITIES)) as u32;
            let value = &mut tenths[entity as usize];
            *value += (random() % 7).cast_signed() - 3;
            let number = *value as f64 / 10.0;
            let text = format!("{number:.1}");
            trace.series.push(entity);
            trace.numbers.push(number);
            trace.lengths.push(text.len() as u32);
            trace.text.push_str(&text);
        }
        trace
    }

    fn numbers_component(&self, batch: usize, component: &RefCell<&mut Component>) {
        let mut component = component.borrow_mut();
        for (series, values) in self.series.chunks(batch).zip(self.numbers.chunks(batch)) {
            component.observe_numbers(NOW, series, values, &[]).unwrap();
        }
    }

    fn numbers_native(&self, batch: usize, native: &RefCell<weirhouse_core::Optimizer>) {
        let mut native = native.borrow_mut();
        for (series, values) in self.series.chunks(batch).zip(self.numbers.chunks(batch)) {
            native
                .observe_numbers(CORE_NOW, series, values, &[])
                .unwrap();
        }
    }

    fn texts_component(&self, batch: usize, component: &RefCell<&mut Component>) {
        let mut component = component.borrow_mut();
        for (series, text, lengths) in self.texts(batch) {
            component
                .observe_texts(NOW, series, text, lengths, &[])
                .unwrap();
        }
    }

    fn texts_native(&self, batch: usize, native: &RefCell<weirhouse_core::Optimizer>) {
        let mut native = native.borrow_mut();
        for (series, text, lengths) in self.texts(batch) {
            native
                .observe_texts(CORE_NOW, series, text, lengths, &[])
                .unwrap();
        }
    }

    fn texts(&self, batch: usize) -> impl Iterator<Item = (&[u32], &str, &[u32])> {
        let mut rest = self.text.as_str();
        self.series
            .chunks(batch)
            .zip(self.lengths.chunks(batch))
            .map(move |(series, lengths)| {
                let (text, tail) = rest.split_at(lengths.iter().sum::<u32>() as usize);
                rest = tail;
                (series, text, lengths)
            })
    }
}

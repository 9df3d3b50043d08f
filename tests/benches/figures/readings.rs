//! Readings through the component against the same core natively: from
//! significance to the batch that leaves.

use std::cell::RefCell;

use anyhow::Result;
use weirhouse_runner::operations::Optimizer;
use weirhouse_runner::wit::types::Instant;
use weirhouse_tests::load::{Home, Readings};
use weirhouse_tests::native::Native;

use crate::passage::{Passage, WINDOW_US};
use crate::python;
use crate::rounds::{Case, each_ns, least};

const READINGS: usize = 1 << 16;

/// How often a round takes them all: so often that it counts little what the
/// other cases left in the processor's caches.
const PASSES: usize = 4;

/// Whether readings cross as numbers or as texts.
#[derive(Clone, Copy)]
enum Form {
    Numbers,
    Texts,
}

/// An optimizer that judges a home, and the time in it.
struct Side<'a> {
    optimizer: &'a mut dyn Optimizer,
    time: Passage,
}

/// What one reading costs by the size of a batch.
pub(crate) fn by_batch(component: &mut dyn Optimizer, entities: u32) -> Result<()> {
    println!(
        "Readings, ns each ({entities} entities with mixed rules, from significance to batch)"
    );
    println!("| batch | numbers: component | native | ratio | texts: component | native | ratio |");
    println!("|---|---|---|---|---|---|---|");
    let numbers = Readings::of(entities, READINGS, false);
    let texts = Readings::of(entities, READINGS, true);
    let mut native = Native::new();
    let home = Home::new(entities);
    let component = RefCell::new(Side::new(component, &home)?);
    let native = RefCell::new(Side::new(&mut native, &home)?);
    for batch in [1, 16, 64, 256, 1024, 4096] {
        let mut cases: [Case<'_>; 4] = [
            (
                "numbers, component",
                Box::new(|| component.borrow_mut().take(&numbers, Form::Numbers, batch)),
            ),
            (
                "numbers, native",
                Box::new(|| native.borrow_mut().take(&numbers, Form::Numbers, batch)),
            ),
            (
                "texts, component",
                Box::new(|| component.borrow_mut().take(&texts, Form::Texts, batch)),
            ),
            (
                "texts, native",
                Box::new(|| native.borrow_mut().take(&texts, Form::Texts, batch)),
            ),
        ];
        let ns: Vec<f64> = least(&mut cases)
            .into_iter()
            .map(|took| each_ns(took, PASSES * READINGS))
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
    let totals = native.borrow_mut().optimizer.update_totals()?;
    println!(
        "\n{:.0} % of the readings were published.\n",
        100.0 * totals.published as f64 / totals.observed as f64
    );
    Ok(())
}

/// What one reading costs beside a program in Python that judges and batches
/// the same.
pub(crate) fn against_python(component: &mut dyn Optimizer, entities: u32) -> Result<()> {
    let readings = Readings::of(entities, READINGS, false);
    let home = Home::new(entities);
    let component = RefCell::new(Side::new(component, &home)?);
    println!("Readings beside plain Python, ns each (numbers, {entities} entities)");
    println!("| batch | component | Python | times |");
    println!("|---|---|---|---|");
    for batch in [256, 1024] {
        let Some((python_ns, published)) = python::each_ns(&home, &readings, batch, WINDOW_US)?
        else {
            println!("\nThere is no Python here.\n");
            return Ok(());
        };
        let before = component.borrow_mut().optimizer.update_totals()?.published;
        component.borrow_mut().take(&readings, Form::Numbers, batch);
        let after = component.borrow_mut().optimizer.update_totals()?.published;
        let mut cases: [Case<'_>; 1] = [(
            "component",
            Box::new(|| component.borrow_mut().take(&readings, Form::Numbers, batch)),
        )];
        let component_ns = each_ns(least(&mut cases)[0], PASSES * READINGS);
        println!(
            "| {batch} | {component_ns:.1} | {python_ns:.0} | {:.0} |",
            python_ns / component_ns
        );
        println!(
            "<!-- published in a round: {} and {published} -->",
            (after - before) / PASSES as u64
        );
    }
    println!();
    Ok(())
}

/// What one reading costs by the size of the home.
pub(crate) fn by_entities<'a>(fresh: &dyn Fn() -> Result<Box<dyn Optimizer + 'a>>) -> Result<()> {
    println!("Readings, ns each, by the number of entities (numbers, batches of 1024)");
    println!("| entities | component | native | ratio |");
    println!("|---|---|---|---|");
    for entities in [1_000, 10_000, 100_000] {
        // Several of each, so that they are not the same from pass to pass.
        let count = READINGS.max(8 * entities as usize);
        let readings = Readings::of(entities, count, false);
        let home = Home::new(entities);
        let mut component = fresh()?;
        let mut native = Native::new();
        let component = RefCell::new(Side::new(&mut *component, &home)?);
        let native = RefCell::new(Side::new(&mut native, &home)?);
        let mut cases: [Case<'_>; 2] = [
            (
                "component",
                Box::new(|| component.borrow_mut().take(&readings, Form::Numbers, 1024)),
            ),
            (
                "native",
                Box::new(|| native.borrow_mut().take(&readings, Form::Numbers, 1024)),
            ),
        ];
        let ns: Vec<f64> = least(&mut cases)
            .into_iter()
            .map(|took| each_ns(took, PASSES * count))
            .collect();
        println!(
            "| {entities} | {:.1} | {:.1} | {:.2} |",
            ns[0],
            ns[1],
            ns[0] / ns[1]
        );
    }
    println!();
    Ok(())
}

/// What a call costs that carries nothing.
pub(crate) fn empty_call(component: &mut dyn Optimizer) {
    const CALLS: usize = 20_000;
    let component = RefCell::new(component);
    let now = Instant { mono: 0, wall: 0 };
    let mut cases: [Case<'_>; 2] = [
        (
            "a call that carries nothing (`next-deadline`)",
            Box::new(|| {
                let mut component = component.borrow_mut();
                for _ in 0..CALLS {
                    component.next_deadline().unwrap();
                }
            }),
        ),
        (
            "`observe-numbers` of no reading",
            Box::new(|| {
                let mut component = component.borrow_mut();
                for _ in 0..CALLS {
                    component.observe_numbers(now, &[], &[], &[]).unwrap();
                }
            }),
        ),
    ];
    println!("Calls\n| call | ns |\n|---|---|");
    let took = least(&mut cases);
    for ((name, _), took) in cases.iter().zip(took) {
        println!("| {name} | {:.0} |", each_ns(took, CALLS));
    }
    println!();
}

impl<'a> Side<'a> {
    /// A fresh optimizer that is told of a home.
    fn new(optimizer: &'a mut dyn Optimizer, home: &Home) -> Result<Self> {
        home.introduce(optimizer)?;
        Ok(Self {
            optimizer,
            time: Passage::new(home.spacing_us()),
        })
    }

    /// Readings in batches, each with the time that has passed before it.
    fn take(&mut self, readings: &Readings, form: Form, batch: usize) {
        for batch in (0..PASSES).flat_map(|_| readings.batches(batch)) {
            let now = self.time.after(batch.series.len());
            let verdicts = match form {
                Form::Numbers => {
                    self.optimizer
                        .observe_numbers(now, batch.series, batch.numbers, &[])
                }
                Form::Texts => {
                    self.optimizer
                        .observe_texts(now, batch.series, batch.text, batch.lengths, &[])
                }
            };
            std::hint::black_box(verdicts.unwrap());
            self.time.collect(self.optimizer);
        }
    }
}

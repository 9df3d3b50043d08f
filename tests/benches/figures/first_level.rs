//! Reads and writes of the first cache level, through the component and
//! natively, for small and larger values in small and larger namespaces.

use std::cell::RefCell;

use anyhow::Result;
use weirhouse_core::Now;
use weirhouse_core::cache::{Cache, Lookup as CoreLookup, Options as CoreOptions};
use weirhouse_runner::operations::Cache as _;
use weirhouse_runner::wit::cache::{Lookup, Options};
use weirhouse_runner::wit::types::Instant;
use weirhouse_runner::{Component, Engine};

use crate::rounds::{Case, each_ns, least};

const CALLS: usize = 20_000;
const NAMESPACE: &str = "bench";
const NOW: Instant = Instant { mono: 0, wall: 0 };
const CORE_NOW: Now = Now {
    mono_us: 0,
    dated_us: 0,
};

pub(crate) fn measure(engine: &Engine, core: &std::path::Path) -> Result<()> {
    println!("First level: read and write, ns");
    println!(
        "| entries | bytes | hit: component | native, copied out | write that evicts: component | native |"
    );
    println!("|---|---|---|---|---|---|");
    for entries in [100, 10_000] {
        for bytes in [200, 1024] {
            let component = Component::load(engine, core)?;
            let took = measure_one(component, entries, bytes)?;
            let [hit, native_hit, write, native_write] = took;
            println!(
                "| {entries} | {bytes} | {hit:.0} | {native_hit:.0} | {write:.0} | {native_write:.0} |"
            );
        }
    }
    println!();
    Ok(())
}

fn measure_one(mut component: Component, entries: usize, bytes: usize) -> Result<[f64; 4]> {
    let capacity = u32::try_from(entries)?;
    let mut native = Cache::new();
    component.cache_resize(0, None, capacity)?;
    native.resize(0, None, capacity)?;
    let value = vec![7_u8; bytes];
    let options = Options {
        media_type: 0,
        memory_life: None,
        disk_life: None,
        stale: None,
    };
    let core_options = CoreOptions {
        media_type: 0,
        ..CoreOptions::default()
    };
    // Twice as many as there is room for: writing all in turn evicts each time.
    let keys: Vec<String> = (0..2 * entries)
        .map(|number| format!("weather:forecast:{number:05}:hourly"))
        .collect();
    let component = RefCell::new(component);
    let native = RefCell::new(native);
    let put = |key: &str| {
        let mut component = component.borrow_mut();
        component
            .cache_put(NOW, NAMESPACE, key, &value, options)
            .unwrap();
    };
    let put_native = |key: &str| {
        let (value, options) = (value.clone(), core_options.clone());
        let mut native = native.borrow_mut();
        native
            .put(CORE_NOW, NAMESPACE, key, value, options)
            .unwrap();
    };
    let fill = || {
        for key in &keys[..entries] {
            put(key);
            put_native(key);
        }
    };
    fill();
    // Steps that share no factor with the number of keys meet all of them.
    let spread = |number: usize| number * 7919 % entries;
    let mut reads: [Case<'_>; 2] = [
        (
            "component",
            Box::new(|| {
                let mut component = component.borrow_mut();
                for key in (0..CALLS).map(|number| &keys[spread(number)]) {
                    let found = component.cache_get(NOW, NAMESPACE, key).unwrap();
                    assert!(matches!(found, Lookup::Hit(_)));
                }
            }),
        ),
        (
            "native",
            Box::new(|| {
                let mut native = native.borrow_mut();
                for key in (0..CALLS).map(|number| &keys[spread(number)]) {
                    let found = native.get(CORE_NOW, NAMESPACE, key).unwrap();
                    let CoreLookup::Hit(entry) = found else {
                        unreachable!("it was put");
                    };
                    std::hint::black_box(entry.value.to_vec());
                }
            }),
        ),
    ];
    let read = least(&mut reads);
    drop(reads);
    let mut writes: [Case<'_>; 2] = [
        (
            "component",
            Box::new(|| keys.iter().cycle().take(CALLS).for_each(|key| put(key))),
        ),
        (
            "native",
            Box::new(|| {
                let keys = keys.iter().cycle().take(CALLS);
                keys.for_each(|key| put_native(key));
            }),
        ),
    ];
    let written = least(&mut writes);
    Ok([read[0], read[1], written[0], written[1]].map(|took| each_ns(took, CALLS)))
}

//! Hits of both cache levels.

use std::cell::RefCell;

use anyhow::Result;
use weirhouse::store::{L2Store, Record, RedbOptions, RedbStore, Stamp};
use weirhouse_core::Now;
use weirhouse_core::cache::{Cache, Lookup as CoreLookup, Options as CoreOptions};
use weirhouse_runner::Component;
use weirhouse_runner::operations::Cache as _;
use weirhouse_runner::wit::cache::{Admitted, Lookup, Options, OwnSettings};
use weirhouse_runner::wit::types::Instant;

use crate::rounds::{each_ns, least};

const KEYS: usize = 100;
const READS: usize = 20_000;
const VALUE_BYTES: usize = 1024;
const NOW: Instant = Instant { mono: 0, wall: 0 };
const CORE_NOW: Now = Now {
    mono_us: 0,
    dated_us: 0,
};

pub(crate) fn measure(component: &mut Component) -> Result<()> {
    let keys: Vec<String> = (0..KEYS)
        .map(|i| format!("weather:forecast:{i:04}:hourly"))
        .collect();
    let folder = tempfile::tempdir()?;
    let store = RedbStore::open(&folder.path().join("l2.redb"), RedbOptions::default())?.store;
    let mut native = Cache::new();
    fill(&keys, component, &mut native, &store)?;
    // No room in memory, so that every read of this namespace goes to disk.
    component.cache_configure_own(0, "below", without_memory())?;

    let component = RefCell::new(component);
    let native = RefCell::new(native);
    let reads = || keys.iter().cycle().take(READS);
    let mut cases: [crate::rounds::Case<'_>; 4] = [
        (
            "L1 hit through the component",
            Box::new(|| {
                let mut component = component.borrow_mut();
                for key in reads() {
                    let found = component.cache_get(NOW, "bench", key).unwrap();
                    assert!(matches!(found, Lookup::Hit(_)));
                }
            }),
        ),
        (
            "L1 hit natively, copied out",
            Box::new(|| {
                let mut native = native.borrow_mut();
                for key in reads() {
                    let CoreLookup::Hit(entry) = native.get(CORE_NOW, "bench", key).unwrap() else {
                        unreachable!("it was put");
                    };
                    std::hint::black_box(entry.value.to_vec());
                }
            }),
        ),
        (
            "L2 hit: component, store, component",
            Box::new(|| {
                let mut component = component.borrow_mut();
                for key in reads() {
                    assert_eq!(
                        component.cache_get(NOW, "below", key).unwrap(),
                        Lookup::Below
                    );
                    let found = store
                        .get("bench", key)
                        .unwrap()
                        .map(|record| record.into_stored(0));
                    let admitted = component
                        .cache_admit(NOW, "below", key, found.as_ref())
                        .unwrap();
                    assert!(matches!(admitted, Admitted::Hit(_)));
                }
            }),
        ),
        (
            "of it, the store alone",
            Box::new(|| {
                for key in reads() {
                    assert!(store.get("bench", key).unwrap().is_some());
                }
            }),
        ),
    ];
    let took = least(&mut cases);
    println!("Cache, {KEYS} keys, values of {VALUE_BYTES} bytes");
    println!("| case | ns | against the first |");
    println!("|---|---|---|");
    let first_ns = each_ns(took[0], READS);
    for ((name, _), took) in cases.iter().zip(&took) {
        let ns = each_ns(*took, READS);
        println!("| {name} | {ns:.0} | {:.2} |", ns / first_ns);
    }
    println!();
    Ok(())
}

/// Puts the same values everywhere.
fn fill(
    keys: &[String],
    component: &mut Component,
    native: &mut Cache,
    store: &RedbStore,
) -> Result<()> {
    let value = vec![7_u8; VALUE_BYTES];
    for key in keys {
        let options = Options {
            media_type: 0,
            memory_life: None,
            disk_life: None,
            stale: None,
        };
        component.cache_put(NOW, "bench", key, &value, options)?;
        native
            .put(
                CORE_NOW,
                "bench",
                key,
                value.clone(),
                CoreOptions::default(),
            )
            .map_err(anyhow::Error::new)?;
        let stamp = Stamp {
            put_at_us: 0,
            life_us: 3_600_000_000,
            memory_life_us: 300_000_000,
            while_revalidate_us: 0,
            if_error_us: 0,
        };
        let record = Record {
            value: value.clone(),
            content_type: "application/octet-stream".into(),
            tags: Vec::new(),
            stamp,
        };
        store.put("bench", key, record)?;
    }
    store.flush()?;
    Ok(())
}

fn without_memory() -> OwnSettings {
    OwnSettings {
        capacity: Some(0),
        ..OwnSettings::default()
    }
}

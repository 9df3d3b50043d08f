//! Claims everything, fills its store, and asks about entities it was never told of.
//!
//! What it gets is checked here: an error of `judge` says where the host gave too much, or too little.

use std::collections::BTreeSet;
use std::sync::Mutex;

use hostile::exported::about::Description;
use hostile::exported::judge::{Decision, Observation};
use hostile::weirhouse::plugin::store::{self, Refusal};
use hostile::weirhouse::plugin::{entities, log};
use hostile::{Fixture, abstain, claim, description};

/// More than any store takes.
const VALUES: usize = 128;
const VALUE_BYTES: usize = 1024;

/// Entities that came in a call.
static TOLD: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

struct Greedy;

impl Fixture for Greedy {
    const NAME: &str = "greedy";
    const CAPABILITIES: &[&str] = &["entities", "log", "store"];

    fn describe() -> Description {
        Description {
            claims: vec![claim("*")],
            ..description(Self::NAME, Self::FUNCTIONS, Self::CAPABILITIES)
        }
    }

    fn judge(batch: Vec<Observation>) -> Result<Vec<Decision>, String> {
        let mut told = TOLD.lock().map_err(|error| error.to_string())?;
        if told.is_empty() {
            fill_store()?;
        }
        let new: Vec<u32> = batch
            .iter()
            .map(|observation| observation.entity)
            .filter(|entity| told.insert(*entity))
            .collect();
        for entity in new {
            ask_about(entity, &told)?;
        }
        Ok(batch.iter().map(|_| abstain()).collect())
    }
}

fn fill_store() -> Result<(), String> {
    for key in ["", &"k".repeat(129)] {
        match store::set(key, b"value") {
            Err(Refusal::BadKey) => {}
            other => return Err(format!("a key of {} bytes: {other:?}", key.len())),
        }
    }
    for number in 0..VALUES {
        match store::set(&format!("key-{number}"), &[1; VALUE_BYTES]) {
            Ok(()) => {}
            Err(Refusal::Full) => {
                log::write(log::Level::Info, &format!("full after {number} values"));
                return Ok(());
            }
            Err(other) => return Err(format!("the store refuses with {other:?}")),
        }
    }
    Err(format!(
        "the store took {} KiB",
        VALUES * VALUE_BYTES / 1024
    ))
}

/// Asks about one that came, and about its neighbours that did not.
fn ask_about(entity: u32, told: &BTreeSet<u32>) -> Result<(), String> {
    if entities::describe(entity).is_none() {
        return Err(format!("nothing is known of entity {entity}, which came"));
    }
    let others = [entity.wrapping_sub(1), entity.wrapping_add(1), u32::MAX];
    for other in others.into_iter().filter(|other| !told.contains(other)) {
        if let Some(metadata) = entities::describe(other) {
            return Err(format!("was told of {}, which never came", metadata.id));
        }
    }
    Ok(())
}

hostile::export!(Greedy with_types_in hostile);

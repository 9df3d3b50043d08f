//! Whether all states of a large home are what Home Assistant says they are, once nothing changes any more.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::time::sleep;

use crate::home::Home;

/// How long the mirror may take to be equal.
const PATIENCE: Duration = Duration::from_secs(20);

/// Everything of a state that Home Assistant tells.
const MEMBERS: [&str; 6] = [
    "state",
    "attributes",
    "last_changed",
    "last_updated",
    "last_reported",
    "context",
];

pub(crate) fn heading() {
    println!("\n### Equality with Home Assistant's own answer\n");
    println!("| entities | changes before | states compared | different | equal after, ms |");
    println!("|---|---|---|---|---|");
}

/// Changes the home, and compares when that is over.
pub(crate) async fn measure(home: &Home, entities: usize, rate: u32, time: Duration) -> Result<()> {
    home.changes(rate, time, 7)?;
    sleep(time + Duration::from_millis(500)).await;
    let quiet = Instant::now();
    let theirs = rows(&home.assistant.get("/api/states")?)?;
    let (ours, different) = loop {
        let ours = rows(&home.weirhouse.json("/v1/states")?["states"])?;
        let different = differences(&theirs, &ours);
        if different.is_empty() || quiet.elapsed() > PATIENCE {
            break (ours, different);
        }
        sleep(Duration::from_millis(50)).await;
    };
    println!(
        "| {entities} | {} | {} | {} | {} |",
        f64::from(rate) * time.as_secs_f64(),
        ours.len(),
        different.len(),
        quiet.elapsed().as_millis(),
    );
    match different.first() {
        Some(first) => bail!("{first} and {} more differ", different.len() - 1),
        None => Ok(()),
    }
}

fn rows(list: &Value) -> Result<BTreeMap<String, Value>> {
    let list = list.as_array().context("no list of states")?;
    let row = |row: &Value| Some((row["entity_id"].as_str()?.to_owned(), row.clone()));
    list.iter()
        .map(|it| row(it).context("a state without an entity"))
        .collect()
}

/// Entities that one of them lacks, or that differ in a member that both tell.
fn differences(theirs: &BTreeMap<String, Value>, ours: &BTreeMap<String, Value>) -> Vec<String> {
    let mut different: Vec<String> = ours
        .keys()
        .filter(|id| !theirs.contains_key(*id))
        .cloned()
        .collect();
    for (id, theirs) in theirs {
        let same = ours.get(id).is_some_and(|ours| {
            MEMBERS.iter().all(|member| {
                // The feed tells no time of reports without a change.
                *member == "last_reported" && ours.get(member).is_none()
                    || theirs[member] == ours[member]
            })
        });
        if !same {
            different.push(id.clone());
        }
    }
    different
}

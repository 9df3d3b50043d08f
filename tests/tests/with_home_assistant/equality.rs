//! Everything that is mirrored, held against what Home Assistant answers itself.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Map, Value, json};
use weirhouse_tests::home_assistant::{Commands, HomeAssistant};
use weirhouse_tests::program::{PATIENCE, Program};

/// Rows by identifier.
type Rows = BTreeMap<String, Value>;

/// Helpers by domain, as Home Assistant's own pages know them.
const HELPER_DOMAINS: [&str; 9] = [
    "counter",
    "input_boolean",
    "input_button",
    "input_datetime",
    "input_number",
    "input_select",
    "input_text",
    "schedule",
    "timer",
];

/// Lists of the API, with the member that identifies a row.
const LISTS: [(&str, &str); 10] = [
    ("states", "entity_id"),
    ("scenes", "entity_id"),
    ("helpers", "entity_id"),
    ("entities", "entity_id"),
    ("devices", "id"),
    ("areas", "area_id"),
    ("floors", "floor_id"),
    ("labels", "label_id"),
    ("config_entries", "entry_id"),
    ("services", "id"),
];

/// A reader that was told everything once, and only changes since.
#[derive(Default)]
pub(crate) struct Follower {
    lists: BTreeMap<&'static str, (String, Rows)>,
    /// Answers that brought everything, for want of memory of the changes.
    pub(crate) full: usize,
    /// Answers that brought changes.
    pub(crate) deltas: usize,
}

impl Follower {
    /// Asks each list for what changed since it was asked last.
    pub(crate) fn catch_up(&mut self, weirhouse: &Program) -> Result<()> {
        for (list, id) in LISTS {
            let (cursor, rows) = self.lists.entry(list).or_default();
            loop {
                let since = if cursor.is_empty() {
                    String::new()
                } else {
                    format!("&since={cursor}")
                };
                let answer = weirhouse.json(&format!("/v1/{list}?limit=100000{since}"))?;
                if answer["full"] == true {
                    rows.clear();
                    self.full += 1;
                } else {
                    self.deltas += 1;
                }
                rows.extend(by_id(&answer[list], id)?);
                for gone in answer["removed"].as_array().into_iter().flatten() {
                    rows.remove(gone.as_str().context("no identifier")?);
                }
                answer["cursor"]
                    .as_str()
                    .context("no cursor")?
                    .clone_into(cursor);
                if answer["more"] == false {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Waits for a moment at which both sides say the same of everything, and gives how many rows that were.
///
/// A moment counts if Home Assistant answered the same before and after Weirhouse was asked.
pub(crate) fn holds(
    home: &HomeAssistant,
    weirhouse: &Program,
    follower: &mut Follower,
) -> Result<usize> {
    let started = Instant::now();
    let mut commands = home.commands()?;
    loop {
        let before = theirs(&mut commands)?;
        let ours = ours(weirhouse)?;
        let after = theirs(&mut commands)?;
        let difference = difference(&before, &ours);
        if before == after && difference.is_empty() {
            follow(weirhouse, follower)?;
            return Ok(before.values().map(BTreeMap::len).sum());
        }
        if started.elapsed() > PATIENCE {
            bail!(
                "after {PATIENCE:?} the mirror still differs, left Home Assistant, right the mirror:\n{}",
                difference.join("\n")
            );
        }
        thread::sleep(Duration::from_millis(200));
    }
}

/// What was told in changes adds up to the whole.
fn follow(weirhouse: &Program, follower: &mut Follower) -> Result<()> {
    let started = Instant::now();
    loop {
        follower.catch_up(weirhouse)?;
        let whole = ours(weirhouse)?;
        let lists = follower.lists.iter().map(|(list, (_, rows))| {
            let rows = rows.iter();
            let rows = rows.map(|(id, row)| (id.clone(), comparable(row.clone())));
            (*list, rows.collect())
        });
        // Sensors that change by themselves may have done so in between.
        let difference = difference(&whole, &lists.collect());
        if difference.is_empty() {
            return Ok(());
        }
        ensure!(
            started.elapsed() < PATIENCE,
            "changes do not add up to the whole, right:\n{}",
            difference.join("\n")
        );
        thread::sleep(Duration::from_millis(200));
    }
}

/// What Weirhouse says, which must be fresh.
fn ours(weirhouse: &Program) -> Result<BTreeMap<&'static str, Rows>> {
    let mut all = BTreeMap::new();
    for (list, id) in LISTS {
        let answer = weirhouse.json(&format!("/v1/{list}"))?;
        let rows = by_id(&answer[list], id)?;
        // Stale counts as different: nothing of it is promised to be equal.
        let rows = if answer["stale"] == true {
            Rows::new()
        } else {
            rows
        };
        all.insert(
            list,
            rows.into_iter()
                .map(|(id, row)| (id, comparable(row)))
                .collect(),
        );
    }
    Ok(all)
}

/// What Home Assistant says, in the same form.
fn theirs(commands: &mut Commands) -> Result<BTreeMap<&'static str, Rows>> {
    let mut rows = |command: Value, id: &str| -> Result<Rows> {
        let rows = by_id(&commands.result(command)?, id)?;
        Ok(rows
            .into_iter()
            .map(|(id, row)| (id, comparable(row)))
            .collect())
    };
    let states = rows(json!({ "type": "get_states" }), "entity_id")?;
    let mut all = BTreeMap::new();
    for (list, command, id) in [
        ("entities", "config/entity_registry/list", "entity_id"),
        ("devices", "config/device_registry/list", "id"),
        ("areas", "config/area_registry/list", "area_id"),
        ("floors", "config/floor_registry/list", "floor_id"),
        ("labels", "config/label_registry/list", "label_id"),
        ("config_entries", "config_entries/get", "entry_id"),
    ] {
        all.insert(list, rows(json!({ "type": command }), id)?);
    }
    let helpers = json!({ "type": "config_entries/get", "type_filter": ["helper"] });
    let helpers = rows(helpers, "entry_id")?;
    let made_by_helper = |id: &str| {
        let entry = all["entities"]
            .get(id)
            .and_then(|row| row["config_entry_id"].as_str());
        entry.is_some_and(|entry| helpers.contains_key(entry))
    };
    let of = |test: &dyn Fn(&str) -> bool| -> Rows {
        let chosen = states.iter().filter(|(id, _)| test(id));
        chosen.map(|(id, row)| (id.clone(), row.clone())).collect()
    };
    let helpers = of(&|id| {
        HELPER_DOMAINS
            .iter()
            .any(|domain| id.split('.').next() == Some(domain))
            || made_by_helper(id)
    });
    let scenes = of(&|id| id.starts_with("scene."));
    all.insert("helpers", helpers);
    all.insert("scenes", scenes);
    all.insert("states", states);
    let mut services = Rows::new();
    let domains = commands.result(json!({ "type": "get_services" }))?;
    for (domain, of_domain) in domains.as_object().context("no services")? {
        for (service, definition) in of_domain.as_object().context("no services")? {
            let id = format!("{domain}.{service}");
            let row =
                json!({ "id": id, "domain": domain, "service": service, "definition": definition });
            services.insert(id, comparable(row));
        }
    }
    all.insert("services", services);
    Ok(all)
}

fn by_id(rows: &Value, id: &str) -> Result<Rows> {
    let rows = rows
        .as_array()
        .with_context(|| format!("no list: {rows}"))?;
    let named = rows.iter().map(|row| {
        let id = row[id]
            .as_str()
            .with_context(|| format!("no {id}: {row}"))?;
        Ok((id.to_owned(), row.clone()))
    });
    let named: Rows = named.collect::<Result<_>>()?;
    ensure!(named.len() == rows.len(), "a row is listed twice");
    Ok(named)
}

/// Without what no feed carries, and with sets, which Home Assistant writes in any order, in one order.
fn comparable(mut row: Value) -> Value {
    if let Some(row) = row.as_object_mut() {
        row.remove("last_reported");
        if !row.contains_key("attributes") {
            sort(row);
        }
    }
    row
}

fn sort(row: &mut Map<String, Value>) {
    for value in row.values_mut() {
        if let Some(items) = value.as_array_mut() {
            items.sort_by_key(ToString::to_string);
        }
    }
}

/// The rows that differ, at most some.
fn difference(theirs: &BTreeMap<&str, Rows>, ours: &BTreeMap<&str, Rows>) -> Vec<String> {
    let mut lines = Vec::new();
    for (list, theirs) in theirs {
        let ours = &ours[list];
        let ids: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
        for id in ids
            .into_iter()
            .filter(|id| theirs.get(*id) != ours.get(*id))
        {
            let show = |row: Option<&Value>| row.map_or("nothing".to_owned(), ToString::to_string);
            lines.push(format!(
                "{list} {id}:\n  {}\n  {}",
                show(theirs.get(id)),
                show(ours.get(id))
            ));
        }
    }
    lines
}

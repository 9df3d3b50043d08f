//! Whoever follows by cursors, from anywhere and in pages of any size, ends with what a full list holds.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use weirhouse_hass::{Class, Group};

use super::*;

/// Few names, so that they come, go and meet again.
const NAMES: [&str; 6] = [
    "light.a", "light.b", "sensor.a", "sensor.b", "scene.a", "timer.a",
];

/// Something that happens to a home, or a reader who looks.
#[derive(Debug, Clone)]
enum Step {
    Set(usize, u8),
    Remove(usize),
    /// All states anew: the value of each name, or its absence.
    Replace(Vec<Option<u8>>),
    /// The area of each name, or none.
    Move(Vec<Option<u8>>),
    Stale,
    /// This follower catches up, this many pages at most.
    Look(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let each = || prop::collection::vec(prop::option::of(0..2_u8), NAMES.len());
    prop_oneof![
        6 => (0..NAMES.len(), 0..3_u8).prop_map(|(name, value)| Step::Set(name, value)),
        2 => (0..NAMES.len()).prop_map(Step::Remove),
        1 => each().prop_map(Step::Replace),
        1 => each().prop_map(Step::Move),
        1 => Just(Step::Stale),
        4 => (0..6_usize, 1..3_usize).prop_map(|(follower, pages)| Step::Look(follower, pages)),
    ]
}

/// A reader with a copy of its own.
struct Follower {
    query: Query,
    rows: BTreeMap<String, Value>,
    cursor: Option<Cursor>,
}

fn followers() -> Vec<Follower> {
    let of = |source, limit, shape: &dyn Fn(&mut Selection)| {
        let mut query = Query::of(source);
        query.limit = limit;
        shape(&mut query.selection);
        Follower {
            query,
            rows: BTreeMap::new(),
            cursor: None,
        }
    };
    let hall = |it: &mut Selection| it.groups = vec![(Group::Area, vec!["0".to_owned()])];
    vec![
        of(Source::States, None, &|_| {}),
        of(Source::States, Some(1), &|it| {
            it.domains = vec!["light".to_owned()];
        }),
        of(Source::States, Some(2), &hall),
        of(Source::Scenes, None, &|_| {}),
        of(Source::Helpers, Some(1), &|_| {}),
        of(Source::Class(Class::Entities), Some(1), &hall),
    ]
}

impl Follower {
    /// Reads at most so many pages; true if there are no more.
    fn look(&mut self, replica: &Replica, pages: usize) -> bool {
        for _ in 0..pages {
            let told = answer(replica, &self.query);
            let told_rows = rows(&told, self.query.source);
            let first = self.query.after.is_none();
            if told["full"] == true && first {
                self.rows.clear();
            }
            let last = told_rows.keys().next_back().cloned();
            self.rows.extend(told_rows);
            for gone in told["removed"].as_array().into_iter().flatten() {
                self.rows.remove(gone.as_str().unwrap());
            }
            // What changes while a full list is read in pages is told after the cursor of its first page.
            if first {
                self.cursor = Some(told["cursor"].as_str().unwrap().parse().unwrap());
            }
            let is_full = told["full"] == true;
            let more = told["more"] == true;
            self.query.after = last.filter(|_| is_full && more);
            self.query.since = self.cursor.filter(|_| self.query.after.is_none());
            if !more {
                // A full list in several pages may lack what changed meanwhile.
                return first;
            }
        }
        false
    }
}

fn rows(told: &Value, source: Source) -> BTreeMap<String, Value> {
    let rows = told[source.name()].as_array().unwrap().iter();
    rows.map(|row| (row[source.id()].as_str().unwrap().to_owned(), row.clone()))
        .collect()
}

fn happen(replica: &Replica, step: &Step) {
    let value = |name: usize, value: u8| state(NAMES[name], &value.to_string());
    match step {
        Step::Set(name, text) => replica.update_states(AT, &[value(*name, *text)]),
        Step::Remove(name) => replica.update_states(AT, &[gone(NAMES[*name])]),
        Step::Replace(values) => {
            let rows = values.iter().enumerate();
            let rows: Vec<_> = rows
                .filter_map(|(name, it)| Some(value(name, (*it)?)))
                .collect();
            replica.replace_states(AT, &rows);
        }
        Step::Move(areas) => {
            let rows = areas.iter().zip(NAMES).filter_map(|(area, name)| {
                let area = (*area)?.to_string();
                Some(json!({ "entity_id": name, "area_id": area }))
            });
            let rows: Vec<Value> = rows.collect();
            replica.replace_class(
                AT,
                &Class::Entities.parse(&json!(rows).to_string()).unwrap(),
            );
        }
        Step::Stale => replica.set_stale(),
        Step::Look(..) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn followers_end_with_the_whole(steps in prop::collection::vec(step(), 0..60)) {
        let replica = Replica::new();
        let areas = Class::Areas.parse(r#"[{"area_id":"0"},{"area_id":"1"}]"#).unwrap();
        replica.replace_class(AT, &areas);
        let mut followers = followers();
        let mut last: Vec<Option<(Tag, BTreeMap<String, Value>)>> = vec![None; followers.len()];
        for step in &steps {
            happen(&replica, step);
            if let Step::Look(follower, pages) = step {
                followers[*follower].look(&replica, *pages);
            }
            // Equal tags, equal content.
            for (follower, last) in followers.iter().zip(&mut last) {
                let mut query = Query::of(follower.query.source);
                query.selection.domains.clone_from(&follower.query.selection.domains);
                query.selection.groups.clone_from(&follower.query.selection.groups);
                let Ok(Listing::New(tag, body)) = replica.list(&query, |_| false) else {
                    panic!("nothing is known");
                };
                let told: Value = serde_json::from_slice(&body).unwrap();
                let now = rows(&told, query.source);
                if let Some((before, content)) = last {
                    prop_assert!(*before != tag || *content == now);
                }
                *last = Some((tag, now));
            }
        }
        for follower in &mut followers {
            while !follower.look(&replica, 100) {}
            let mut query = Query::of(follower.query.source);
            query.selection.domains.clone_from(&follower.query.selection.domains);
            query.selection.groups.clone_from(&follower.query.selection.groups);
            let whole = rows(&answer(&replica, &query), query.source);
            prop_assert_eq!(&follower.rows, &whole, "{:?}", query);
        }
    }
}

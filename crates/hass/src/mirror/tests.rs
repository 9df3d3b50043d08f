//! The merge rules, frame by frame, as Home Assistant's source states them.

use serde_json::{Value, json};

use super::*;
use crate::{Event, Session, SessionConfig};

const NOW: Duration = Duration::from_secs(7);

/// A session logged in and a mirror behind it; frames are given as the body of the states event.
struct Feed {
    session: Session,
    mirror: Mirror,
}

fn logged_in() -> Session {
    let mut session = Session::new(SessionConfig::new("t"));
    session.handle_frame(NOW, r#"{"type":"auth_ok"}"#).unwrap();
    session
}

impl Feed {
    fn new(snapshot: &Value) -> Self {
        let mut feed = Self {
            session: logged_in(),
            mirror: Mirror::new(),
        };
        feed.event(&json!({ "a": snapshot }));
        feed
    }

    fn event(&mut self, event: &Value) -> Vec<Observation> {
        let frame = json!({ "type": "event", "event": event, "id": 2 });
        self.session.handle_frame(NOW, &frame.to_string()).unwrap();
        let mut seen = Vec::new();
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Snapshot(states) => seen.extend(self.mirror.replace(states, NOW)),
                Event::Changes(changes) => {
                    seen.extend(
                        changes
                            .into_iter()
                            .filter_map(|change| self.mirror.apply(change, NOW)),
                    );
                }
                _ => {}
            }
        }
        seen
    }

    fn json(&self, entity_id: &str) -> Value {
        serde_json::from_str(&self.mirror.entity_json(entity_id).unwrap()).unwrap()
    }
}

fn porch() -> Value {
    json!({ "sensor.porch": {
        "s": "20.5", "a": { "unit": "°C", "seen": [1, { "x": null }] }, "c": "C1", "lc": 1000.0, "lu": 1001.5,
    } })
}

#[test]
fn a_snapshot_reads_like_get_states() {
    let feed = Feed::new(&porch());
    assert_eq!(
        feed.json("sensor.porch"),
        json!({
            "entity_id": "sensor.porch",
            "state": "20.5",
            "attributes": { "unit": "°C", "seen": [1, { "x": null }] },
            "last_changed": "1970-01-01T00:16:40+00:00",
            "last_updated": "1970-01-01T00:16:41.500000+00:00",
            "context": { "id": "C1", "parent_id": null, "user_id": null },
        })
    );
    assert!(!feed.mirror.is_stale());
    assert_eq!(feed.mirror.as_of(), Some(NOW));
    assert!(feed.mirror.entity_json("sensor.gone").is_none());
}

#[test]
fn diffs_merge_by_home_assistants_rules() {
    // The diff, then the fields it must leave behind (dates as seconds of 1970-01-01T00:xx).
    let cases = [
        (
            "a new last_changed is also the last update",
            json!({ "+": { "s": "21", "lc": 1060.0, "c": "C2" } }),
            json!({ "state": "21", "last_changed": "17:40", "last_updated": "17:40", "context": ["C2", null, null] }),
        ),
        (
            "a last_updated alone leaves last_changed",
            json!({ "+": { "lu": 1060.0, "a": { "unit": "K" } } }),
            json!({ "last_changed": "16:40", "last_updated": "17:40", "attributes": { "unit": "K", "seen": [1, { "x": null }] } }),
        ),
        (
            "a value is replaced whole, a key removed",
            json!({ "+": { "a": { "seen": {} } }, "-": { "a": ["unit", "never"] } }),
            json!({ "attributes": { "seen": {} } }),
        ),
        (
            "a context in parts",
            json!({ "+": { "c": { "user_id": "U", "id": "C3" } } }),
            json!({ "context": ["C3", null, "U"] }),
        ),
        ("nothing at all", json!({}), json!({ "state": "20.5" })),
        (
            "parts nobody knows yet",
            json!({ "+": { "zz": [1] }, "*": 1 }),
            json!({ "state": "20.5" }),
        ),
    ];
    for (name, diff, expected) in cases {
        let mut feed = Feed::new(&porch());
        feed.event(&json!({ "c": { "sensor.porch": diff } }));
        let full = feed.json("sensor.porch");
        for (field, value) in expected.as_object().unwrap() {
            let got = match field.as_str() {
                "last_changed" | "last_updated" => json!(full[field].as_str().unwrap()[14..19]),
                "context" => json!([
                    full[field]["id"],
                    full[field]["parent_id"],
                    full[field]["user_id"]
                ]),
                _ => full[field].clone(),
            };
            assert_eq!(&got, value, "{name}: {field}");
        }
    }
}

#[test]
fn a_partial_context_keeps_the_rest_and_null_clears() {
    let mut feed = Feed::new(
        &json!({ "a.b": { "s": "1", "lc": 1, "c": { "id": "C1", "parent_id": "P", "user_id": "U" } } }),
    );
    feed.event(&json!({ "c": { "a.b": { "+": { "c": "C2" } } } }));
    feed.event(&json!({ "c": { "a.b": { "+": { "c": { "user_id": null } } } } }));
    let context = &feed.mirror.get("a.b").unwrap().context;
    assert_eq!(context.id.as_deref(), Some("C2"));
    assert_eq!(context.parent_id.as_deref(), Some("P"));
    assert_eq!(context.user_id, None);
}

#[test]
fn observations_name_exactly_what_differs() {
    let mut feed = Feed::new(&porch());
    let seen = feed.event(&json!({
        "a": { "light.new": { "s": "on", "a": { "brightness": 3 }, "lc": 1 } },
        "c": { "sensor.porch": { "+": { "s": "20.5", "a": { "unit": "K", "new": 1 } }, "-": { "a": ["seen", "never"] } } },
    }));
    let names = |names: &[Box<str>]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(seen.len(), 2);
    assert_eq!(
        (
            seen[0].kind,
            seen[0].state_changed,
            names(&seen[0].attributes_changed)
        ),
        (Kind::Added, true, vec!["brightness".to_owned()])
    );
    assert_eq!(
        (seen[1].kind, seen[1].state_changed),
        (Kind::Changed, false)
    );
    assert_eq!(names(&seen[1].attributes_changed), ["new", "unit"]);
    assert_eq!(names(&seen[1].attributes_removed), ["seen"]);

    let gone = feed.event(&json!({ "r": ["light.new"] }));
    assert_eq!(
        (gone[0].kind, gone[0].entity_id.as_str()),
        (Kind::Removed, "light.new")
    );
    assert!(feed.mirror.get("light.new").is_none());
}

#[test]
fn changes_to_unknown_entities_are_counted_not_invented() {
    let mut feed = Feed::new(&porch());
    let seen =
        feed.event(&json!({ "c": { "sensor.x": { "+": { "s": "1" } } }, "r": ["sensor.y"] }));
    assert!(seen.is_empty());
    assert_eq!((feed.mirror.unmatched(), feed.mirror.len()), (2, 1));
}

#[test]
fn a_second_snapshot_yields_only_the_differences() {
    let state = |text: &str, at: u32| json!({ "s": text, "a": { "k": 1 }, "c": format!("C{at}"), "lc": at });
    let mut feed = Feed::new(
        &json!({ "a.same": state("1", 5), "a.moved": state("1", 5), "a.z": state("1", 5), "a.gone": state("1", 5) }),
    );
    feed.mirror.set_stale();
    assert!(feed.mirror.is_stale());
    assert_eq!(feed.mirror.len(), 4, "the last known values stay readable");

    feed.session = logged_in();
    let seen = feed.event(&json!({ "a": { "a.new": state("9", 9), "a.moved": state("2", 9), "a.same": state("1", 9) } }));
    let told: Vec<_> = seen
        .iter()
        .map(|o| (o.entity_id.as_str(), o.kind))
        .collect();
    assert_eq!(
        told,
        [
            ("a.moved", Kind::Changed),
            ("a.new", Kind::Added),
            ("a.gone", Kind::Removed),
            ("a.z", Kind::Removed),
        ]
    );
    assert!(!feed.mirror.is_stale());
    assert_eq!(
        feed.mirror.get("a.same").unwrap().context.id.as_deref(),
        Some("C9")
    );
}

#[test]
fn attribute_text_is_kept_to_the_letter() {
    let mut session = logged_in();
    let frame = r#"{"id":2,"type":"event","event":{"a":{"a.b":{"s":"1","a":{"n":1.50e1, "t":"\u00e9", "o":{"z":1,"a":2}},"lc":1}}}}"#;
    session.handle_frame(NOW, frame).unwrap();
    let mut mirror = Mirror::new();
    while let Some(event) = session.poll_event() {
        if let Event::Snapshot(states) = event {
            mirror.replace(states, NOW);
        }
    }
    let attributes = &mirror.get("a.b").unwrap().attributes;
    assert_eq!(attributes.get("n"), Some("1.50e1"));
    assert_eq!(attributes.number("n"), Some(15.0));
    assert_eq!(attributes.get("t"), Some(r#""\u00e9""#));
    assert_eq!(attributes.text("t").as_deref(), Some("é"));
    assert_eq!(attributes.get("o"), Some(r#"{"z":1,"a":2}"#));
    assert_eq!(attributes.number("o"), None);
    assert!(
        mirror
            .entity_json("a.b")
            .unwrap()
            .contains(r#""o":{"z":1,"a":2}"#)
    );
}

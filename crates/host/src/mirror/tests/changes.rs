//! When something counts as changed, and how changes are told.

use serde_json::{Value, json};
use weirhouse_hass::{Class, Group};

use super::*;

#[test]
fn a_cursor_brings_what_changed_since_then() {
    let replica = replica();
    let mut query = query(Source::States);
    let cursor = |answer: &Value| {
        answer["cursor"]
            .as_str()
            .unwrap()
            .parse::<Cursor>()
            .unwrap()
    };
    query.since = Some(cursor(&answer(&replica, &query)));
    let nothing = answer(&replica, &query);
    assert_eq!(
        (&nothing["full"], &nothing["states"], &nothing["removed"]),
        (&json!(false), &json!([]), &json!([]))
    );

    replica.update_states(
        AT,
        &[
            state("light.b", "on"),
            gone("scene.movie"),
            state("sensor.a", "1"),
        ],
    );
    replica.update_states(AT, &[state("light.b", "off"), state("light.c", "on")]);
    let told = answer(&replica, &query);
    assert_eq!(ids(&told, Source::States), ["light.b", "light.c"]);
    assert_eq!(told["states"][0]["state"], "off");
    assert_eq!(told["removed"], json!(["scene.movie"]));

    // In pages: each with a cursor behind what it told.
    query.limit = Some(1);
    let mut events = Vec::new();
    for _ in 0..10 {
        let page = answer(&replica, &query);
        events.extend(ids(&page, Source::States));
        events.extend(
            page["removed"]
                .as_array()
                .unwrap()
                .iter()
                .map(|id| format!("-{}", id.as_str().unwrap())),
        );
        query.since = Some(cursor(&page));
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(events, ["-scene.movie", "light.b", "light.c"]);
    assert_eq!(answer(&replica, &query)["states"], json!([]));

    // A cursor of another run, or from ahead, gets everything.
    query.limit = None;
    for odd in ["ffffffff-1", "00000000-1"] {
        query.since = Some(odd.parse().unwrap());
        if query.since.unwrap().epoch == replica.epoch {
            continue;
        }
        assert_eq!(answer(&replica, &query)["full"], true);
    }
}

#[test]
fn a_cursor_over_places_that_changed_brings_everything() {
    let replica = replica();
    let mut query = query(Source::States);
    query.selection.groups = vec![(Group::Area, vec!["hall".into()])];
    let first = answer(&replica, &query);
    query.since = Some(first["cursor"].as_str().unwrap().parse().unwrap());
    replica.update_states(AT, &[state("light.a", "off"), state("sensor.a", "2")]);
    let told = answer(&replica, &query);
    assert_eq!(
        (ids(&told, Source::States), &told["full"]),
        (vec!["light.a".to_owned()], &json!(false))
    );
    // The lamp is carried to the attic.
    let devices = Class::Devices
        .parse(r#"[{"id":"lamp","area_id":"attic"}]"#)
        .unwrap();
    replica.replace_class(AT, &devices);
    let told = answer(&replica, &query);
    assert_eq!(
        (ids(&told, Source::States), &told["full"]),
        (Vec::new(), &json!(true))
    );
}

#[test]
fn tags_change_with_the_content_and_only_then() {
    let replica = replica();
    let all = query(Source::States);
    let mut lights = query(Source::States);
    lights.selection.domains = vec!["light".into()];
    let mut expanded = query(Source::States);
    expanded.expand = vec![Expansion::Area];
    let mut entities = query(Source::Class(Class::Entities));
    entities.expand = vec![Expansion::State];
    let queries = [&all, &lights, &expanded, &entities];
    let tags = || queries.map(|query| tag(&replica, query));
    let changed = |before: [Tag; 4]| {
        let after = tags();
        [0, 1, 2, 3].map(|at| before[at] != after[at])
    };

    let before = tags();
    replica.update_states(AT, &[state("light.a", "on")]);
    replica.replace_states(
        AT,
        &[
            "light.a",
            "light.b",
            "sensor.a",
            "scene.movie",
            "input_number.x",
        ]
        .map(|id| {
            state(
                id,
                match id {
                    "light.a" => "on",
                    "light.b" => "off",
                    "sensor.a" => "1",
                    "scene.movie" => "unknown",
                    _ => "5",
                },
            )
        }),
    );
    assert_eq!(changed(before), [false; 4], "told again unchanged");

    let before = tags();
    replica.update_states(AT, &[state("sensor.a", "7")]);
    assert_eq!(changed(before), [true, false, true, true]);

    let before = tags();
    replica.replace_class(
        AT,
        &Class::Areas
            .parse(r#"[{"area_id":"hall","name":"new"},{"area_id":"attic"}]"#)
            .unwrap(),
    );
    assert_eq!(changed(before), [false, false, true, true]);

    let before = tags();
    replica.set_stale();
    assert_eq!(changed(before), [true; 4]);
    assert_eq!(answer(&replica, &all)["stale"], true);

    let before = tags();
    replica.update_states(AT, &[gone("light.b")]);
    assert_eq!(changed(before), [true, true, true, true]);
}

#[test]
fn renames_are_followed_and_end() {
    let replica = replica();
    for (from, to) in [
        ("a.1", "a.2"),
        ("a.2", "a.3"),
        ("a.x", "a.y"),
        ("a.y", "a.x"),
    ] {
        replica.note_renamed(from.to_owned(), to.to_owned());
    }
    assert_eq!(replica.renamed("a.1").as_deref(), Some("a.3"));
    assert_eq!(replica.renamed("a.y").as_deref(), Some("a.x"));
    assert_eq!(replica.renamed("a.x"), None, "it is a name in use again");
}

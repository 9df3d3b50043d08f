//! The replica from outside: what is listed, as what, and when it counts as changed.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use weirhouse_hass::{Class, Group, Timestamp};

use super::*;

const AT: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn state(entity_id: &str, state: &str) -> StateRow {
    let json = json!({
        "entity_id": entity_id, "state": state, "attributes": { "unit": "W", "n": 1 },
        "last_changed": "x", "last_updated": "x", "context": { "id": null },
    });
    StateRow {
        entity_id: entity_id.to_owned(),
        json: Some(json.to_string().into_bytes()),
        notes: NO_NOTES.to_vec(),
    }
}

fn gone(entity_id: &str) -> StateRow {
    StateRow {
        entity_id: entity_id.to_owned(),
        json: None,
        notes: Vec::new(),
    }
}

fn replica() -> Replica {
    let replica = Replica::new();
    replica.replace_states(
        AT,
        &[
            state("light.a", "on"),
            state("light.b", "off"),
            state("sensor.a", "1"),
            state("scene.movie", "unknown"),
            state("input_number.x", "5"),
        ],
    );
    for (class, json) in [
        (
            Class::Entities,
            json!([
                { "entity_id": "light.a", "device_id": "lamp", "labels": [] },
                { "entity_id": "sensor.a", "area_id": "attic", "labels": ["power"] },
            ]),
        ),
        (
            Class::Devices,
            json!([{ "id": "lamp", "area_id": "hall", "name": "Lamp" }]),
        ),
        (
            Class::Areas,
            json!([{ "area_id": "hall", "floor_id": "ground" }, { "area_id": "attic" }]),
        ),
        (Class::Floors, json!([{ "floor_id": "ground" }])),
        (Class::Labels, json!([{ "label_id": "power" }])),
        (Class::Helpers, json!([])),
        (
            Class::Services,
            json!({ "light": { "turn_on": { "fields": {} }, "turn_off": {} }, "homeassistant": { "restart": {} } }),
        ),
    ] {
        replica.replace_class(AT, &class.parse(&json.to_string()).unwrap());
    }
    replica
}

fn query(source: Source) -> Query {
    Query::of(source)
}

fn answer(replica: &Replica, query: &Query) -> Value {
    match replica.list(query, |_| false).unwrap() {
        Listing::New(_, body) => serde_json::from_slice(&body).unwrap(),
        Listing::Known(tag) => panic!("{tag} is known"),
    }
}

fn tag(replica: &Replica, query: &Query) -> Tag {
    match replica.list(query, |_| true).unwrap() {
        Listing::Known(tag) => tag,
        Listing::New(..) => panic!("it was known"),
    }
}

/// Identifiers of the rows.
fn ids(answer: &Value, source: Source) -> Vec<String> {
    let rows = answer[source.name()].as_array().unwrap();
    let id = |row: &Value| row[source.id()].as_str().unwrap().to_owned();
    rows.iter().map(id).collect()
}

#[test]
fn sources_list_their_rows_by_name() {
    let replica = replica();
    for (source, expected) in [
        (
            Source::States,
            &[
                "input_number.x",
                "light.a",
                "light.b",
                "scene.movie",
                "sensor.a",
            ][..],
        ),
        (Source::Scenes, &["scene.movie"]),
        (Source::Helpers, &["input_number.x"]),
        (Source::Class(Class::Entities), &["light.a", "sensor.a"]),
        (Source::Class(Class::Devices), &["lamp"]),
        (Source::Class(Class::Areas), &["attic", "hall"]),
        (
            Source::Class(Class::Services),
            &["homeassistant.restart", "light.turn_off", "light.turn_on"],
        ),
        (Source::Class(Class::ConfigEntries), &[]),
    ] {
        let answer = answer(&replica, &query(source));
        assert_eq!(ids(&answer, source), expected, "{source:?}");
        assert_eq!(answer["full"], true);
    }
    let services = answer(&replica, &query(Source::Class(Class::Services)));
    assert_eq!(
        services["services"][2],
        json!({ "id": "light.turn_on", "domain": "light", "service": "turn_on", "definition": { "fields": {} } })
    );
}

#[test]
fn selections_follow_names_and_places() {
    let replica = replica();
    let select = |source: Source, change: &dyn Fn(&mut Selection)| {
        let mut query = query(source);
        change(&mut query.selection);
        ids(&answer(&replica, &query), source)
    };
    let states = |change: &dyn Fn(&mut Selection)| select(Source::States, change);
    assert_eq!(
        states(&|it| it.domains = vec!["light".into()]),
        ["light.a", "light.b"]
    );
    assert_eq!(
        states(&|it| it.globs = vec![Glob::parse("*.a").unwrap()]),
        ["light.a", "sensor.a"]
    );
    let group = |group, id: &str| (group, vec![id.to_owned()]);
    assert_eq!(
        states(&|it| it.groups = vec![group(Group::Area, "hall")]),
        ["light.a"]
    );
    assert_eq!(
        states(&|it| it.groups = vec![group(Group::Floor, "ground")]),
        ["light.a"]
    );
    assert_eq!(
        states(&|it| it.groups = vec![group(Group::Device, "lamp")]),
        ["light.a"]
    );
    assert_eq!(
        states(&|it| it.groups = vec![group(Group::Label, "power")]),
        ["sensor.a"]
    );
    let both = (Group::Area, vec!["hall".to_owned(), "attic".to_owned()]);
    assert_eq!(
        states(&|it| it.groups = vec![both.clone()]),
        ["light.a", "sensor.a"]
    );
    assert_eq!(
        states(&|it| it.groups = vec![both.clone(), group(Group::Label, "power")]),
        ["sensor.a"]
    );
    assert_eq!(
        select(Source::Class(Class::Devices), &|it| it.groups =
            vec![group(Group::Floor, "ground")]),
        ["lamp"]
    );
    assert_eq!(
        select(Source::Class(Class::Areas), &|it| it.groups =
            vec![group(Group::Floor, "ground")]),
        ["hall"]
    );
    let mut asked = query(Source::States);
    asked.selection.ids = ["sensor.a", "sensor.none", "light.a"]
        .map(str::to_owned)
        .into();
    let told = answer(&replica, &asked);
    assert_eq!(ids(&told, Source::States), ["light.a", "sensor.a"]);
    assert_eq!(told["missing"], json!(["sensor.none"]));
}

#[test]
fn names_that_mean_nothing_are_refused() {
    let replica = replica();
    let mut unknown = query(Source::States);
    unknown.selection.groups = vec![(Group::Area, vec!["hall".into(), "moon".into()])];
    let error = replica.list(&unknown, |_| false).unwrap_err();
    assert!(error.to_string().contains("no area `moon`"), "{error}");
    for (source, fields, known) in [
        (Source::States, &["state", "attributes.x"][..], true),
        (Source::States, &["stat"], false),
        (Source::States, &["context.id"], false),
        (Source::Class(Class::Devices), &["name"], true),
        (Source::Class(Class::Devices), &["nam"], false),
    ] {
        let mut query = query(source);
        query.fields = Some(Fields::new(fields.iter().copied()));
        assert_eq!(replica.list(&query, |_| false).is_ok(), known, "{fields:?}");
    }
    // Before the registries came nobody can say what means nothing.
    assert!(Replica::new().list(&unknown, |_| false).is_ok());
}

#[test]
fn fields_and_expansions_shape_rows() {
    let replica = replica();
    let mut query = query(Source::States);
    query.selection.ids = BTreeSet::from(["light.a".to_owned()]);
    query.fields = Some(Fields::new(["state", "attributes.unit"]));
    query.expand = vec![
        Expansion::Area,
        Expansion::Device,
        Expansion::Floor,
        Expansion::Labels,
    ];
    assert_eq!(
        answer(&replica, &query)["states"][0],
        json!({
            "entity_id": "light.a", "state": "on", "attributes": { "unit": "W" },
            "expanded": {
                "area": { "area_id": "hall", "floor_id": "ground" },
                "device": { "id": "lamp", "area_id": "hall", "name": "Lamp" },
                "floor": { "floor_id": "ground" },
                "labels": [],
            },
        })
    );
    query.selection.ids = BTreeSet::from(["light.b".to_owned()]);
    query.fields = None;
    assert_eq!(
        answer(&replica, &query)["states"][0]["expanded"]["area"],
        Value::Null
    );
    let mut areas = super::tests::query(Source::Class(Class::Areas));
    areas.expand = vec![Expansion::Entities];
    assert_eq!(
        answer(&replica, &areas)["areas"][0]["expanded"]["entities"],
        json!(["sensor.a"])
    );
}

#[test]
fn pages_follow_one_another_without_gap_or_repeat() {
    let replica = replica();
    let mut query = query(Source::States);
    let mut seen = Vec::new();
    query.limit = Some(2);
    loop {
        let page = answer(&replica, &query);
        let page_ids = ids(&page, Source::States);
        assert!(page_ids.len() <= 2);
        query.after = page_ids.last().cloned();
        seen.extend(page_ids);
        if page["more"] == false {
            break;
        }
    }
    query.limit = None;
    query.after = None;
    assert_eq!(seen, ids(&answer(&replica, &query), Source::States));
}

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
fn one_row_carries_its_notes_and_a_tag_of_both() {
    let replica = replica();
    let states = query(Source::States);
    let one = |query: &Query, id: &str| match replica.one(query, id, |_| false).unwrap() {
        Found::New(tag, body) => Some((tag, serde_json::from_slice::<Value>(&body).unwrap())),
        Found::Known(tag) => panic!("{tag} is known"),
        Found::Missing => None,
    };
    let (tag_before, before) = one(&states, "light.a").unwrap();
    assert_eq!(
        [
            &before["state"],
            &before["stale"],
            &before["as_of"],
            &before["published"],
            &before["observed"]
        ],
        [
            &json!("on"),
            &json!(false),
            &json!(AT.to_string()),
            &Value::Null,
            &json!(0)
        ]
    );
    let mut noted = state("light.a", "on");
    noted.notes = br#""published":1"#.to_vec();
    let list = tag(&replica, &states);
    replica.annotate(&[noted]);
    let (tag_after, after) = one(&states, "light.a").unwrap();
    assert!(tag_before != tag_after && after["published"] == 1);
    assert_eq!(tag(&replica, &states), list, "lists do not show notes");
    assert_eq!(
        replica.one(&states, "light.a", |tag| tag == tag_after),
        Ok(Found::Known(tag_after))
    );

    let mut shaped = query(Source::States);
    shaped.fields = Some(Fields::new(["state"]));
    shaped.expand = vec![Expansion::Area];
    let (_, shaped) = one(&shaped, "light.a").unwrap();
    assert_eq!(
        shaped,
        json!({
            "entity_id": "light.a", "state": "on", "stale": false, "as_of": AT.to_string(),
            "expanded": { "area": { "area_id": "hall", "floor_id": "ground" } },
        })
    );
    let areas = query(Source::Class(Class::Areas));
    assert_eq!(one(&areas, "hall").unwrap().1["floor_id"], "ground");
    for (source, id) in [
        (Source::States, "light.none"),
        (Source::Scenes, "light.a"),
        (Source::Helpers, "light.a"),
        (Source::Class(Class::Areas), "light.a"),
        (Source::Class(Class::ConfigEntries), "x"),
    ] {
        assert!(one(&query(source), id).is_none(), "{source:?} {id}");
    }
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

#[test]
fn what_was_saved_is_read_back_stale_and_the_same() {
    let replica = replica();
    let saved = replica.save().unwrap().to_bytes().unwrap();
    let restored = Replica::new();
    restored.restore(Saved::from_bytes(&saved).unwrap());
    for source in [
        Source::States,
        Source::Helpers,
        Source::Class(Class::Entities),
        Source::Class(Class::Devices),
        Source::Class(Class::Areas),
        Source::Class(Class::Services),
    ] {
        let (before, after) = (
            answer(&replica, &query(source)),
            answer(&restored, &query(source)),
        );
        assert_eq!(before[source.name()], after[source.name()], "{source:?}");
        assert_eq!(before["as_of"], after["as_of"]);
        assert_eq!(
            (&before["stale"], &after["stale"]),
            (&json!(false), &json!(true))
        );
    }
    let mut hall = query(Source::States);
    hall.selection.groups = vec![(Group::Area, vec!["hall".into()])];
    assert_eq!(ids(&answer(&restored, &hall), Source::States), ["light.a"]);
    assert!(Replica::new().save().is_none());
}

#[test]
fn what_was_damaged_is_not_read() {
    let saved = replica().save().unwrap().to_bytes().unwrap();
    for bytes in [&b""[..], b"nonsense", &saved[..saved.len() / 2]] {
        assert!(Saved::from_bytes(bytes).is_err());
    }
}

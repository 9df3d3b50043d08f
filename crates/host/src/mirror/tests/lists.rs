//! What is listed, which of it, and as what.

use serde_json::{Value, json};
use weirhouse_hass::{Class, Group};

use super::*;

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
    let mut areas = super::query(Source::Class(Class::Areas));
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
fn one_row_carries_its_notes_and_a_tag_of_both() {
    let replica = replica();
    let states = query(Source::States);
    let one = |query: &Query, id: &str| match replica.one(query, id, |_| false).unwrap() {
        Found::New(tag, body) => Some((tag, serde_json::from_slice::<Value>(&body).unwrap())),
        Found::Known(tag) => panic!("{tag:?} is known"),
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

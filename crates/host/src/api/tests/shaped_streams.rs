//! Streams of states that are shaped for one client.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::StatusCode;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use weirhouse_hass::{Change, Class, Event};

use super::{Api, snapshot};

/// Longer than any machine takes for what is to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Long enough for what must not come.
const A_WHILE: Duration = Duration::from_millis(150);

/// More than anybody buffers without noticing.
const CHANGES: u64 = 2_000;

/// A stream, read event by event.
struct Reader {
    body: BodyDataStream,
    text: String,
}

/// One event.
#[derive(Debug)]
struct Seen {
    event: String,
    id: Option<String>,
    data: Value,
}

impl Seen {
    /// Holds it against what interrupts or opens a stream; gives the request it names.
    fn is_reset(&self, reason: &str, entities: u64) -> &str {
        assert_eq!(self.event, "reset");
        let told = (&self.data["reason"], &self.data["entities"]);
        assert_eq!(told, (&json!(reason), &json!(entities)));
        self.data["request_id"].as_str().unwrap()
    }
}

impl Reader {
    async fn open(api: &Api, query: &str) -> Self {
        Self::resumed(api, query, None).await
    }

    /// As a client that reconnects by itself.
    async fn resumed(api: &Api, query: &str, last: Option<&str>) -> Self {
        let mut request = api.request("GET", &format!("/v1/stream?{query}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = api.served.answer(None, request).await;
        assert_eq!(response.status(), StatusCode::OK);
        Self {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    async fn next(&mut self) -> Seen {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| {
                    let mut lines = event.lines();
                    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    value.map(str::to_owned)
                };
                return Seen {
                    event: field("event").unwrap(),
                    id: field("id"),
                    data: serde_json::from_str(&field("data").unwrap()).unwrap(),
                };
            }
            let chunk = tokio::time::timeout(PATIENCE, self.body.next()).await;
            let chunk = chunk.expect("an event").expect("no end").unwrap();
            self.text += str::from_utf8(&chunk).unwrap();
        }
    }

    /// The next event, which is a change: the entity, its state, and how many
    /// changes were merged into it.
    async fn change(&mut self) -> (String, String, u64) {
        let Seen { event, data, .. } = self.next().await;
        assert_eq!(event, "change", "{data}");
        let text = |name: &str| data[name].as_str().unwrap().to_owned();
        (
            text("entity_id"),
            text("state"),
            data["merged"].as_u64().unwrap_or(0),
        )
    }

    async fn is_silent(&mut self) {
        assert_eq!(self.text, "");
        let chunk = tokio::time::timeout(A_WHILE, self.body.next()).await;
        assert!(chunk.is_err(), "{chunk:?}");
    }

    /// Reads the opening of a stream that continues; gives its cursor.
    async fn cursor(&mut self) -> String {
        let opening = self.next().await;
        assert_eq!(opening.event, "cursor", "{opening:?}");
        assert_eq!(opening.data["cursor"], json!(opening.id));
        opening.id.unwrap()
    }
}

fn change(entity: &str, state: &str, merged: u64) -> (String, String, u64) {
    (entity.to_owned(), state.to_owned(), merged)
}

/// What Home Assistant says of areas, and which entity is where.
fn place(api: &Api, places: &[(&str, &str)]) {
    let entities = places.iter();
    let entities = entities.map(|(entity, area)| json!({ "entity_id": entity, "area_id": area }));
    for (class, rows) in [
        (
            Class::Areas,
            json!([{ "area_id": "hall" }, { "area_id": "attic" }]),
        ),
        (Class::Devices, json!([])),
        (Class::Floors, json!([])),
        (Class::Labels, json!([])),
        (Class::Entities, entities.collect()),
    ] {
        let registry = class.parse(&rows.to_string()).unwrap();
        api.hub.handle(Event::Registry(registry));
    }
}

#[tokio::test]
async fn changes_of_one_entity_in_one_frame_are_all_counted() {
    let api = Api::new();
    api.hub.handle(snapshot(&[("sensor.a", "1")]));
    let mut stream = Reader::open(&api, "significance=none").await;
    stream.cursor().await;
    let changes = ["2", "3", "4"].map(|state| Change::Updated {
        entity_id: "sensor.a".to_owned(),
        diff: serde_json::from_value(json!({ "+": { "s": state } })).unwrap(),
    });
    api.hub.handle(Event::Changes(changes.into()));
    assert_eq!(stream.change().await, change("sensor.a", "4", 2));
    stream.is_silent().await;
}

#[tokio::test]
async fn a_snapshot_comes_first_and_changes_as_they_happen() {
    let api = Api::new();
    api.hub
        .handle(snapshot(&[("light.a", "on"), ("sensor.b", "2")]));
    let mut stream = Reader::open(&api, "significance=none&snapshot=true").await;
    let reset = stream.next().await;
    assert_eq!((reset.event.as_str(), &reset.id), ("reset", &None));
    reset.is_reset("requested", 2);
    let first = stream.next().await;
    // Whoever leaves here has not seen everything.
    assert_eq!(first.id, None);
    assert_eq!(first.data["attributes"]["friendly_name"], "A");
    let last = stream.next().await;
    assert_eq!(last.data["entity_id"], "sensor.b");
    let cursor = last.id.unwrap();
    assert_eq!(first.data["merged"], Value::Null);
    api.hub.handle(snapshot(&[("light.a", "off")]));
    assert_eq!(stream.change().await, change("light.a", "off", 0));
    let removed = stream.next().await;
    assert_eq!(removed.event, "removed");
    assert_eq!(removed.data, json!({ "entity_id": "sensor.b" }));
    assert_ne!(removed.id.unwrap(), cursor);
    // Nothing that is as it was is told.
    api.hub.handle(snapshot(&[("light.a", "off")]));
    stream.is_silent().await;
}

#[tokio::test]
async fn the_interval_holds_changes_back_and_the_newest_leaves() {
    let api = Api::new();
    let mut stream = Reader::open(&api, "significance=none&interval=1h").await;
    stream.cursor().await;
    api.hub
        .handle(snapshot(&[("sensor.a", "1"), ("sensor.b", "1")]));
    assert_eq!(stream.change().await, change("sensor.a", "1", 0));
    assert_eq!(stream.change().await, change("sensor.b", "1", 0));
    for state in ["2", "3", "4"] {
        api.hub
            .handle(snapshot(&[("sensor.a", state), ("sensor.b", "1")]));
    }
    stream.is_silent().await;
    // A removal is not held back.
    api.hub.handle(snapshot(&[("sensor.a", "4")]));
    assert_eq!(stream.next().await.event, "removed");
    // The stop makes everything due.
    api.hub.stop().unwrap();
    assert_eq!(stream.change().await, change("sensor.a", "4", 2));

    let stats = api.hub.stats().unwrap().streams;
    assert_eq!((stats.merged, stats.given, stats.waiting), (2, 4, 0));
    let metrics = api.call("GET", "/metrics", "").await;
    let metrics = str::from_utf8(&metrics.body).unwrap().to_owned();
    for line in [
        "weirhouse_stream_changes_total{fate=\"merged\"} 2",
        "weirhouse_stream_events_total 5",
        "weirhouse_streams 1",
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn each_client_has_its_own_deadband_and_fields() {
    let api = Api::new();
    api.hub.handle(snapshot(&[("sensor.a", "20")]));
    let mut raw = Reader::open(&api, "significance=none&fields=state").await;
    let mut half = Reader::open(&api, "significance=0.5").await;
    let mut tenth = Reader::open(&api, "significance=10%25&fields=state").await;
    for stream in [&mut raw, &mut half, &mut tenth] {
        stream.cursor().await;
    }
    for state in ["20.4", "20.5", "unavailable"] {
        api.hub.handle(snapshot(&[("sensor.a", state)]));
        let seen = raw.next().await;
        assert_eq!(
            seen.data,
            json!({ "entity_id": "sensor.a", "state": state })
        );
        if state == "20.4" {
            half.is_silent().await;
        } else {
            assert_eq!(half.change().await, change("sensor.a", state, 0));
        }
    }
    let seen = tenth.next().await;
    assert_eq!(
        seen.data,
        json!({ "entity_id": "sensor.a", "state": "unavailable" })
    );
}

#[tokio::test]
async fn who_does_not_read_gets_the_newest_once_and_is_told() {
    let api = Api::new();
    let mut stream = Reader::open(&api, "significance=none").await;
    stream.cursor().await;
    for number in 0..CHANGES {
        let (a, b) = (number.to_string(), (number / 2).to_string());
        api.hub
            .handle(snapshot(&[("sensor.a", &a), ("sensor.b", &b)]));
    }
    let last = (CHANGES - 1).to_string();
    assert_eq!(
        stream.change().await,
        change("sensor.a", &last, CHANGES - 1)
    );
    let last = (CHANGES / 2 - 1).to_string();
    assert_eq!(
        stream.change().await,
        change("sensor.b", &last, CHANGES / 2 - 1)
    );
    stream.is_silent().await;
    let streams = api.hub.stats().unwrap().streams;
    assert_eq!(streams.offered, streams.given + streams.merged);
}

#[tokio::test]
async fn a_cursor_resumes_without_a_gap() {
    let api = Api::new();
    api.hub.handle(snapshot(&[
        ("light.a", "on"),
        ("light.b", "on"),
        ("light.c", "on"),
    ]));
    let mut stream = Reader::open(&api, "significance=none&entity=light.*").await;
    let cursor = stream.cursor().await;
    drop(stream);
    for state in ["off", "on", "off"] {
        api.hub.handle(snapshot(&[
            ("light.a", state),
            ("light.c", "on"),
            ("sensor.d", state),
        ]));
    }
    for (query, last) in [
        (
            format!("significance=none&entity=light.*&since={cursor}"),
            None,
        ),
        // What the client says by itself is newer than its first request.
        (
            "significance=none&entity=light.*&since=00000000-1".to_owned(),
            Some(cursor.as_str()),
        ),
    ] {
        let mut stream = Reader::resumed(&api, &query, last).await;
        assert_eq!(stream.cursor().await, cursor);
        let gone = stream.next().await;
        assert_eq!(
            (gone.event.as_str(), &gone.data["entity_id"]),
            ("removed", &json!("light.b"))
        );
        assert_eq!(gone.id.as_deref(), Some(cursor.as_str()));
        let seen = stream.next().await;
        assert_eq!(
            (&seen.data["entity_id"], &seen.data["state"]),
            (&json!("light.a"), &json!("off"))
        );
        assert_ne!(seen.id.as_deref(), Some(cursor.as_str()));
        stream.is_silent().await;
    }
    for last in ["17", "00000000-1"] {
        let mut stream =
            Reader::resumed(&api, "significance=none&entity=light.*", Some(last)).await;
        let reset = stream.next().await;
        reset.is_reset("cursor", 2);
        assert_eq!(stream.change().await, change("light.a", "off", 0));
        assert_eq!(stream.change().await, change("light.c", "on", 0));
    }
}

#[tokio::test]
async fn changes_held_back_do_not_move_the_cursor_past_them() {
    let api = Api::new();
    let query = "significance=none&interval=1h";
    let mut stream = Reader::open(&api, query).await;
    stream.cursor().await;
    api.hub.handle(snapshot(&[("sensor.a", "1")]));
    stream.change().await;
    // This one waits, and the next leaves at once.
    api.hub.handle(snapshot(&[("sensor.a", "2")]));
    api.hub
        .handle(snapshot(&[("sensor.a", "2"), ("sensor.b", "1")]));
    let seen = stream.next().await;
    assert_eq!(seen.data["entity_id"], "sensor.b");
    drop(stream);
    let mut stream = Reader::resumed(&api, query, seen.id.as_deref()).await;
    stream.cursor().await;
    assert_eq!(stream.change().await, change("sensor.a", "2", 0));
}

#[tokio::test]
async fn streams_follow_patterns_and_areas_and_what_joins_them() {
    let api = Api::new();
    let states = [
        ("light.a", "on"),
        ("light.b", "on"),
        ("sensor.a_power", "1"),
    ];
    api.hub.handle(snapshot(&states));
    place(&api, &[("light.a", "hall")]);
    let mut power = Reader::open(&api, "significance=none&entity=*_power,lock.front").await;
    let mut hall = Reader::open(&api, "significance=none&area=hall&snapshot=true").await;
    power.cursor().await;
    assert_eq!(hall.next().await.data["entities"], 1);
    assert_eq!(hall.change().await, change("light.a", "on", 0));
    // New entities join by their names.
    let mut states = [
        ("light.a", "off"),
        ("light.b", "off"),
        ("sensor.a_power", "2"),
        ("sensor.b_power", "1"),
        ("lock.front", "locked"),
    ];
    api.hub.handle(snapshot(&states));
    let mut joined = [
        power.change().await,
        power.change().await,
        power.change().await,
    ];
    joined.sort();
    assert_eq!(
        joined.map(|(entity, ..)| entity),
        ["lock.front", "sensor.a_power", "sensor.b_power"]
    );
    assert_eq!(hall.change().await, change("light.a", "off", 0));
    // One comes into the area, the other leaves it.
    place(&api, &[("light.b", "hall"), ("light.a", "attic")]);
    let left = hall.next().await;
    assert_eq!(left.event, "removed");
    assert_eq!(left.data, json!({ "entity_id": "light.a" }));
    let joined = hall.next().await;
    assert_eq!(
        (joined.event.as_str(), &joined.data["entity_id"]),
        ("change", &json!("light.b"))
    );
    states[0].1 = "on";
    states[1].1 = "on";
    api.hub.handle(snapshot(&states));
    assert_eq!(hall.change().await, change("light.b", "on", 0));
    hall.is_silent().await;
    let refused = api
        .call("GET", "/v1/stream?significance=none&area=cellar", "")
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.problem(), "invalid-argument");
}

#[tokio::test]
async fn who_resumes_or_asks_by_cursor_learns_what_left_an_area() {
    let api = Api::new();
    api.hub
        .handle(snapshot(&[("light.a", "on"), ("light.b", "off")]));
    place(&api, &[("light.a", "hall")]);
    let query = "significance=none&area=hall";
    let mut hall = Reader::open(&api, query).await;
    let old = hall.cursor().await;
    let list = async |path: &str| -> Value {
        let answer = api.call("GET", path, "").await;
        serde_json::from_slice(&answer.body).unwrap()
    };
    let first = list("/v1/states?area=hall").await;
    place(&api, &[("light.b", "hall"), ("light.a", "attic")]);
    assert_eq!(hall.next().await.event, "removed");
    let joined = hall.next().await;
    assert_eq!(joined.data["entity_id"], "light.b");

    // A reader by cursor is given all there is now, and told so.
    let cursor = first["cursor"].as_str().unwrap();
    let now = list(&format!("/v1/states?area=hall&since={cursor}")).await;
    assert_eq!(now["full"], true);
    assert_eq!(now["states"].as_array().map(Vec::len), Some(1));
    assert_eq!(now["states"][0]["entity_id"], "light.b");

    // A stream that is resumed behind the move has nothing to tell, one from before it everything.
    let mut after = Reader::resumed(&api, query, joined.id.as_deref()).await;
    assert_eq!(after.cursor().await, joined.id.unwrap());
    after.is_silent().await;
    let mut before = Reader::resumed(&api, query, Some(&old)).await;
    before.next().await.is_reset("cursor", 1);
    assert_eq!(before.change().await, change("light.b", "off", 0));
}

#[tokio::test]
async fn a_shaped_stream_ends_with_the_server_and_costs_nothing_then() {
    let api = Api::new();
    let mut stream = Reader::open(&api, "significance=none").await;
    stream.cursor().await;
    api.stop.send(true).unwrap();
    let end = tokio::time::timeout(PATIENCE, stream.body.next()).await;
    assert!(end.expect("the stream ends").is_none());
    drop(stream);
    api.hub.handle(snapshot(&[("sensor.a", "1")]));
    assert_eq!(api.hub.stats().unwrap().streams.offered, 0);
}

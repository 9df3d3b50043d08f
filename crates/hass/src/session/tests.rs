//! The machine under a scripted clock.

use serde_json::{Value, json};

use super::*;
use crate::{Registry, ServiceCall};

const STATES_ID: u64 = 2;

/// A session with a clock in milliseconds.
struct Script {
    session: Session,
    now: Duration,
}

impl Script {
    /// Before the login.
    fn new() -> Self {
        Self {
            session: Session::new(SessionConfig::new("secret")),
            now: Duration::ZERO,
        }
    }

    /// Logged in, with every first command answered; the identifiers of the lists are returned by class.
    fn live() -> (Self, BTreeMap<Class, u64>, BTreeMap<Class, u64>) {
        let mut script = Self::new();
        script.frame(&json!({ "type": "auth_required" })).unwrap();
        script
            .frame(&json!({ "type": "auth_ok", "ha_version": "2026.11.0" }))
            .unwrap();
        let (mut lists, mut watches) = (BTreeMap::new(), BTreeMap::new());
        for (id, pending) in &script.session.pending {
            match pending.command {
                Command::List(class) => lists.insert(class, *id),
                Command::Watch(class) => watches.insert(class, *id),
                _ => None,
            };
        }
        for id in 1..script.session.next_id {
            let list = lists.values().any(|list| *list == id);
            let services = lists[&Class::Services] == id;
            let result = match (list, services) {
                (true, true) => json!({}),
                (true, false) => json!([]),
                _ => Value::Null,
            };
            script.result(id, &result);
        }
        script.sent();
        script.events();
        (script, lists, watches)
    }

    fn at(&mut self, ms: u64) -> &mut Self {
        self.now = Duration::from_millis(ms);
        self
    }

    fn frame(&mut self, frame: &Value) -> Result<(), ProtocolError> {
        self.session.handle_frame(self.now, &frame.to_string())
    }

    fn result(&mut self, id: u64, result: &Value) {
        self.frame(&json!({ "id": id, "type": "result", "success": true, "result": result }))
            .unwrap();
    }

    fn refuse(&mut self, id: u64, code: &str) -> Result<(), ProtocolError> {
        self.frame(&json!({
            "id": id, "type": "result", "success": false, "error": { "code": code, "message": "m", "new": 1 },
        }))
    }

    fn timeout(&mut self) -> Result<(), ProtocolError> {
        self.session.handle_timeout(self.now)
    }

    fn sent(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.session.poll_transmit())
            .map(|frame| serde_json::from_str(&frame).unwrap())
            .collect()
    }

    fn sent_types(&mut self) -> Vec<String> {
        self.sent()
            .iter()
            .map(|frame| frame["type"].as_str().unwrap().to_owned())
            .collect()
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }
}

fn call(correlation: u64) -> ServiceCall {
    ServiceCall::update_entity(correlation, ["sensor.a"])
}

#[test]
fn login_then_everything_in_order_with_rising_ids() {
    let mut script = Script::new();
    assert_eq!(script.session.deadline(), Some(Duration::from_secs(10)));
    script
        .frame(&json!({ "type": "auth_required", "ha_version": "2026.11.0" }))
        .unwrap();
    assert_eq!(
        script.sent(),
        [json!({ "type": "auth", "access_token": "secret" })]
    );
    script
        .frame(&json!({ "type": "auth_ok", "ha_version": "2026.11.0" }))
        .unwrap();
    let sent = script.sent();
    assert_eq!(
        sent[0],
        json!({ "id": 1, "type": "supported_features", "features": { "coalesce_messages": 1 } })
    );
    assert_eq!(
        sent[1],
        json!({ "id": STATES_ID, "type": "subscribe_entities" })
    );
    let ids: Vec<u64> = sent
        .iter()
        .map(|frame| frame["id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids, (1..=sent.len() as u64).collect::<Vec<_>>());
    let last_watch = sent
        .iter()
        .rposition(|f| f["type"].as_str().unwrap().contains("subscribe_events"));
    let first_list = sent
        .iter()
        .position(|f| f["type"] == "config/entity_registry/list");
    assert!(last_watch < first_list);
    assert!(
        matches!(&script.events()[..], [Event::Connected { ha_version: Some(v) }] if v == "2026.11.0")
    );
}

#[test]
fn a_filter_is_sent_without_its_empty_parts() {
    let mut config = SessionConfig::new("t");
    config.filter.include.domains = vec!["sensor".to_owned()];
    config.filter.exclude.entity_globs = vec!["sensor.*_raw".to_owned()];
    assert_eq!(
        config.filter.subscribe_command(),
        json!({
            "type": "subscribe_entities",
            "include": { "domains": ["sensor"] },
            "exclude": { "entity_globs": ["sensor.*_raw"] },
        })
    );
    assert!(!format!("{:?}", SessionConfig::new("secret")).contains("secret"));
}

#[test]
fn a_refused_token_closes_for_good() {
    let mut script = Script::new();
    script
        .frame(&json!({ "type": "auth_invalid", "message": "Invalid password" }))
        .unwrap();
    assert!(
        matches!(&script.events()[..], [Event::Rejected { message }] if message == "Invalid password")
    );
    assert!(script.session.is_closed());
    assert_eq!(script.session.deadline(), None);
    script.timeout().unwrap();
}

#[test]
fn a_silent_server_fails_the_login() {
    let mut script = Script::new();
    script.at(9_999).timeout().unwrap();
    assert!(matches!(
        script.at(10_000).timeout(),
        Err(ProtocolError::LoginTimeout { .. })
    ));
}

#[test]
fn the_first_full_event_is_the_snapshot_and_changes_stay_in_order() {
    let (mut script, ..) = Script::live();
    script
        .frame(&json!({ "type": "event", "event": { "c": { "a.b": {} } }, "id": STATES_ID }))
        .unwrap();
    assert!(
        script.events().is_empty(),
        "a difference before the snapshot is contained in it"
    );
    script
        .frame(&json!([
            { "id": STATES_ID, "type": "event", "event": { "a": { "a.b": { "s": "1" } } } },
            { "id": STATES_ID, "type": "event", "event": { "a": { "a.c": { "s": "1" } } } },
            { "type": "brand_new", "id": 5, "body": [] },
            { "id": STATES_ID, "type": "event", "event": { "c": { "a.b": { "+": { "s": "2" } } } } },
            { "id": 999, "type": "event", "event": { "r": ["a.b"] } },
            { "id": STATES_ID, "type": "event", "event": { "r": ["a.c"] }, "extra": {} },
        ]))
        .unwrap();
    let events = script.events();
    let [Event::Snapshot(states), Event::Changes(changes)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(states[0].0, "a.b");
    let told: Vec<_> = changes
        .iter()
        .map(|change| match change {
            Change::Added { entity_id, .. } => ("added", entity_id.as_str()),
            Change::Updated { entity_id, .. } => ("updated", entity_id.as_str()),
            Change::Removed { entity_id } => ("removed", entity_id.as_str()),
        })
        .collect();
    assert_eq!(
        told,
        [("added", "a.c"), ("updated", "a.b"), ("removed", "a.c")]
    );
}

#[test]
fn broken_frames_are_named_and_change_nothing() {
    for (frame, not_an_object) in [
        ("", false),
        ("{", false),
        (r#"{"type":"event""#, false),
        ("<html>", false),
        (
            r#"[{"id":2,"type":"event","event":{"a":{"a.b":{"s":"1"}}}},{]"#,
            false,
        ),
        (
            r#"{"id":2,"type":"event","event":{"a":{"a.b":{"s":7}}}}"#,
            false,
        ),
        ("[1]", false),
        ("42", true),
        ("null", true),
        (r#""text""#, true),
    ] {
        let (mut script, ..) = Script::live();
        let error = script.session.handle_frame(script.now, frame).unwrap_err();
        assert_eq!(
            matches!(error, ProtocolError::NotAnObject { .. }),
            not_an_object,
            "{frame}: {error}"
        );
        assert!(script.events().is_empty(), "{frame}");
    }
    let deep = format!(
        r#"{{"id":2,"type":"event","event":{{"x":{}"#,
        "[".repeat(100_000)
    );
    assert!(
        Script::live()
            .0
            .session
            .handle_frame(Duration::ZERO, &deep)
            .is_err()
    );
}

#[test]
fn other_peoples_layouts_are_ignored() {
    let (mut script, _, watches) = Script::live();
    let entries = watches[&Class::ConfigEntries];
    for frame in [
        json!({ "id": entries, "type": "event", "event": [{ "type": null, "entry": { "title": "x" } }] }),
        json!({ "id": 77, "type": "event", "event": "text" }),
        json!({ "id": 77, "type": "event", "event": null }),
        json!({ "id": 77, "type": "event", "event": 1.5 }),
        json!({ "type": "event" }),
        json!({}),
        json!([]),
        json!({ "id": 77, "type": "result", "success": true, "result": { "a": 1 } }),
        json!({ "id": null, "type": "result", "error": null, "result": null }),
    ] {
        script
            .frame(&frame)
            .unwrap_or_else(|error| panic!("{frame}: {error}"));
    }
    assert!(script.events().is_empty());
}

#[test]
fn silence_is_pinged_and_then_fatal() {
    let (mut script, ..) = Script::live();
    assert_eq!(script.session.deadline(), Some(Duration::from_secs(30)));
    script.at(29_999).timeout().unwrap();
    assert!(script.sent().is_empty());
    script.at(30_000).timeout().unwrap();
    assert_eq!(script.sent_types(), ["ping"]);
    assert_eq!(script.session.deadline(), Some(Duration::from_secs(40)));
    // Anything at all proves life.
    script
        .at(39_000)
        .frame(&json!({ "type": "event" }))
        .unwrap();
    assert_eq!(script.session.deadline(), Some(Duration::from_secs(69)));
    script.at(69_000).timeout().unwrap();
    assert_eq!(script.sent_types(), ["ping"]);
    script.at(78_999).timeout().unwrap();
    assert!(matches!(
        script.at(79_000).timeout(),
        Err(ProtocolError::HeartbeatTimeout { after }) if after == Duration::from_secs(40)
    ));
}

#[test]
fn lists_arrive_typed_and_a_burst_lists_its_class_once() {
    let (mut script, _, watches) = Script::live();
    let watch = watches[&Class::Areas];
    for ms in [1_000, 1_200, 1_499] {
        script.at(ms).frame(&json!({ "id": watch, "type": "event", "event": { "event_type": "area_registry_updated" } })).unwrap();
        script.timeout().unwrap();
    }
    assert!(script.sent().is_empty());
    assert_eq!(
        script.session.deadline(),
        Some(Duration::from_millis(1_500))
    );
    script.at(1_500).timeout().unwrap();
    let sent = script.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["type"], "config/area_registry/list");
    // Announced while the list is on its way: once more, after it came.
    script
        .at(1_600)
        .frame(&json!({ "id": watch, "type": "event", "event": {} }))
        .unwrap();
    script.at(5_000).timeout().unwrap();
    assert!(script.sent().is_empty());
    script.result(
        sent[0]["id"].as_u64().unwrap(),
        &json!([{ "area_id": "hall", "name": "Hall", "floor_id": null }]),
    );
    let events = script.events();
    let [
        Event::ClassOutdated { class },
        Event::Registry(Registry::Areas(areas)),
        // It may be without what was announced on the way.
        Event::ClassOutdated { class: again },
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert!(areas[0].json.get().contains("Hall"));
    assert_eq!((*class, *again), (Class::Areas, Class::Areas));
    script.at(5_500).timeout().unwrap();
    assert_eq!(script.sent_types(), ["config/area_registry/list"]);
}

#[test]
fn a_rename_is_told_with_both_names_and_lists_the_entities_anew() {
    let (mut script, _, watches) = Script::live();
    let mut announce = |data: &Value| {
        let watch = watches[&Class::Entities];
        let event = json!({ "event_type": "entity_registry_updated", "data": data });
        script
            .frame(&json!({ "id": watch, "type": "event", "event": event }))
            .unwrap();
        script.events()
    };
    let renamed = announce(
        &json!({ "action": "update", "entity_id": "light.new", "old_entity_id": "light.old", "changes": {} }),
    );
    assert!(
        matches!(&renamed[..], [Event::ClassOutdated { class: Class::Entities }, Event::Renamed { from, to }]
            if from == "light.old" && to == "light.new")
    );
    for other in [
        json!({ "action": "update", "entity_id": "light.new", "changes": { "name": null } }),
        json!({ "entity_id": ["of another layout"], "old_entity_id": 7 }),
        json!([1, 2]),
        json!(null),
    ] {
        assert!(announce(&other).is_empty(), "{other}");
    }
    script.at(1_000).timeout().unwrap();
    assert_eq!(script.sent_types(), ["config/entity_registry/list"]);
}

#[test]
fn the_present_list_of_config_entries_is_not_a_change() {
    let (mut script, _, watches) = Script::live();
    let watch = watches[&Class::ConfigEntries];
    let event = json!({ "id": watch, "type": "event", "event": [{ "type": null, "entry": {} }] });
    script.frame(&event).unwrap();
    script.at(1_000).timeout().unwrap();
    assert!(script.sent().is_empty());
    script.frame(&event).unwrap();
    script.at(1_500).timeout().unwrap();
    assert_eq!(script.sent_types(), ["config_entries/get"]);
}

#[test]
fn what_this_home_assistant_does_not_know_is_unavailable_not_fatal() {
    let mut script = Script::new();
    script.frame(&json!({ "type": "auth_ok" })).unwrap();
    script.events();
    let ids: Vec<(u64, Command)> = script
        .session
        .pending
        .iter()
        .map(|(id, p)| (*id, p.command))
        .collect();
    for (id, command) in ids {
        if !matches!(command, Command::States) {
            script.refuse(id, "unknown_command").unwrap();
        }
    }
    let (mut unavailable, mut unwatched) = (Vec::new(), Vec::new());
    for event in script.events() {
        match event {
            Event::ClassUnavailable { class, .. } => unavailable.push(class),
            Event::ClassUnwatched { class, .. } => unwatched.push(class),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(unavailable, Class::ALL);
    assert_eq!(unwatched.len(), 10, "services have three announcements");
    script
        .at(1_000)
        .frame(&json!({ "id": 3, "type": "event", "event": {} }))
        .unwrap();
    script.sent();
    script.at(3_000).timeout().unwrap();
    assert!(
        script.sent().is_empty(),
        "a class given up is not asked for again"
    );
}

#[test]
fn a_list_without_an_answer_is_asked_for_again_later() {
    let (mut script, _, watches) = Script::live();
    script
        .at(0)
        .frame(&json!({ "id": watches[&Class::Labels], "type": "event", "event": {} }))
        .unwrap();
    script.at(500).timeout().unwrap();
    assert_eq!(script.sent_types(), ["config/label_registry/list"]);
    script.at(10_500).timeout().unwrap();
    let events = script.events();
    assert!(matches!(
        &events[..],
        [
            Event::ClassOutdated {
                class: Class::Labels
            },
            Event::ClassUnavailable {
                class: Class::Labels,
                error: CommandError::Timeout { .. }
            }
        ]
    ));
    script.at(30_000).frame(&json!([])).unwrap();
    script.at(60_000).frame(&json!([])).unwrap();
    script.at(70_500).timeout().unwrap();
    assert_eq!(script.sent_types(), ["config/label_registry/list"]);
}

#[test]
fn states_that_cannot_be_subscribed_are_fatal() {
    let mut script = Script::new();
    script.frame(&json!({ "type": "auth_ok" })).unwrap();
    let error = script.refuse(STATES_ID, "invalid_format").unwrap_err();
    assert!(
        error.to_string().contains("check the entity filter"),
        "{error}"
    );
}

#[test]
fn a_mark_follows_what_was_told_and_ends_exactly_once() {
    let mut early = Script::new();
    early.session.mark(Duration::ZERO, 1);
    assert!(matches!(
        &early.events()[..],
        [Event::Marked {
            mark: 1,
            live: false
        }]
    ));

    let (mut script, _, _) = Script::live();
    script.session.mark(Duration::ZERO, 7);
    let ping = script.sent().remove(0);
    assert_eq!(ping["type"], "ping");
    script
        .frame(&json!([
            { "id": STATES_ID, "type": "event", "event": { "a": {} } },
            { "id": STATES_ID, "type": "event", "event": { "r": ["sensor.a"] } },
            { "type": "pong", "id": ping["id"] },
            { "type": "pong", "id": ping["id"] },
        ]))
        .unwrap();
    assert!(matches!(
        &script.events()[..],
        [
            Event::Snapshot(_),
            Event::Changes(_),
            Event::Marked {
                mark: 7,
                live: true
            }
        ]
    ));

    script.session.mark(Duration::ZERO, 8);
    script.session.handle_closed();
    assert!(matches!(
        &script.events()[..],
        [Event::Marked {
            mark: 8,
            live: false
        }]
    ));
}

#[test]
fn every_call_ends_exactly_once() {
    let mut early = Script::new();
    early.session.call_service(Duration::ZERO, call(1));
    assert!(matches!(
        &early.events()[..],
        [Event::CommandResult {
            correlation: 1,
            result: Err(CommandError::NotConnected)
        }]
    ));

    let (mut script, ..) = Script::live();
    for correlation in 2..=5 {
        script.session.call_service(script.now, call(correlation));
    }
    let sent = script.sent();
    assert_eq!(
        sent[0]["service_data"],
        json!({ "entity_id": ["sensor.a"] })
    );
    assert_eq!(
        (&sent[0]["domain"], &sent[0]["service"]),
        (&json!("homeassistant"), &json!("update_entity"))
    );
    let ids: Vec<u64> = sent
        .iter()
        .map(|frame| frame["id"].as_u64().unwrap())
        .collect();
    script.result(ids[1], &json!({ "context": { "id": "C9" } }));
    script.refuse(ids[0], "not_found").unwrap();
    script.at(10_000).timeout().unwrap();
    script.result(ids[2], &Value::Null);
    let results: Vec<_> = script
        .events()
        .into_iter()
        .map(|event| match event {
            Event::CommandResult {
                correlation,
                result,
            } => (correlation, result),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(results.len(), 4);
    assert!(matches!(&results[0], (3, Ok(outcome)) if outcome.context_id.as_deref() == Some("C9")));
    assert!(
        matches!(&results[1], (2, Err(CommandError::Refused { code, .. })) if code == "not_found")
    );
    assert!(matches!(
        &results[2],
        (4, Err(CommandError::Timeout { .. }))
    ));

    script.session.call_service(script.now, call(6));
    script.session.handle_closed();
    assert!(matches!(
        &script.events()[..],
        [Event::CommandResult {
            correlation: 6,
            result: Err(CommandError::ConnectionLost)
        }]
    ));
}

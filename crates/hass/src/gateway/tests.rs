//! Conversations of a client, Home Assistant and a host, message by message.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;

mod early;

const NOW: Duration = Duration::from_secs(1);

/// The shared mirror of a host.
#[derive(Default)]
struct Shared {
    states: RefCell<BTreeMap<Arc<str>, Arc<State>>>,
    sequence: Cell<u64>,
    stale: Cell<bool>,
    outdated: Cell<bool>,
}

impl Home for Shared {
    fn states(&self) -> Option<States> {
        let states = self.states.borrow();
        (!self.stale.get()).then(|| States {
            sequence: self.sequence.get(),
            states: states
                .iter()
                .map(|(id, it)| (id.clone(), it.clone()))
                .collect(),
        })
    }

    fn state(&self, entity_id: &str) -> Option<Arc<State>> {
        self.states.borrow().get(entity_id).cloned()
    }

    fn list(&self, class: Class) -> Option<String> {
        (!self.outdated.get()).then(|| format!(r#"["{class}"]"#))
    }
}

impl Shared {
    /// Writes a state, or removes it, and gives the change.
    fn write(&self, entity_id: &str, state: Option<&str>) -> StateChange {
        self.sequence.set(self.sequence.get() + 1);
        let sequence = self.sequence.get();
        let id: Arc<str> = entity_id.into();
        let after = state.map(|text| Arc::new(self::state(text, sequence)));
        let before = match &after {
            Some(after) => self.states.borrow_mut().insert(id.clone(), after.clone()),
            None => self.states.borrow_mut().remove(&id),
        };
        StateChange::new(sequence, id, before, after, Timestamp::default())
    }
}

fn state(text: &str, at: u64) -> State {
    let compressed = json!({ "s": text, "a": { "n": at }, "c": format!("C{at}"), "lc": at });
    serde_json::from_value(compressed).unwrap()
}

struct Talk {
    gateway: Gateway,
    home: Shared,
}

impl Talk {
    /// A client that has said its token.
    fn accepted(user: &Value, profile: Profile) -> Self {
        let mut talk = Self {
            gateway: Gateway::new(false),
            home: Shared::default(),
        };
        talk.upstream(&json!({ "type": "auth_required", "ha_version": "2026.11.0" }));
        assert_eq!(talk.told()[0]["type"], "auth_required");
        let auth = json!({ "type": "auth", "access_token": "secret" });
        talk.client(&auth);
        assert_eq!(talk.passed(), [auth]);
        assert!(!talk.gateway.wants_client());
        talk.upstream(&json!({ "type": "auth_ok", "ha_version": "2026.11.0" }));
        assert_eq!(talk.told()[0]["type"], "auth_ok");
        assert_eq!(
            talk.passed(),
            [json!({ "id": 1, "type": "auth/current_user" })]
        );
        assert!(
            !talk.gateway.wants_client(),
            "who it is must be known first"
        );
        talk.upstream(&json!({ "id": 1, "type": "result", "success": true, "result": user }));
        let Some(GatewayEvent::LoggedIn(identity)) = talk.gateway.poll_event() else {
            panic!("nobody logged in");
        };
        assert_eq!(identity.user_id, user["id"]);
        talk.gateway.handle_profile(profile);
        talk
    }

    /// An administrator.
    fn admin(profile: Profile) -> Self {
        let user = json!({ "id": "u1", "name": "Ada", "is_owner": false, "is_admin": true });
        let mut talk = Self::accepted(&user, profile);
        assert_eq!(talk.passed()[0]["event_type"], "user_updated");
        talk.upstream(&json!({ "id": 2, "type": "result", "success": true, "result": null }));
        assert!(talk.gateway.is_live() && talk.gateway.is_shared());
        talk
    }

    /// Somebody else.
    fn guest(profile: Profile) -> Self {
        let user = json!({ "id": "u2", "name": "Bob", "is_owner": false, "is_admin": false });
        Self::accepted(&user, profile)
    }

    fn client(&mut self, message: &Value) {
        assert!(self.gateway.wants_client());
        self.gateway.handle_client(Frame::Text(message.to_string()));
    }

    fn upstream(&mut self, message: &Value) {
        self.gateway
            .handle_upstream(NOW, Frame::Text(message.to_string()));
    }

    fn passed(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.gateway.poll_upstream())
            .map(|it| parsed(&it))
            .collect()
    }

    fn told(&mut self) -> Vec<Value> {
        let frames = std::iter::from_fn(|| self.gateway.poll_client(Timestamp::default()));
        frames.map(|it| parsed(&it)).collect()
    }

    /// Has Home Assistant answer the ping that precedes an answer, and the link reach the mark.
    fn let_answer(&mut self) {
        let ping = self.passed().pop().expect("a ping");
        assert_eq!(ping["type"], "ping");
        assert!(self.told().is_empty());
        self.upstream(&json!({ "type": "pong", "id": ping["id"] }));
        self.reach(true);
    }

    fn reach(&mut self, live: bool) {
        assert!(self.told().is_empty(), "it waits for the mark");
        assert!(self.gateway.poll_mark());
        assert!(!self.gateway.poll_mark());
        self.gateway.handle_mark(live, &self.home);
    }

    fn write(&mut self, entity_id: &str, state: Option<&str>) {
        let change = self.home.write(entity_id, state);
        self.gateway.handle_changes(&[change]);
    }
}

fn parsed(frame: &Frame) -> Value {
    let Frame::Text(text) = frame else {
        panic!("{frame:?}");
    };
    serde_json::from_str(text).unwrap()
}

fn shaped() -> Profile {
    Profile {
        shaped: true,
        ..Profile::default()
    }
}

fn only_sensors() -> Profile {
    Profile {
        takes: Some(Arc::new(|id: &str| id.starts_with("sensor."))),
        shaped: false,
    }
}

#[test]
fn a_refused_token_is_home_assistants_word() {
    let mut gateway = Gateway::new(true);
    assert!(!gateway.wants_client(), "Home Assistant speaks first");
    let say = |gateway: &mut Gateway, text: &str| {
        gateway.handle_upstream(NOW, Frame::Text(text.to_owned()));
        gateway.poll_client(Timestamp::default())
    };
    say(&mut gateway, r#"{"type":"auth_required"}"#);
    gateway.handle_client(Frame::Text("anything at all".into()));
    assert_eq!(
        gateway.poll_upstream(),
        Some(Frame::Text("anything at all".into()))
    );
    let verdict = r#"{"message":"Invalid access token or password","type":"auth_invalid"}"#;
    assert_eq!(
        say(&mut gateway, verdict),
        Some(Frame::Text(verdict.into()))
    );
    assert_eq!(gateway.poll_event(), Some(GatewayEvent::Refused));
    assert_eq!(gateway.closing(), Some(Closing::Ended));
    assert_eq!(
        gateway.poll_upstream(),
        None,
        "nothing is asked of one who is refused"
    );
}

#[test]
fn the_label_of_the_token_is_asked_for_if_it_matters() {
    let mut gateway = Gateway::new(true);
    for text in [r#"{"type":"auth_required"}"#, r#"{"type":"auth_ok"}"#] {
        gateway.handle_upstream(NOW, Frame::Text(text.into()));
        if gateway.wants_client() {
            gateway.handle_client(Frame::Text("{}".into()));
        }
    }
    let tokens = json!([{ "client_name": "Other", "is_current": false },
        { "client_name": "Wall", "is_current": true }]);
    let user = json!({ "id": "u", "name": null, "is_owner": true, "is_admin": true });
    for (id, result) in [(2, tokens), (1, user)] {
        assert_eq!(gateway.poll_event(), None);
        let answer = json!({ "id": id, "type": "result", "success": true, "result": result });
        gateway.handle_upstream(NOW, Frame::Text(answer.to_string()));
    }
    let Some(GatewayEvent::LoggedIn(identity)) = gateway.poll_event() else {
        panic!("nobody logged in");
    };
    assert_eq!(identity.token_name.as_deref(), Some("Wall"));
    assert!(identity.is_admin);
}

#[test]
fn what_no_mirror_knows_passes_under_other_identifiers() {
    let mut talk = Talk::admin(Profile::default());
    talk.client(
        &json!([{ "id": 3, "type": "call_service", "domain": "light" },
        { "type": "subscribe_events", "event_type": "x", "id": 4 }]),
    );
    let passed = talk.passed();
    let (first, second) = (passed[0]["id"].clone(), passed[1]["id"].clone());
    assert!(first.as_u64() > Some(2) && second.as_u64() > first.as_u64());
    assert_eq!(passed[0]["domain"], "light");
    // Frames of several messages are taken apart for a client that does not take them.
    talk.upstream(
        &json!([{ "id": second, "type": "result", "success": true, "result": null },
        { "type": "event", "event": { "id": 7 }, "id": second },
        { "id": first, "type": "result", "success": false, "error": { "code": "not_found" } }]),
    );
    let told = talk.told();
    assert_eq!(
        told[1],
        json!({ "type": "event", "event": { "id": 7 }, "id": 4 })
    );
    assert_eq!((&told[0]["id"], &told[2]["id"]), (&json!(4), &json!(3)));
    talk.client(&json!({ "id": 9, "type": "unsubscribe_events", "subscription": 4 }));
    assert_eq!(talk.passed()[0]["subscription"], second);
    talk.gateway.handle_client(Frame::Binary(vec![1, 2]));
    assert_eq!(
        talk.gateway.poll_upstream(),
        Some(Frame::Binary(vec![1, 2]))
    );
}

#[test]
fn commands_that_are_none_are_refused_as_home_assistant_does() {
    let mut talk = Talk::admin(Profile::default());
    talk.client(&json!([{ "id": 5, "type": "ping" }, { "id": 5, "type": "ping" },
        { "id": "six", "type": "ping" }, { "type": "ping" }, { "id": 7 }, 8, { "id": 1.5, "type": "x" }]));
    // Each is told after what was asked before it: a ping tells that Home Assistant has come so far.
    assert!(talk.told().is_empty());
    let passed = talk.passed();
    assert_eq!(passed.len(), 7);
    for ping in &passed {
        talk.upstream(&json!({ "type": "pong", "id": ping["id"] }));
    }
    let told = talk.told();
    assert_eq!(told[0], json!({ "type": "pong", "id": 5 }));
    let errors: Vec<(Value, Value)> = told
        .iter()
        .skip(1)
        .map(|it| (it["id"].clone(), it["error"]["code"].clone()))
        .collect();
    let format = || json!("invalid_format");
    assert_eq!(
        errors,
        [
            (json!(5), json!("id_reuse")),
            (json!("six"), format()),
            (Value::Null, format()),
            (json!(7), format()),
            (json!(0), format()),
            (json!(1.5), format()),
        ]
    );
    // Of a flood of them no more is made.
    for _ in 0..5_000 {
        talk.client(&json!(7));
        talk.told();
    }
    assert!(talk.passed().len() < 1_000);
    assert_eq!(talk.gateway.closing(), None);
    talk.gateway.handle_client(Frame::Text("{\"id\":".into()));
    assert_eq!(talk.gateway.closing(), Some(Closing::Malformed));
}

#[test]
fn an_administrator_is_answered_from_the_shared_mirror() {
    let mut talk = Talk::admin(Profile::default());
    talk.write("sensor.a", Some("1"));
    talk.client(&json!({ "id": 3, "type": "get_states" }));
    talk.let_answer();
    let told = talk.told();
    assert_eq!(
        (&told[0]["id"], &told[0]["success"]),
        (&json!(3), &json!(true))
    );
    assert_eq!(told[0]["result"][0]["entity_id"], "sensor.a");
    assert_eq!(
        told[0]["result"][0]["last_reported"],
        "1970-01-01T00:00:01+00:00"
    );

    talk.client(&json!({ "id": 4, "type": "config/area_registry/list" }));
    talk.let_answer();
    assert_eq!(talk.told()[0]["result"], json!(["areas"]));
    assert_eq!(talk.gateway.stats().answered, 2);
    assert_eq!(talk.gateway.stats().passed, 0);
}

#[test]
fn what_may_be_out_of_date_is_asked_of_home_assistant() {
    let mut talk = Talk::admin(Profile::default());
    talk.home.outdated.set(true);
    talk.client(&json!({ "id": 3, "type": "get_services" }));
    talk.let_answer();
    let passed = talk.passed();
    assert_eq!(passed[0]["type"], "get_services");
    talk.upstream(
        &json!({ "id": passed[0]["id"], "type": "result", "success": true, "result": {} }),
    );
    assert_eq!(talk.told()[0]["id"], 3);

    // A subscription, too, with its events for as long as it lasts; also when the link is down.
    talk.client(&json!({ "id": 4, "type": "subscribe_entities" }));
    let ping = talk.passed().pop().unwrap();
    talk.upstream(&json!({ "type": "pong", "id": ping["id"] }));
    talk.reach(false);
    let id = talk.passed()[0]["id"].clone();
    for event in [json!({ "a": {} }), json!({ "r": ["a.b"] })] {
        talk.upstream(&json!({ "id": id, "type": "event", "event": event }));
        assert_eq!(
            talk.told(),
            [json!({ "id": 4, "type": "event", "event": event })]
        );
    }
    talk.client(&json!({ "id": 5, "type": "unsubscribe_events", "subscription": 4 }));
    assert_eq!(talk.passed()[0]["subscription"], id);
}

#[test]
fn changes_follow_what_was_told_and_precede_results() {
    let mut talk = Talk::admin(Profile::default());
    talk.write("sensor.a", Some("1"));
    talk.write("sensor.b", Some("1"));
    talk.client(&json!({ "id": 3, "type": "subscribe_entities", "entity_ids": ["sensor.a"] }));
    talk.client(&json!({ "id": 4, "type": "subscribe_events", "event_type": "state_changed" }));
    let pings = talk.passed();
    for ping in pings {
        talk.upstream(&json!({ "type": "pong", "id": ping["id"] }));
    }
    // Written before the mark: contained in what is told at the start, and not told again.
    let early = talk.home.write("sensor.a", Some("2"));
    talk.reach(true);
    talk.gateway.handle_changes(&[early]);
    let told = talk.told();
    assert_eq!(told.len(), 3);
    assert_eq!(told[1]["event"]["a"]["sensor.a"]["s"], "2");
    assert!(told[1]["event"]["a"].get("sensor.b").is_none());

    talk.write("sensor.a", Some("3"));
    talk.write("sensor.b", Some("2"));
    let told = talk.told();
    assert_eq!(told.len(), 3);
    assert_eq!(told[0]["event"]["c"]["sensor.a"]["+"]["s"], "3");
    assert_eq!(told[1]["event"]["data"]["old_state"]["state"], "2");
    assert_eq!(told[2]["event"]["data"]["entity_id"], "sensor.b");

    // The result of a command waits for what the command did.
    talk.client(&json!({ "id": 5, "type": "call_service" }));
    let id = talk.passed()[0]["id"].clone();
    talk.upstream(&json!({ "id": id, "type": "result", "success": true, "result": null }));
    assert!(talk.gateway.poll_mark());
    talk.write("sensor.b", Some("9"));
    talk.gateway.handle_mark(true, &talk.home);
    let told = talk.told();
    assert_eq!(
        (&told[0]["type"], &told[1]["type"]),
        (&json!("event"), &json!("result"))
    );

    for (id, subscription) in [(6, 3), (7, 4)] {
        talk.client(
            &json!({ "id": id, "type": "unsubscribe_events", "subscription": subscription }),
        );
        assert_eq!(talk.told()[0]["success"], true);
    }
    talk.write("sensor.a", Some("4"));
    assert!(talk.told().is_empty() && talk.passed().is_empty());
}

#[test]
fn a_subscription_can_be_ended_before_it_began() {
    for live in [true, false] {
        let mut talk = Talk::admin(Profile::default());
        talk.client(&json!({ "id": 3, "type": "subscribe_entities" }));
        talk.client(&json!({ "id": 4, "type": "unsubscribe_events", "subscription": 3 }));
        for ping in talk.passed() {
            assert_eq!(ping["type"], "ping");
            talk.upstream(&json!({ "type": "pong", "id": ping["id"] }));
        }
        talk.reach(live);
        if live {
            let told = talk.told();
            assert_eq!(told.last().map(|it| &it["id"]), Some(&json!(4)));
        } else {
            let passed = talk.passed();
            assert_eq!(passed[1]["subscription"], passed[0]["id"]);
            talk.upstream(&json!({ "id": passed[1]["id"], "type": "result", "success": true }));
            assert_eq!(talk.told()[0]["id"], 4);
        }
        talk.write("sensor.a", Some("1"));
        assert!(talk.told().is_empty());
    }
}

#[test]
fn the_subscription_that_rights_rest_on_cannot_be_ended() {
    let mut talk = Talk::admin(Profile::default());
    for (id, subscription) in [
        (3, json!(2)),
        (4, json!("2")),
        (5, json!(2.0)),
        (6, json!(true)),
        (7, json!(0)),
    ] {
        talk.client(
            &json!({ "id": id, "type": "unsubscribe_events", "subscription": subscription }),
        );
        for passed in talk.passed() {
            assert_ne!(passed["subscription"], 2, "{subscription}");
        }
    }
    talk.upstream(
        &json!({ "id": 2, "type": "event", "event": { "data": { "user_id": "other" } } }),
    );
    assert_eq!(talk.gateway.closing(), None);
    talk.upstream(&json!({ "id": 2, "type": "event", "event": { "data": { "user_id": "u1" } } }));
    assert_eq!(talk.gateway.closing(), Some(Closing::Restart));
}

#[test]
fn without_word_of_changed_rights_everything_passes() {
    let user = json!({ "id": "u1", "name": "Ada", "is_owner": true, "is_admin": true });
    let mut talk = Talk::accepted(&user, Profile::default());
    talk.passed();
    talk.upstream(&json!({ "id": 2, "type": "result", "success": false, "error": {} }));
    assert!(talk.gateway.is_live() && !talk.gateway.is_shared());
    talk.client(&json!({ "id": 1, "type": "get_states" }));
    assert_eq!(talk.passed()[0]["type"], "get_states");
}

#[test]
fn a_lost_link_ends_what_rests_on_it() {
    let mut talk = Talk::admin(Profile::default());
    talk.gateway.handle_stale();
    assert_eq!(talk.gateway.closing(), None, "nothing rests on it");
    talk.client(&json!({ "id": 3, "type": "subscribe_entities" }));
    talk.let_answer();
    talk.gateway.handle_stale();
    assert_eq!(talk.gateway.closing(), Some(Closing::Restart));
}

#[test]
fn others_are_answered_by_home_assistant_alone() {
    let mut talk = Talk::guest(Profile::default());
    assert!(talk.gateway.is_live() && !talk.gateway.is_shared());
    talk.write("sensor.secret", Some("1"));
    for (id, kind) in [
        (1, "get_states"),
        (2, "subscribe_entities"),
        (3, "config/entity_registry/list"),
    ] {
        talk.client(&json!({ "id": id, "type": kind }));
        assert_eq!(talk.passed()[0]["type"], kind);
    }
    talk.write("sensor.secret", Some("2"));
    assert!(talk.told().is_empty());
}

#[test]
fn others_with_a_profile_have_a_mirror_of_their_own() {
    let mut talk = Talk::guest(only_sensors());
    let subscription = talk.passed().remove(0);
    assert_eq!(subscription["type"], "subscribe_entities");
    let own = |event: Value| json!({ "id": subscription["id"], "type": "event", "event": event });
    let compressed = |text: &str| json!({ "s": text, "a": {}, "c": "C", "lc": 5.0 });
    talk.upstream(&json!({ "id": subscription["id"], "type": "result", "success": true }));
    assert!(!talk.gateway.wants_client());
    talk.upstream(&own(
        json!({ "a": { "sensor.a": compressed("1"), "light.b": compressed("on") } }),
    ));
    assert!(talk.gateway.is_live());
    talk.home.write("sensor.secret", Some("1"));

    talk.client(&json!({ "id": 1, "type": "get_states" }));
    let ping = talk.passed().pop().unwrap();
    talk.upstream(&json!({ "type": "pong", "id": ping["id"] }));
    let told = talk.told();
    assert_eq!(told[0]["result"].as_array().map(Vec::len), Some(1));
    assert_eq!(told[0]["result"][0]["entity_id"], "sensor.a");

    talk.client(&json!({ "id": 2, "type": "subscribe_entities" }));
    let ping = talk.passed().pop().unwrap();
    talk.upstream(&json!({ "type": "pong", "id": ping["id"] }));
    talk.upstream(&own(json!({ "c": { "light.b": { "+": { "s": "off" } } } })));
    talk.upstream(&own(
        json!({ "c": { "sensor.a": { "+": { "s": "2", "lc": 6.0 } } } }),
    ));
    let told = talk.told();
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(
        told[2]["event"]["c"]["sensor.a"]["+"],
        json!({ "s": "2", "lc": 6.0 })
    );
    // Registries are Home Assistant's to answer.
    talk.client(&json!({ "id": 3, "type": "config/area_registry/list" }));
    assert_eq!(talk.passed()[0]["type"], "config/area_registry/list");
}

#[test]
fn shaped_changes_are_told_when_they_are_due_and_as_they_are_then() {
    let mut talk = Talk::admin(shaped());
    talk.write("sensor.a", Some("1"));
    talk.write("sensor.b", Some("1"));
    talk.client(&json!({ "id": 3, "type": "subscribe_entities" }));
    talk.let_answer();
    assert_eq!(talk.told().len(), 2);
    talk.write("sensor.a", Some("2"));
    assert!(talk.told().is_empty());
    let due = |ids: &[&str]| ids.iter().map(|id| Arc::from(*id)).collect::<Vec<_>>();
    talk.gateway.handle_due(due(&["sensor.a"]), &talk.home);
    // The client is slow: it gets what is newest when it takes it, all in one event.
    talk.write("sensor.a", Some("3"));
    talk.write("sensor.b", None);
    talk.write("sensor.c", Some("1"));
    talk.gateway
        .handle_due(due(&["sensor.a", "sensor.b", "sensor.c"]), &talk.home);
    let told = talk.told();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["event"]["c"]["sensor.a"]["+"]["s"], "3");
    assert_eq!(told[0]["event"]["r"], json!(["sensor.b"]));
    assert_eq!(told[0]["event"]["a"]["sensor.c"]["s"], "1");
    assert_eq!(talk.gateway.stats().changes, 3);
    talk.gateway.handle_due(due(&["sensor.a"]), &talk.home);
    assert!(talk.told().is_empty(), "it is as it was told");
}

#[test]
fn a_client_that_takes_several_messages_gets_them_in_one_frame() {
    let mut talk = Talk::admin(Profile::default());
    talk.client(
        &json!({ "id": 1, "type": "supported_features", "features": { "coalesce_messages": 1 } }),
    );
    let id = talk.passed()[0]["id"].clone();
    talk.upstream(&json!({ "id": id, "type": "result", "success": true, "result": null }));
    assert!(talk.told()[0].is_object(), "one alone stays as it is");
    talk.client(&json!({ "id": 2, "type": "subscribe_entities" }));
    talk.let_answer();
    assert_eq!(talk.told()[0].as_array().map(Vec::len), Some(2));
    for number in 0..600 {
        talk.write("sensor.a", Some(&number.to_string()));
    }
    let frames = talk.told();
    let counts: Vec<Option<usize>> = frames
        .iter()
        .map(|it| it.as_array().map(Vec::len))
        .collect();
    assert_eq!(counts, [Some(256), Some(256), Some(88)]);
}

#[test]
fn a_client_that_takes_nothing_is_cut_off() {
    let mut talk = Talk::admin(Profile::default());
    talk.client(&json!({ "id": 1, "type": "subscribe_entities" }));
    talk.let_answer();
    for number in 0..MOST_WAITING {
        talk.write("sensor.a", Some(&number.to_string()));
    }
    assert_eq!(talk.gateway.closing(), Some(Closing::Slow));
}

//! Clients whose own mirror is not as far as the shared one, by which the host calls entities due.

use super::*;

/// A client that was told `sensor.a` as it was first, in a home that knows it too.
struct Guest {
    talk: Talk,
    own_id: Value,
}

impl Guest {
    fn told_first() -> Self {
        let mut talk = Talk::guest(shaped());
        let own_id = talk.passed()[0]["id"].clone();
        let mut guest = Self { talk, own_id };
        guest.shared(Some("first"), 1);
        guest.own(&json!({ "a": { "sensor.a": compressed("first", 1) } }));
        guest
            .talk
            .client(&json!({ "id": 1, "type": "subscribe_entities" }));
        let ping = guest.talk.passed().pop().unwrap();
        let answer = json!({ "type": "pong", "id": ping["id"] });
        guest.talk.upstream(&answer);
        assert_eq!(guest.talk.told().len(), 2);
        guest
    }

    /// The shared mirror hears of a write of `sensor.a`, or of its removal.
    fn shared(&mut self, state: Option<&str>, at: u64) {
        let id: Arc<str> = "sensor.a".into();
        let mut states = self.talk.home.states.borrow_mut();
        match state {
            Some(text) => {
                let state = serde_json::from_value(compressed(text, at)).unwrap();
                states.insert(id, Arc::new(state));
            }
            None => drop(states.remove(&id)),
        }
    }

    fn own(&mut self, event: &Value) {
        let message = json!({ "id": self.own_id, "type": "event", "event": event });
        self.talk.upstream(&message);
    }

    /// The client's own mirror hears of a write.
    fn own_write(&mut self, text: &str, at: u64) {
        let added = json!({ "s": text, "lc": at, "c": format!("C{at}") });
        self.own(&json!({ "c": { "sensor.a": { "+": added } } }));
    }

    fn due(&mut self, entity_id: &str) {
        let Talk { gateway, home } = &mut self.talk;
        gateway.handle_due([Arc::from(entity_id)], home);
    }

    /// The states that the client is told, `gone` for none.
    fn told(&mut self) -> Vec<String> {
        let text = |event: &Value| {
            let (added, changed) = (&event["a"]["sensor.a"], &event["c"]["sensor.a"]["+"]);
            let state = added["s"].as_str().or(changed["s"].as_str());
            state.unwrap_or("gone").to_owned()
        };
        let told = self.talk.told();
        told.iter().map(|message| text(&message["event"])).collect()
    }
}

fn compressed(text: &str, at: u64) -> Value {
    json!({ "s": text, "a": {}, "c": format!("C{at}"), "lc": at })
}

#[test]
fn what_is_due_is_told_once_the_own_mirror_heard_of_it() {
    let mut guest = Guest::told_first();
    guest.shared(Some("second"), 6);
    guest.own_write("second", 6);
    assert!(guest.told().is_empty(), "not due yet");
    guest.due("sensor.a");
    assert_eq!(guest.told(), ["second"]);
    guest.due("sensor.a");
    guest.due("sensor.secret");
    assert!(guest.told().is_empty(), "it is as it was told");

    guest.shared(Some("third"), 7);
    guest.due("sensor.a");
    assert!(guest.told().is_empty(), "not heard of yet");
    guest.own_write("third", 7);
    assert_eq!(guest.told(), ["third"]);
    guest.own_write("fourth", 8);
    assert!(guest.told().is_empty());
}

#[test]
fn what_was_held_back_is_not_told_in_place_of_what_is_due() {
    let mut guest = Guest::told_first();
    guest.own_write("held back", 6);
    guest.shared(Some("held back"), 6);
    guest.shared(Some("due"), 7);
    guest.due("sensor.a");
    assert!(guest.told().is_empty());
    guest.own_write("due", 7);
    assert_eq!(guest.told(), ["due"]);
}

#[test]
fn an_own_mirror_several_writes_behind_tells_what_is_due_when_it_comes() {
    let mut guest = Guest::told_first();
    guest.shared(Some("due"), 9);
    guest.due("sensor.a");
    for at in 6..9 {
        guest.own_write("held back", at);
        assert!(guest.told().is_empty());
    }
    guest.own_write("due", 9);
    assert_eq!(guest.told(), ["due"]);
}

#[test]
fn what_differs_in_attributes_alone_is_a_write_like_any_other() {
    let mut guest = Guest::told_first();
    guest.own_write("held back", 6);
    guest.shared(Some("held back"), 7);
    guest.due("sensor.a");
    assert!(guest.told().is_empty());
    let added = json!({ "a": { "n": 1 }, "lu": 7, "c": "C7" });
    guest.own(&json!({ "c": { "sensor.a": { "+": added } } }));
    assert_eq!(guest.told(), ["held back"]);
}

#[test]
fn of_two_writes_at_one_moment_the_context_tells_which_is_due() {
    let mut guest = Guest::told_first();
    guest.own_write("held back", 6);
    let mut due = compressed("due", 6);
    due["c"] = json!("other");
    let due = serde_json::from_value(due).unwrap();
    let id: Arc<str> = "sensor.a".into();
    guest
        .talk
        .home
        .states
        .borrow_mut()
        .insert(id, Arc::new(due));
    guest.due("sensor.a");
    assert!(guest.told().is_empty());
    let added = json!({ "s": "due", "lc": 6, "c": "other" });
    guest.own(&json!({ "c": { "sensor.a": { "+": added } } }));
    assert_eq!(guest.told(), ["due"]);
}

/// Its writes are due faster than they are heard of.
#[test]
fn an_own_mirror_that_is_always_behind_tells_nevertheless_and_the_last_one() {
    let mut guest = Guest::told_first();
    let mut told = Vec::new();
    for at in 10..20 {
        guest.shared(Some(&at.to_string()), at);
        guest.due("sensor.a");
        if at >= 13 {
            guest.own_write(&(at - 3).to_string(), at - 3);
            told.extend(guest.told());
        }
    }
    assert!(told.len() > 1, "{told:?}");
    for at in 17..20 {
        guest.own_write(&at.to_string(), at);
        told.extend(guest.told());
    }
    assert_eq!(told.last().map(String::as_str), Some("19"), "{told:?}");
    guest.own_write("held back", 20);
    assert!(guest.told().is_empty());
}

#[test]
fn an_own_mirror_that_is_ahead_tells_what_it_holds_and_waits_for_nothing() {
    let mut guest = Guest::told_first();
    guest.own_write("due", 6);
    guest.own_write("newer", 7);
    guest.shared(Some("due"), 6);
    guest.due("sensor.a");
    assert_eq!(guest.told(), ["newer"]);
    guest.own_write("held back", 8);
    assert!(guest.told().is_empty());
}

#[test]
fn what_is_due_is_told_after_its_removal_and_return() {
    let mut guest = Guest::told_first();
    guest.own_write("held back", 6);
    guest.shared(None, 7);
    guest.due("sensor.a");
    assert!(guest.told().is_empty(), "its removal was not heard of");
    guest.shared(Some("returned"), 8);
    guest.due("sensor.a");
    guest.shared(Some("due"), 9);
    guest.due("sensor.a");
    guest.own(&json!({ "r": ["sensor.a"] }));
    assert_eq!(guest.told(), ["gone"]);
    guest.own(&json!({ "a": { "sensor.a": compressed("returned", 8) } }));
    assert_eq!(guest.told(), ["returned"]);
    guest.own_write("due", 9);
    assert_eq!(guest.told(), ["due"]);
    guest.own_write("held back", 10);
    assert!(guest.told().is_empty());
}

#[test]
fn an_entity_that_appears_while_its_next_state_is_due_is_told_both() {
    let mut guest = Guest::told_first();
    guest.own(&json!({ "r": ["sensor.a"] }));
    assert_eq!(guest.told(), ["gone"]);
    guest.shared(Some("due"), 9);
    guest.due("sensor.a");
    assert!(guest.told().is_empty(), "the client may not know of it");
    guest.own(&json!({ "a": { "sensor.a": compressed("appeared", 8) } }));
    assert_eq!(guest.told(), ["appeared"]);
    guest.own_write("due", 9);
    assert_eq!(guest.told(), ["due"]);
}

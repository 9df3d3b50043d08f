//! What outlives a restart.

use serde_json::json;
use weirhouse_hass::{Class, Group};

use super::*;

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

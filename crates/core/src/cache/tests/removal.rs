//! Deleting, clearing and invalidating.

use alloc::string::ToString;

use super::*;

#[test]
fn removals_list_live_keys_only() {
    let mut cache = Cache::new();
    let tagged = |tag: &str, seconds: i64| Options {
        tags: vec![tag.to_string()],
        memory_life_us: Some(seconds * SECOND_US),
        ..Options::default()
    };
    for (namespace, key, tag, life) in [
        ("n", "context:a:1", "porch", 100),
        ("n", "context:a:2", "hall", 1),
        ("n", "context:b:1", "hall", 100),
        ("m", "context:a:1", "hall", 100),
    ] {
        cache
            .put(at(0), namespace, key, Vec::new(), tagged(tag, life))
            .expect("proper put");
    }
    let mut other = cache.clone();
    let gone = other
        .invalidate(at(2), "n", "context:a:*")
        .expect("proper pattern");
    assert_eq!(keys(&gone), ["context:a:1"]);
    assert!(hits(&mut other, 2, "n", "context:b:1"));

    let mut other = cache.clone();
    assert_eq!(
        keys(&other.invalidate_tag(at(2), Some("n"), "hall")),
        ["context:b:1"]
    );
    assert_eq!(
        keys(&other.invalidate_tag(at(2), None, "hall")),
        ["context:a:1"]
    );
    assert_eq!(keys(&other.clear(at(2), None)), ["context:a:1"]);

    assert_eq!(cache.delete(at(2), "n", "context:a:1"), Ok(true));
    assert_eq!(cache.delete(at(2), "n", "context:a:1"), Ok(false));
    assert_eq!(cache.delete(at(2), "n", "context:a:2"), Ok(false), "dead");
    assert_eq!(cache.delete(at(2), "unknown", "k"), Ok(false));
    assert_eq!(keys(&cache.clear(at(2), Some("n"))), ["context:b:1"]);
    assert!(hits(&mut cache, 2, "m", "context:a:1"));
}

#[test]
fn a_malformed_pattern_removes_nothing() {
    let mut cache = Cache::new();
    put(&mut cache, 0, "a", "k");
    assert!(matches!(
        cache.invalidate(at(0), "a", "k["),
        Err(Error::InvalidArgument(_))
    ));
    assert!(matches!(
        cache.matching("k[", &["k"]),
        Err(Error::InvalidArgument(_))
    ));
    assert!(hits(&mut cache, 0, "a", "k"));
    assert_eq!(cache.matching("k?", &["k", "k1", "k12"]), Ok(vec![0, 1, 0]));
}

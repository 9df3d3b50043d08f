//! The cache, and what namespaces have of their own.

use weirhouse_runner::wit::cache::{Eviction, Levels, OwnSettings};

use super::*;

const NAMESPACES: &str = r#"
[cache]
negative_life = "0s"
refresh_ahead = 0

[[namespace]]
name = "weather"
entries = 20
disk_life = "1d"
stale_if_error = "2d"
negative_life = "0s"
refresh_ahead = "10%"

[[namespace]]
name = "thumbnails"
bytes = "4 MiB"
value_bytes = "256 KiB"
memory_life = "30s"
levels = "memory-only"
eviction = "w-tiny-lfu"
stale_while_revalidate = "5s"
lease = "3s"
refresh_ahead = 0
"#;

#[test]
fn a_namespace_has_what_is_said_of_it_and_nothing_else() {
    let config = read(NAMESPACES).unwrap();
    let fetch = config.hub.fetch.unwrap();
    assert_eq!((fetch.negative_life, fetch.refresh_ahead), (None, None));

    let [weather, thumbnails] = config.hub.namespaces.as_slice() else {
        panic!("{:?}", config.hub.namespaces);
    };
    assert_eq!(weather.name, "weather");
    let kept = OwnSettings {
        capacity: Some(20),
        disk_life: Some(86_400_000_000),
        ..OwnSettings::default()
    };
    assert_eq!(weather.kept, kept);
    assert_eq!(weather.fetched.if_error, Some(172_800_000_000));
    assert_eq!(weather.fetched.while_revalidate, None);
    assert_eq!(weather.fetched.negative_life, Some(0));
    let ahead = weather.fetched.refresh_ahead.unwrap();
    assert_eq!((ahead.share, ahead.least_reads), (0.1, 3));

    let kept = OwnSettings {
        max_bytes: Some(4 << 20),
        max_value_bytes: Some(256 << 10),
        memory_life: Some(30_000_000),
        levels: Some(Levels::MemoryOnly),
        eviction: Some(Eviction::WTinyLfu),
        ..OwnSettings::default()
    };
    assert_eq!(thumbnails.kept, kept);
    let ahead = thumbnails.fetched.refresh_ahead.unwrap();
    assert!(ahead.share.abs() < f64::EPSILON, "switched off");
}

#[test]
fn a_shown_namespace_makes_the_same() {
    let config = read(NAMESPACES).unwrap();
    let again = read(&config.show()).unwrap();
    assert_eq!(again.hub.namespaces, config.hub.namespaces);
}

#[test]
fn what_is_wrong_with_a_namespace_is_named() {
    for (content, line, words) in [
        ("[[namespace]]\nentries = 5", 1, "must have a `name`"),
        (
            "[[namespace]]\nname = \"a\"\n[[namespace]]\nname = \"a\"",
            4,
            "called \"a\" already",
        ),
        (
            "[[namespace]]\nname = \"a\"\nmemory_life = \"0s\"",
            3,
            "over zero",
        ),
        (
            "[[namespace]]\nname = \"a\"\nnegative_life = 5",
            3,
            "\"0s\" for none",
        ),
        (
            "[[namespace]]\nname = \"a\"\ndisk_bytes = 5",
            3,
            "is unknown",
        ),
        (
            "[cache]\nrefresh_ahead = 0.5\n[[namespace]]\nname = \"a\"\nrefresh_ahead_reads = 5",
            5,
            "without `refresh_ahead`",
        ),
    ] {
        is_named(content, line, words);
    }
}

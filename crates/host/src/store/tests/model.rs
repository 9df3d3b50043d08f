//! The file store against the memory store: any calls, commits and reopenings
//! in between, and every answer is the same.

use proptest::prelude::*;
use proptest::sample::select;

use super::super::{L2Store, MemoryStore, Record, Stamp, Usage};
use super::open;

#[derive(Debug, Clone)]
enum Call {
    Put(&'static str, &'static str, Record),
    Get(&'static str, &'static str),
    Remove(&'static str, &'static str),
    Clear(Option<&'static str>),
    Keys(&'static str, Option<&'static str>, usize),
    ByTag(Option<&'static str>, &'static str),
    Trim(Usage),
    Sweep(i64, usize),
    Flush,
    Reopen,
}

const NAMESPACES: &[&str] = &["", "a", "a\0", "ab", "é"];
const KEYS: &[&str] = &["", "a", "b", "b\0", "bb", "c", "\u{10ffff}"];
const TAGS: &[&str] = &["", "t", "t\0", "u"];

fn a_namespace() -> impl Strategy<Value = &'static str> {
    select(NAMESPACES)
}

fn a_key() -> impl Strategy<Value = &'static str> {
    select(KEYS)
}

fn a_record() -> impl Strategy<Value = Record> {
    let tags = prop::collection::vec(select(TAGS).prop_map(str::to_owned), 0..3);
    let put_at = prop_oneof![4 => 0_i64..100, 1 => Just(i64::MIN), 1 => Just(i64::MAX)];
    let life = prop_oneof![4 => 0_u64..100, 1 => Just(u64::MAX)];
    let value = prop::collection::vec(any::<u8>(), 0..40);
    (value, tags, put_at, life).prop_map(|(value, tags, put_at_us, life_us)| Record {
        value,
        content_type: "text/plain".into(),
        tags,
        stamp: Stamp {
            put_at_us,
            life_us,
            memory_life_us: 1,
            while_revalidate_us: 0,
            if_error_us: 0,
        },
    })
}

fn a_call() -> impl Strategy<Value = Call> {
    let some_namespace = || prop::option::of(a_namespace());
    let usage = (0_u64..12, prop_oneof![Just(u64::MAX), 0_u64..400]);
    prop_oneof![
        12 => (a_namespace(), a_key(), a_record()).prop_map(|(n, k, r)| Call::Put(n, k, r)),
        6 => (a_namespace(), a_key()).prop_map(|(n, k)| Call::Get(n, k)),
        4 => (a_namespace(), a_key()).prop_map(|(n, k)| Call::Remove(n, k)),
        1 => some_namespace().prop_map(Call::Clear),
        2 => (a_namespace(), prop::option::of(a_key()), 0_usize..5)
            .prop_map(|(n, after, most)| Call::Keys(n, after, most)),
        2 => (some_namespace(), select(TAGS)).prop_map(|(n, t)| Call::ByTag(n, t)),
        2 => usage.prop_map(|(entries, bytes)| Call::Trim(Usage { entries, bytes })),
        2 => (0_i64..200, 0_usize..6).prop_map(|(before, most)| Call::Sweep(before, most)),
        3 => Just(Call::Flush),
        1 => Just(Call::Reopen),
    ]
}

/// One call's answer as text, and what the store holds after it.
fn answer(store: &dyn L2Store, call: &Call) -> (String, Usage) {
    let answer = match call {
        Call::Put(ns, key, record) => {
            store.put(ns, key, record.clone()).unwrap();
            String::new()
        }
        Call::Get(ns, key) => format!("{:?}", store.get(ns, key).unwrap()),
        Call::Remove(ns, key) => format!("{:?}", store.remove(ns, key).unwrap()),
        Call::Clear(ns) => format!("{:?}", store.clear(*ns).unwrap()),
        Call::Keys(ns, after, most) => format!("{:?}", store.keys(ns, *after, *most).unwrap()),
        Call::ByTag(ns, tag) => format!("{:?}", store.by_tag(*ns, tag).unwrap()),
        Call::Trim(target) => format!("{:?}", store.trim(*target).unwrap()),
        Call::Sweep(before, most) => format!("{:?}", store.sweep(*before, *most).unwrap()),
        Call::Flush => {
            let latest = store.latest();
            assert_eq!(store.flush().unwrap(), latest);
            assert_eq!(*store.durable().borrow(), latest);
            String::new()
        }
        Call::Reopen => String::new(),
    };
    (answer, store.usage())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn the_file_store_answers_like_the_memory_store(
        calls in prop::collection::vec(a_call(), 1..80),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l2.redb");
        let memory = MemoryStore::new();
        let mut file = open(&path);
        for call in &calls {
            if matches!(call, Call::Reopen) {
                drop(file);
                file = open(&path);
            }
            prop_assert_eq!(answer(&file, call), answer(&memory, call), "{:?}", call);
        }
        prop_assert_eq!(file.health().damaged_records, 0);
        for ns in NAMESPACES {
            prop_assert_eq!(
                file.keys(ns, None, usize::MAX).unwrap(),
                memory.keys(ns, None, usize::MAX).unwrap()
            );
        }
        prop_assert_eq!(file.clear(None).unwrap(), memory.clear(None).unwrap());
        prop_assert_eq!(file.usage(), Usage::default());
    }
}

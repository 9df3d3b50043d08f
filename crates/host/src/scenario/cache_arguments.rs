//! The arguments of the cache, and of fetching what it has not.
//!
//! As in [`super::arguments`], wrong types and unknown names are refused here,
//! values out of range by the optimizer.

use serde_json::value::RawValue;

use super::micros::Micros;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CacheArguments {
    pub(super) capacity: Option<i64>,
    pub(super) l1_ttl: Option<Micros>,
    pub(super) l2_ttl: Option<Micros>,
    #[serde(default)]
    pub(super) l1_only: bool,
    pub(super) max_bytes: Option<i64>,
    pub(super) eviction: Option<String>,
}

/// How what the cache has not is fetched.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FetchArguments {
    pub(super) stale_while_revalidate: Option<Micros>,
    pub(super) stale_if_error: Option<Micros>,
    pub(super) negative: Option<Micros>,
    pub(super) lease: Option<Micros>,
    pub(super) ahead: Option<AheadArguments>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AheadArguments {
    pub(super) share: f64,
    pub(super) reads: i64,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Put {
    pub(super) key: String,
    pub(super) value: Box<RawValue>,
    #[serde(default = "default_namespace")]
    pub(super) ns: String,
    pub(super) l1_ttl: Option<Micros>,
    pub(super) l2_ttl: Option<Micros>,
    pub(super) stale_while_revalidate: Option<Micros>,
    pub(super) stale_if_error: Option<Micros>,
}

/// `lease` is the number that `fetch` or `ahead` gave.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fulfil {
    pub(super) key: String,
    pub(super) value: Box<RawValue>,
    #[serde(default = "default_namespace")]
    pub(super) ns: String,
    pub(super) lease: usize,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NothingThere {
    pub(super) key: String,
    #[serde(default = "default_namespace")]
    pub(super) ns: String,
    pub(super) lease: usize,
    pub(super) life: Option<Micros>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fail {
    pub(super) key: String,
    #[serde(default = "default_namespace")]
    pub(super) ns: String,
    pub(super) lease: usize,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ahead {
    pub(super) most: Option<i64>,
}

/// An event of Home Assistant.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Event {
    #[serde(rename = "type")]
    pub(super) event_type: String,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub(super) key: String,
    #[serde(default = "default_namespace")]
    pub(super) ns: String,
}

/// Without a namespace, all of them.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Clear {
    pub(super) ns: Option<String>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Invalidate {
    pub(super) pattern: String,
    #[serde(default = "default_namespace")]
    pub(super) ns: String,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resize {
    pub(super) capacity: i64,
}

fn default_namespace() -> String {
    "default".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_a_value_and_no_value_is_refused() {
        let put = |text: &str| serde_json::from_str::<Put>(text);
        assert_eq!(
            put(r#"{"key":"a","value":null}"#).unwrap().value.get(),
            "null"
        );
        assert!(
            put(r#"{"key":"a"}"#)
                .unwrap_err()
                .to_string()
                .contains("value")
        );
    }
}

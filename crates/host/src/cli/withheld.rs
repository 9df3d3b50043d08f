//! Secrets that attributes of Home Assistant carry, kept out of traces.
//!
//! A camera's `access_token`, and the same token in an `entity_picture`, opens
//! its pictures to anyone. A trace is made to be passed on, so each is
//! replaced by a digest, which still changes when the secret does.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

/// What begins a secret inside an address.
const IN_ADDRESS: &str = "token=";

/// The value of an attribute without its secrets.
pub(super) fn without_secrets(name: &str, value: Value) -> Value {
    match value {
        Value::String(text) if is_secret(name) => Value::String(digest(&text)),
        Value::String(text) if text.contains(IN_ADDRESS) => Value::String(mask_address(&text)),
        Value::Array(values) => values
            .into_iter()
            .map(|value| without_secrets(name, value))
            .collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| {
                let value = without_secrets(&name, value);
                (name, value)
            })
            .collect(),
        other => other,
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["token", "password", "secret", "api_key"]
        .iter()
        .any(|word| name.contains(word))
}

/// Replaces what follows each `token=` up to the next separator.
fn mask_address(text: &str) -> String {
    let mut pieces = text.split(IN_ADDRESS);
    let mut masked = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find(['&', '#', ' ', '"']).unwrap_or(piece.len());
        let (secret, rest) = piece.split_at(end);
        masked.push_str(IN_ADDRESS);
        masked.push_str(&digest(secret));
        masked.push_str(rest);
    }
    masked
}

fn digest(secret: &str) -> String {
    let mut hasher = DefaultHasher::new();
    secret.hash(&mut hasher);
    format!("withheld-{:08x}", hasher.finish() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_become_digests_that_change_with_them() {
        let hide = |name, value| without_secrets(name, value).to_string();
        let one = hide("access_token", json!("0123456789abcdef"));
        assert!(
            one.contains("withheld-") && !one.contains("0123456789abcdef"),
            "{one}"
        );
        assert_ne!(one, hide("access_token", json!("fedcba9876543210")));
        let picture = hide(
            "entity_picture",
            json!("/api/camera_proxy/camera.a?token=0123456789abcdef&width=3"),
        );
        assert!(
            !picture.contains("0123456789abcdef") && picture.ends_with("&width=3\""),
            "{picture}"
        );
        let nested = hide("data", json!([{ "Password": "hunter2", "kept": 3 }]));
        assert!(
            !nested.contains("hunter2") && nested.contains("\"kept\":3"),
            "{nested}"
        );
    }

    #[test]
    fn everything_else_stays() {
        for value in [
            json!(3),
            json!(null),
            json!("21.5"),
            json!(["a", {"b": true}]),
        ] {
            assert_eq!(without_secrets("friendly_name", value.clone()), value);
        }
    }
}

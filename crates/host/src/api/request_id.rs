//! Names for requests, so that an answer can be found in the log.
//!
//! An id is unique within this instance; it is no secret and orders nothing.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName};

/// The header that carries the id, in both directions.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id taken over from a client, in bytes.
const LONGEST: usize = 128;

/// Gives out ids.
#[derive(Debug)]
pub(super) struct RequestIds {
    /// Random per start, so that ids of two runs differ; with a dash behind it.
    run: Box<str>,
    next: AtomicU64,
}

impl RequestIds {
    /// A source whose ids differ from those of earlier runs.
    pub(super) fn new() -> Self {
        let mut run = [0; 4];
        // Without randomness ids repeat between runs, which only makes a log harder to search.
        let _ = getrandom::fill(&mut run);
        Self {
            run: format!("{:08x}-", u32::from_le_bytes(run)).into(),
            next: AtomicU64::new(1),
        }
    }

    /// The client's own id if it sent a printable one, else a new one.
    pub(super) fn of(&self, headers: &HeaderMap) -> Arc<str> {
        let sent = headers
            .get(HEADER)
            .and_then(|value| value.to_str().ok())
            .filter(|id| is_plain(id));
        if let Some(id) = sent {
            return id.into();
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut id = String::with_capacity(self.run.len() + 20);
        id.push_str(&self.run);
        // Writing to a text has no way to fail.
        let _ = write!(id, "{number}");
        id.into()
    }
}

/// The id of a request within another: that one's with a number behind it, and
/// cut where the two would be too long.
pub(super) fn within(outer: &str, number: usize) -> Arc<str> {
    let number = format!(".{number}");
    let kept = outer.len().min(LONGEST - number.len());
    let outer = outer.get(..kept).unwrap_or_default();
    format!("{outer}{number}").into()
}

impl Default for RequestIds {
    fn default() -> Self {
        Self::new()
    }
}

/// Letters, digits and `-_.:` only: an id goes into log lines.
fn is_plain(id: &str) -> bool {
    (1..=LONGEST).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_over_plain_ids_only() {
        let ids = RequestIds::new();
        for (sent, kept) in [
            ("abc-1.2_3:4", true),
            ("", false),
            ("with blank", false),
            ("{\"json\":1}", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, sent.parse().unwrap());
            assert_eq!(&*ids.of(&headers) == sent, kept, "{sent:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, "x".repeat(LONGEST + 1).parse().unwrap());
        assert!(ids.of(&headers).len() <= LONGEST);
    }

    #[test]
    fn an_id_within_another_begins_like_it_and_is_no_longer_than_others() {
        assert_eq!(&*within("abc", 7), "abc.7");
        let long = within(&"x".repeat(LONGEST), 99);
        assert_eq!(long.len(), LONGEST);
        assert!(long.ends_with("x.99"));
    }

    #[test]
    fn new_ids_differ() {
        let ids = RequestIds::new();
        assert_ne!(ids.of(&HeaderMap::new()), ids.of(&HeaderMap::new()));
    }
}

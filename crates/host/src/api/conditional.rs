//! Conditional requests: whether the caller has an answer already.

use axum::http::{HeaderMap, header};

use crate::mirror::Tag;

/// Whether `If-None-Match` names this tag, by weak comparison.
pub(super) fn has(headers: &HeaderMap, tag: Tag) -> bool {
    if !headers.contains_key(header::IF_NONE_MATCH) {
        return false;
    }
    let ours = tag.text();
    let ours = opaque(ours.as_str());
    let sent = headers.get_all(header::IF_NONE_MATCH).into_iter();
    sent.filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|sent| sent == "*" || opaque(sent) == ours)
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::mirror::{Listing, Query, Replica, Source};

    #[test]
    fn a_tag_is_recognised_among_others() {
        let query = Query::of(Source::States);
        let Ok(Listing::New(tag, _)) = Replica::new().list(&query, |_| false) else {
            panic!("an empty list is a list");
        };
        let text = tag.text().as_str().to_owned();
        for (sent, expected) in [
            (text.clone(), true),
            (text.replace("W/", ""), true),
            (format!("\"other\", {text}"), true),
            ("*".to_owned(), true),
            ("\"other\"".to_owned(), false),
            (text.replace('"', ""), false),
            (String::new(), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, HeaderValue::from_str(&sent).unwrap());
            assert_eq!(has(&headers, tag), expected, "{sent}");
        }
        assert!(!has(&HeaderMap::new(), tag));
    }
}

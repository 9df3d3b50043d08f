//! `GET /`: one page that shows what the instance does.
//!
//! A single embedded file that loads nothing else. It holds no data: what it
//! shows it fetches from the API with the token, so that the page itself needs
//! none.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{Html, IntoResponse, Response};

/// Source of the page; `NONCE` stands where the policy's nonce goes.
const SOURCE: &str = include_str!("index.html");

/// The page and its content security policy.
///
/// The nonce admits the page's own script and style and no other. It is drawn
/// once per start: the page contains nothing a caller wrote, so there is no
/// place where a learned nonce could be put to use.
static PAGE: LazyLock<(String, String)> = LazyLock::new(|| {
    let mut random = [0; 16];
    let nonce = match getrandom::fill(&mut random) {
        Ok(()) => random.iter().fold(String::new(), |mut text, byte| {
            use std::fmt::Write as _;
            let _ = write!(text, "{byte:02x}");
            text
        }),
        // Without randomness the page shows without script and style rather than unprotected.
        Err(_) => return (SOURCE.to_owned(), "default-src 'none'".to_owned()),
    };
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    (SOURCE.replace("NONCE", &nonce), policy)
});

/// The page.
pub async fn get() -> Response {
    let (page, policy) = &*PAGE;
    let headers = [(header::CONTENT_SECURITY_POLICY, policy.as_str())];
    (headers, Html(page.as_str())).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_small_and_loads_nothing() {
        assert!(SOURCE.len() <= 15 * 1024, "{} bytes", SOURCE.len());
        for forbidden in ["http://", "https://", "//cdn", "@import", "url("] {
            let allowed = SOURCE.replace("http://www.w3.org/2000/svg", "");
            assert!(!allowed.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn only_the_pages_own_script_may_run() {
        let (page, policy) = &*PAGE;
        assert!(!page.contains("NONCE"));
        let nonce = policy
            .split_once("script-src 'nonce-")
            .and_then(|(_, rest)| rest.split_once('\''))
            .map(|(nonce, _)| nonce)
            .unwrap();
        assert_eq!(nonce.len(), 32);
        for tag in ["<script", "<style"] {
            for (at, _) in page.match_indices(tag) {
                let opening = &page[at..at + page[at..].find('>').unwrap()];
                assert!(opening.contains(nonce), "{opening}");
            }
        }
        assert!(
            !page.contains(" style="),
            "inline styles are refused by the policy"
        );
        let markup = page.split("<script").next().unwrap();
        for handler in [" onclick=", " onload=", " onsubmit=", " onerror="] {
            assert!(
                !markup.contains(handler),
                "inline handlers are refused by the policy"
            );
        }
    }
}

//! The embedded pages: `GET /` shows what the instance does, `GET /docs` what
//! the API offers.
//!
//! Each is a single file that loads nothing but what the API answers. They hold
//! no data: what they show they fetch, with the token where one is needed, so
//! that the pages themselves need none.
//!
//! `index.html` is built from `crates/host/page` by `cargo xtask page`, and lies
//! here so that building the program needs no Node.js.

use std::sync::LazyLock;

use axum::Extension;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};

use crate::api::RequestOrigin;

/// Sources of the pages; `NONCE` stands where the policy's nonce goes.
const INDEX: &str = include_str!("index.html");
const DOCS: &str = include_str!("docs.html");

static INDEX_PAGE: LazyLock<Page> = LazyLock::new(|| Page::new(INDEX));
static DOCS_PAGE: LazyLock<Page> = LazyLock::new(|| Page::new(DOCS));

/// A page and its content security policy.
struct Page {
    html: String,
    policy: String,
}

impl Page {
    /// The nonce admits the page's own script and style and no other. It is
    /// drawn once per start: the page contains nothing a caller wrote, so there
    /// is no place where a learned nonce could be put to use.
    fn new(source: &str) -> Self {
        let mut random = [0; 16];
        let nonce = match getrandom::fill(&mut random) {
            Ok(()) => random.iter().fold(String::new(), |mut text, byte| {
                use std::fmt::Write as _;
                let _ = write!(text, "{byte:02x}");
                text
            }),
            // Without randomness the page shows without script and style rather than unprotected.
            Err(_) => {
                return Self {
                    html: source.to_owned(),
                    policy: "default-src 'none'".to_owned(),
                };
            }
        };
        Self {
            html: source.replace("NONCE", &nonce),
            policy: format!(
                "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
        }
    }

    /// The page; Home Assistant shows it to visitors in a frame.
    fn respond(&'static self, to_visitor: bool) -> Response {
        let policy = if to_visitor {
            self.policy
                .replace("frame-ancestors 'none'", "frame-ancestors 'self'")
        } else {
            self.policy.clone()
        };
        let headers = [(header::CONTENT_SECURITY_POLICY, policy)];
        (headers, Html(self.html.as_str())).into_response()
    }
}

/// What the instance does, as a page.
#[utoipa::path(
    get,
    path = "/",
    tag = "About",
    responses((status = 200, description = "The page", content_type = "text/html"))
)]
pub(crate) async fn get(origin: Option<Extension<RequestOrigin>>) -> Response {
    INDEX_PAGE.respond(origin.is_some_and(|origin| origin.is_visitor()))
}

/// What the API offers, as a page.
#[utoipa::path(
    get,
    path = "/docs",
    tag = "About",
    responses((status = 200, description = "The page", content_type = "text/html"))
)]
pub(crate) async fn docs() -> Response {
    DOCS_PAGE.respond(false)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn the_pages_are_small_and_load_nothing() {
        for (source, most_bytes) in [(INDEX, 60_000), (DOCS, 6_000)] {
            let mut compressed = GzEncoder::new(Vec::new(), Compression::default());
            compressed.write_all(source.as_bytes()).unwrap();
            let bytes = compressed.finish().unwrap().len();
            assert!(bytes <= most_bytes, "{bytes} bytes compressed");
            for forbidden in ["http://", "https://", "//cdn", "@import", "url("] {
                let allowed = source.replace("http://www.w3.org/2000/svg", "");
                assert!(!allowed.contains(forbidden), "{forbidden}");
            }
        }
    }

    #[test]
    fn only_the_pages_own_script_may_run() {
        for Page { html, policy } in [&*INDEX_PAGE, &*DOCS_PAGE] {
            check(html, policy);
        }
    }

    fn check(page: &str, policy: &str) {
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

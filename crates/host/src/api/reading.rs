//! What all reads of the mirror have in common: tags, packing, and the answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::memo::Answer;
use super::problem::{Kind, Problem};
use super::{Shared, compression, conditional, parameters};
use crate::mirror::{Found, Listing, Source, Tag};

/// What a read needs of its request.
pub(super) struct Read {
    shared: Arc<Shared>,
    uri: Uri,
    headers: HeaderMap,
}

/// The part of the path that names a row.
pub(super) type PathPart = Result<Path<String>, PathRejection>;

impl FromRequestParts<Arc<Shared>> for Read {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        shared: &Arc<Shared>,
    ) -> Result<Self, Infallible> {
        Ok(Self {
            shared: Arc::clone(shared),
            uri: parts.uri.clone(),
            // Nobody after this reads them.
            headers: std::mem::take(&mut parts.headers),
        })
    }
}

/// What a read comes to, before anything is waited for.
enum Outcome {
    Answer(Response),
    /// The caller takes it packed, and it is not packed yet.
    ToPack(Tag, Bytes, Option<Box<Keeping>>),
}

/// What is kept of a list once it is packed.
struct Keeping {
    shared: Arc<Shared>,
    asked: String,
    answer: Answer,
    since: Instant,
}

/// Answers with the rows of a source.
pub(super) fn list(source: Source, read: Read) -> impl Future<Output = Result<Response, Problem>> {
    packed(rows(source, read))
}

/// Answers with one row of a source.
pub(super) fn one(
    source: Source,
    read: Read,
    path: PathPart,
) -> impl Future<Output = Result<Response, Problem>> {
    packed(row(source, read, path))
}

/// Packs what is to be packed. The rest was done before, so that the future is
/// small: it is copied several times on its way to the connection.
async fn packed(outcome: Result<Outcome, Problem>) -> Result<Response, Problem> {
    match outcome? {
        Outcome::Answer(response) => Ok(response),
        Outcome::ToPack(tag, plain, keeping) => {
            let packed = compression::gzip(plain).await;
            if let Some(mut keeping) = keeping {
                keeping.answer.packed = Some(packed.clone());
                keeping.put(tag);
            }
            Ok(respond(tag, packed, true))
        }
    }
}

impl Keeping {
    fn put(&self, tag: Tag) {
        let memo = &self.shared.memo;
        memo.put(&self.asked, tag, &self.answer, self.since);
    }
}

fn rows(source: Source, read: Read) -> Result<Outcome, Problem> {
    let Read {
        shared,
        uri,
        headers,
    } = read;
    let query = parameters::of_list(source, uri.query())?;
    let asked = uri.path_and_query().map_or("", |it| it.as_str());
    let now = Instant::now();
    let mut kept = None;
    let listing = shared.hub.replica().list(&query, |tag| {
        let has = conditional::has(&headers, tag);
        if !has {
            kept = shared.memo.get(asked, tag, now);
        }
        has || kept.is_some()
    })?;
    let (tag, answer) = match (listing, kept) {
        (Listing::Known(tag), Some(kept)) => (tag, kept),
        (Listing::Known(tag), None) => return Ok(Outcome::Answer(unchanged(tag))),
        (Listing::New(tag, body), _) => {
            let answer = Answer {
                plain: Bytes::from(body),
                packed: None,
            };
            shared.memo.put(asked, tag, &answer, now);
            (tag, answer)
        }
    };
    if !compression::is_wanted(&headers, answer.plain.len()) {
        return Ok(Outcome::Answer(respond(tag, answer.plain, false)));
    }
    if let Some(packed) = answer.packed {
        return Ok(Outcome::Answer(respond(tag, packed, true)));
    }
    let plain = answer.plain.clone();
    let keeping = Keeping {
        asked: asked.to_owned(),
        answer,
        since: now,
        shared,
    };
    Ok(Outcome::ToPack(tag, plain, Some(Box::new(keeping))))
}

fn row(source: Source, read: Read, path: PathPart) -> Result<Outcome, Problem> {
    let Read {
        shared,
        uri,
        headers,
    } = read;
    let Path(id) = path.map_err(|error| Problem::invalid(error.body_text()))?;
    let query = parameters::of_one(source, uri.query())?;
    let replica = shared.hub.replica();
    match replica.one(&query, &id, |tag| conditional::has(&headers, tag))? {
        Found::Known(tag) => Ok(Outcome::Answer(unchanged(tag))),
        Found::New(tag, body) if compression::is_wanted(&headers, body.len()) => {
            Ok(Outcome::ToPack(tag, body.into(), None))
        }
        Found::New(tag, body) => Ok(Outcome::Answer(respond(tag, body.into(), false))),
        Found::Missing => Err(missing(source, &shared, &id)),
    }
}

fn missing(source: Source, shared: &Shared, id: &str) -> Problem {
    let shown = id.escape_debug();
    let replica = shared.hub.replica();
    match source {
        Source::Class(_) => {
            let list = source.name();
            Problem::new(
                Kind::UnknownRow,
                format!("`{shown}` is not among the {list}; GET /v1/{list} lists them"),
            )
        }
        Source::States | Source::Scenes | Source::Helpers => {
            let known = replica.entity_count();
            let detail = if known == 0 {
                format!("`{shown}` is unknown: no states have come from Home Assistant yet")
            } else if let Some(now) = replica.renamed(id) {
                format!("`{shown}` was renamed: it is `{now}` now")
            } else {
                format!("`{shown}` is not among the {known} known entities; check its spelling")
            };
            Problem::new(Kind::UnknownEntity, detail)
        }
    }
}

/// Answers with what was composed for one request: packed where the caller takes that, and not again where it has it.
pub(super) async fn composed(headers: &HeaderMap, tag: Tag, body: Bytes) -> Response {
    if conditional::has(headers, tag) {
        unchanged(tag)
    } else if compression::is_wanted(headers, body.len()) {
        respond(tag, compression::gzip(body).await, true)
    } else {
        respond(tag, body, false)
    }
}

/// Room for the fields of an answer, those that every answer gets included.
const FIELDS: usize = 12;

/// The caller has it already.
fn unchanged(tag: Tag) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    response.headers_mut().reserve(FIELDS);
    mark(response.headers_mut(), tag);
    response
}

fn respond(tag: Tag, body: Bytes, packed: bool) -> Response {
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.reserve(FIELDS);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    mark(headers, tag);
    response
}

/// What both forms of an answer carry.
fn mark(headers: &mut HeaderMap, tag: Tag) {
    if let Ok(tag) = HeaderValue::from_str(tag.text().as_str()) {
        headers.insert(header::ETAG, tag);
    }
    // To be kept, and asked about before it is used.
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
}

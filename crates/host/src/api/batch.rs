//! `POST /v1/batch`: many requests in one.
//!
//! Each is served as if it had come by itself, with its own status and problem. What only reads is served in
//! parallel; what writes is served after all before it and before all behind it, so that the answers are those of
//! one request after the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::RawQuery;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use tokio::task::JoinHandle;
use utoipa::ToSchema;

use super::origin::RequestOrigin;
use super::problem::{Kind, Problem};
use super::query::Query;
use super::{Api, compression, request_id};

/// Most requests in one batch.
const MOST_REQUESTS: usize = 100;

/// Requests served at once. Together with the next bound it limits what a batch holds in memory.
const AT_ONCE: usize = 8;

/// Most bytes of all answers together, as much as a large home. Requests behind the one with which they are over it
/// are not served.
const MOST_BYTES: usize = 16 << 20;

/// Headers that a request of a batch may carry.
const TAKEN: [HeaderName; 2] = [header::IF_NONE_MATCH, header::CONTENT_TYPE];

/// Headers that are each answer's own, besides those with a name of ours; the rest are of the whole.
const GIVEN: [HeaderName; 6] = [
    header::ALLOW,
    header::CACHE_CONTROL,
    header::CONTENT_TYPE,
    header::ETAG,
    header::RETRY_AFTER,
    header::WWW_AUTHENTICATE,
];

/// How headers begin that say what no other header can.
const OURS: &str = "weirhouse-";

/// The routes that a batch can ask.
#[derive(Clone)]
pub(super) struct Inside(pub(super) Api);

/// What is sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Batch {
    /// The requests, in order.
    #[schema(max_items = 100)]
    requests: Vec<Item>,
}

/// One request.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = BatchRequest)]
#[serde(deny_unknown_fields)]
struct Item {
    /// `GET` unless said otherwise.
    #[serde(default)]
    method: Option<String>,
    /// Path and query, as `/v1/states/light.hall?fields=state`.
    path: String,
    /// `If-None-Match` and `Content-Type`.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// A body that is JSON, be it `null`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Value, required = false)]
    body: Option<Box<RawValue>>,
    /// A body that is text.
    #[serde(default)]
    text: Option<String>,
    /// A body of any bytes.
    #[serde(default)]
    base64: Option<String>,
}

/// A value that is there, whatever it is.
fn given<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::deserialize(value).map(Some)
}

/// What is answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchAnswers)]
struct Answers {
    /// One for each request, in the same order.
    responses: Vec<Answer>,
}

/// One answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchAnswer)]
struct Answer {
    /// The status it would have had by itself.
    status: u16,
    /// Its own headers, by lower-case name.
    headers: BTreeMap<String, String>,
    /// A body that is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value, required = false)]
    body: Option<Box<RawValue>>,
    /// A body that is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// A body of other bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

/// Serves each request and answers with all of them.
#[utoipa::path(
    post,
    path = "/v1/batch",
    tag = "Read",
    request_body(content = Batch, description = "`{\"requests\": [{\"path\": \"/v1/states/light.hall\"}]}`"),
    responses((status = 200, description = "The answers, in the order of the requests", body = Answers))
)]
pub(super) async fn post(
    Extension(Inside(inside)): Extension<Inside>,
    Extension(origin): Extension<RequestOrigin>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let body = body?;
    let batch: Batch = serde_json::from_slice(&body).map_err(|error| {
        Problem::invalid(format!(
            "the body is no batch, which looks like {{\"requests\":[{{\"path\":\"/v1/states/light.hall\"}}]}}: {error}"
        ))
    })?;
    if batch.requests.len() > MOST_REQUESTS {
        return Err(Problem::new(
            Kind::TooLarge,
            format!(
                "there are {} requests in the batch, at most {MOST_REQUESTS} are taken",
                batch.requests.len()
            ),
        ));
    }
    let mut left = MOST_BYTES;
    let mut responses = Vec::with_capacity(batch.requests.len());
    let mut reads: Vec<(Arc<str>, JoinHandle<Response>)> = Vec::new();
    for (number, item) in batch.requests.into_iter().enumerate() {
        let item_id = request_id::within(&origin.request_id, number);
        let reads_only = item.reads_only();
        if !reads_only || reads.len() >= AT_ONCE {
            collect(&mut reads, &mut responses, &mut left).await;
        }
        let request = if left == 0 {
            Err(too_many_bytes())
        } else {
            item.into_request()
        };
        let served = match request {
            Ok(request) => {
                // The caller is the whole batch's, and nothing a request of it says makes another of them.
                tokio::spawn(inside.answer_within(&origin, Arc::clone(&item_id), request))
            }
            Err(problem) => tokio::spawn(async move { problem.into_response() }),
        };
        reads.push((item_id, served));
        if !reads_only {
            collect(&mut reads, &mut responses, &mut left).await;
        }
    }
    collect(&mut reads, &mut responses, &mut left).await;
    let answers = serde_json::to_vec(&Answers { responses })
        .map_err(|error| Problem::new(Kind::Internal, format!("the answers: {error}")))?;
    Ok(packed(&headers, answers.into()).await)
}

/// The answers as they are sent.
async fn packed(headers: &HeaderMap, plain: Bytes) -> Response {
    let head = [
        (header::CONTENT_TYPE, "application/json"),
        (header::VARY, "Accept-Encoding"),
    ];
    if !compression::is_wanted(headers, plain.len()) {
        return (head, plain).into_response();
    }
    let encoding = [(header::CONTENT_ENCODING, "gzip")];
    (head, encoding, compression::gzip(plain).await).into_response()
}

/// What a batch does not ask for: what answers without an end, what is for people, what the owner alone does, and
/// batches.
pub(super) async fn not_inside(uri: Uri) -> Problem {
    Problem::new(
        Kind::UnknownRoute,
        format!(
            "`{}` is not asked for in a batch; send this request by itself",
            uri.path()
        ),
    )
}

/// Waits for what is under way, in order.
async fn collect(
    under_way: &mut Vec<(Arc<str>, JoinHandle<Response>)>,
    answers: &mut Vec<Answer>,
    left: &mut usize,
) {
    for (id, served) in under_way.drain(..) {
        let response = served.await.unwrap_or_else(|_| {
            Problem::new(Kind::Internal, "this request was given up").into_response()
        });
        answers.push(Answer::read(response, &id, left).await);
    }
}

fn too_many_bytes() -> Problem {
    Problem::new(
        Kind::TooLarge,
        format!(
            "with this answer the batch is over {MOST_BYTES} bytes; ask for fewer rows, or in several batches"
        ),
    )
}

impl Item {
    fn reads_only(&self) -> bool {
        self.method
            .as_deref()
            .is_none_or(|method| ["GET", "HEAD"].contains(&method))
    }

    /// The request as it would have come by itself.
    fn into_request(self) -> Result<Request<Body>, Problem> {
        let method = self.method.as_deref().unwrap_or("GET");
        let method = method
            .parse::<Method>()
            .map_err(|_| Problem::invalid(format!("`{}` is no method", method.escape_debug())))?;
        if !self.path.starts_with('/') {
            return Err(Problem::invalid(format!(
                "the path `{}` does not begin with `/`",
                self.path.escape_debug()
            )));
        }
        let request = Request::builder().method(method).uri(&self.path);
        let (content, content_type) = match (self.body, self.text, self.base64) {
            (None, None, None) => (Vec::new(), None),
            (Some(json), None, None) => (json.get().into(), Some("application/json")),
            (None, Some(text), None) => (text.into_bytes(), Some("text/plain; charset=utf-8")),
            (None, None, Some(base64)) => {
                let bytes = BASE64
                    .decode(base64)
                    .map_err(|error| Problem::invalid(format!("base64: {error}")))?;
                (bytes, None)
            }
            _ => {
                return Err(Problem::invalid(
                    "a request has one of `body`, `text` and `base64`, not several",
                ));
            }
        };
        let mut own = HeaderMap::new();
        if let Some(content_type) = content_type {
            own.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        for (name, value) in self.headers {
            let taken = TAKEN
                .iter()
                .find(|taken| name.eq_ignore_ascii_case(taken.as_str()));
            let Some(taken) = taken else {
                return Err(Problem::invalid(format!(
                    "a request of a batch takes the headers If-None-Match and Content-Type, not `{}`",
                    name.escape_debug()
                )));
            };
            let value = HeaderValue::from_str(&value)
                .map_err(|_| Problem::invalid(format!("the value of {taken} is no header's")))?;
            own.insert(taken, value);
        }
        let mut request = request
            .body(Body::from(content))
            .map_err(|error| Problem::invalid(format!("path: {error}")))?;
        request.headers_mut().extend(own);
        Ok(request)
    }
}

impl Answer {
    async fn read(response: Response, id: &str, left: &mut usize) -> Self {
        let (mut parts, body) = response.into_parts();
        // One that never reached the routes has no body yet.
        let problem = parts.extensions.remove::<Problem>();
        let body = match problem {
            Some(problem) => Ok(problem.render(id).into()),
            None => to_bytes(body, *left).await,
        };
        let Ok(body) = body else {
            *left = 0;
            return Box::pin(Self::read(too_many_bytes().into_response(), id, left)).await;
        };
        *left = left.saturating_sub(body.len());
        let mut headers = BTreeMap::new();
        for (name, value) in &parts.headers {
            let is_given = GIVEN.contains(name) || name.as_str().starts_with(OURS);
            if let (true, Ok(value)) = (is_given, value.to_str()) {
                headers.insert(name.as_str().to_owned(), value.to_owned());
            }
        }
        let is_json = headers
            .get("content-type")
            .is_some_and(|it| it.starts_with("application/json") || it.ends_with("+json"));
        let mut answer = Self {
            status: parts.status.as_u16(),
            headers,
            body: None,
            text: None,
            base64: None,
        };
        if body.is_empty() {
            return answer;
        }
        match String::from_utf8(body.into()) {
            Ok(text) if is_json => match RawValue::from_string(text.clone()) {
                Ok(json) => answer.body = Some(json),
                // A cached value is JSON only as far as its writer says so.
                Err(_) => answer.text = Some(text),
            },
            Ok(text) => answer.text = Some(text),
            Err(bytes) => answer.base64 = Some(BASE64.encode(bytes.as_bytes())),
        }
        answer
    }
}

//! Errors that others made, as problems: refusals of the framework's extractors,
//! and answers that carry an error status and a plain text.

use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{Kind, Problem};
use crate::api::BODY_LIMIT_BYTES;

/// Puts a problem in place of an error without a body of its own.
///
/// An error with a body, as that of `/healthz`, stays what it is.
pub(in crate::api) fn adopt(response: Response) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || response.extensions().get::<Problem>().is_some() {
        return response;
    }
    let has_body = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|media_type| !media_type.as_bytes().starts_with(b"text/plain"));
    if has_body {
        return response;
    }
    let kind = kind_of(status);
    let problem = Problem::new(
        kind,
        format!(
            "{}; the description of the API is at /v1/openapi.json",
            kind.title().to_lowercase()
        ),
    );
    let mut adopted = problem.into_response();
    // What it said for machines stays, as Allow does of a wrong method.
    for (name, value) in response.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            adopted.headers_mut().insert(name, value.clone());
        }
    }
    adopted
}

/// The kind of problem that has this status.
fn kind_of(status: StatusCode) -> Kind {
    match status {
        StatusCode::NOT_FOUND => Kind::UnknownRoute,
        StatusCode::METHOD_NOT_ALLOWED => Kind::MethodNotAllowed,
        StatusCode::REQUEST_TIMEOUT => Kind::Timeout,
        StatusCode::PAYLOAD_TOO_LARGE => Kind::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Kind::UnsupportedMediaType,
        StatusCode::TOO_MANY_REQUESTS => Kind::RateLimited,
        status if status.is_client_error() => Kind::InvalidArgument,
        _ => Kind::Internal,
    }
}

/// The problem of a body that is over its bound.
pub(in crate::api) fn long_body() -> Problem {
    Problem::new(
        Kind::TooLarge,
        format!("the body is over {BODY_LIMIT_BYTES} bytes, the most one may have"),
    )
}

/// The problem of a body that could not be taken.
fn body(status: StatusCode, text: &str) -> Problem {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => long_body(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::new(
            Kind::UnsupportedMediaType,
            "the body is JSON: send the header `Content-Type: application/json`",
        ),
        _ => Problem::invalid(format!("the body could not be read: {text}")),
    }
}

impl From<BytesRejection> for Problem {
    fn from(refused: BytesRejection) -> Self {
        body(refused.status(), &refused.body_text())
    }
}

impl From<JsonRejection> for Problem {
    fn from(refused: JsonRejection) -> Self {
        body(refused.status(), &refused.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(refused: PathRejection) -> Self {
        Self::invalid(format!(
            "the path must be percent-encoded UTF-8: {}",
            refused.body_text()
        ))
    }
}

impl From<QueryRejection> for Problem {
    fn from(refused: QueryRejection) -> Self {
        Self::invalid(refused.body_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_errors_become_problems_and_bodies_stay() {
        let plain = (StatusCode::METHOD_NOT_ALLOWED, [("allow", "GET")], "no").into_response();
        let adopted = adopt(plain);
        assert_eq!(adopted.headers()["allow"], "GET");
        let problem = adopted.extensions().get::<Problem>();
        assert_eq!(problem.map(Problem::kind), Some(Kind::MethodNotAllowed));
        let json = [(header::CONTENT_TYPE, "application/json")];
        let own = (StatusCode::SERVICE_UNAVAILABLE, json, "{}").into_response();
        assert!(adopt(own).extensions().get::<Problem>().is_none());
        let fine = adopt((StatusCode::OK, "fine").into_response());
        assert!(fine.extensions().get::<Problem>().is_none());
    }

    #[test]
    fn every_error_status_keeps_its_class() {
        for code in 400..600 {
            let status = StatusCode::from_u16(code).unwrap();
            let kind = kind_of(status).status();
            assert_eq!(kind.is_client_error(), status.is_client_error(), "{code}");
        }
    }
}

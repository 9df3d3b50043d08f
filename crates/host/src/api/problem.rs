//! Errors of the API as problem details (RFC 9457).
//!
//! A handler answers with a [`Problem`]; the middleware in `answer` writes its
//! body, because only there is the request's id known. Nothing here decides
//! when something is a problem.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use weirhouse_runner::Fault;
use weirhouse_runner::wit::types::Error as Refusal;

use crate::hub::HubError;
use crate::store::StoreError;

/// What went wrong with one request.
///
/// Serialised it has the members `type`, `title`, `status`, `detail` and
/// `request_id`. Programs match on `type`; `detail` is for people and may be
/// reworded at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    kind: Kind,
    detail: String,
}

/// The stable kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A parameter, header or body does not have the documented form.
    InvalidArgument,
    /// The bearer token is missing or another.
    Unauthorized,
    /// The path leads nowhere.
    UnknownRoute,
    /// No entity of that name is known.
    UnknownEntity,
    /// No row of that identifier is known.
    UnknownRow,
    /// The key is in neither level of the cache.
    CacheMiss,
    /// The path exists, but not with this method.
    MethodNotAllowed,
    /// The client sent its request too slowly.
    Timeout,
    /// A key, value or body is over its limit.
    TooLarge,
    /// The `Host` header names another machine.
    Misdirected,
    /// The optimizer does not offer what was asked for.
    Unsupported,
    /// The disk did not take or give what it should.
    Storage,
    /// The optimizer was started anew during the call.
    EngineRestarted,
    /// As many streams are open as are allowed.
    TooManyStreams,
    /// A fault of this program.
    Internal,
}

impl Kind {
    /// Last part of the `type` member, the status and the title.
    const fn parts(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::InvalidArgument => (
                "invalid-argument",
                StatusCode::BAD_REQUEST,
                "The request is not well-formed",
            ),
            Self::Unauthorized => (
                "unauthorized",
                StatusCode::UNAUTHORIZED,
                "A valid bearer token is needed",
            ),
            Self::UnknownRoute => (
                "unknown-route",
                StatusCode::NOT_FOUND,
                "There is nothing at this path",
            ),
            Self::UnknownEntity => (
                "unknown-entity",
                StatusCode::NOT_FOUND,
                "No such entity is known",
            ),
            Self::UnknownRow => ("unknown-row", StatusCode::NOT_FOUND, "No such row is known"),
            Self::CacheMiss => (
                "cache-miss",
                StatusCode::NOT_FOUND,
                "The key is not in the cache",
            ),
            Self::MethodNotAllowed => (
                "method-not-allowed",
                StatusCode::METHOD_NOT_ALLOWED,
                "The path does not take this method",
            ),
            Self::Timeout => (
                "timeout",
                StatusCode::REQUEST_TIMEOUT,
                "The request took too long",
            ),
            Self::TooLarge => (
                "too-large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "Something is over its limit",
            ),
            Self::Misdirected => (
                "misdirected",
                StatusCode::MISDIRECTED_REQUEST,
                "The request is addressed to another host",
            ),
            Self::Unsupported => (
                "unsupported",
                StatusCode::UNPROCESSABLE_ENTITY,
                "This is not supported",
            ),
            Self::Storage => (
                "storage",
                StatusCode::SERVICE_UNAVAILABLE,
                "The disk store failed",
            ),
            Self::EngineRestarted => (
                "engine-restarted",
                StatusCode::SERVICE_UNAVAILABLE,
                "The optimizer was started anew",
            ),
            Self::TooManyStreams => (
                "too-many-streams",
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many streams are open",
            ),
            Self::Internal => (
                "internal",
                StatusCode::INTERNAL_SERVER_ERROR,
                "This is a fault of Weirhouse",
            ),
        }
    }
}

/// The wire form.
#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    request_id: &'a str,
}

impl Problem {
    /// A problem with a sentence that says what happened and what to do.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
        }
    }

    /// A parameter, header or body does not have the documented form.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Kind::InvalidArgument, detail)
    }

    /// The answer's body for the request of this id.
    pub(super) fn render(&self, request_id: &str) -> Vec<u8> {
        let (slug, status, title) = self.kind.parts();
        // Strings and a number always serialise.
        serde_json::to_vec(&Body {
            r#type: format!("urn:weirhouse:problem:{slug}"),
            title,
            status: status.as_u16(),
            detail: &self.detail,
            request_id,
        })
        .unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (_, status, _) = self.kind.parts();
        let mut response = status.into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        match self.kind {
            Kind::Unauthorized => {
                headers.insert(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static("Bearer realm=\"weirhouse\""),
                );
            }
            Kind::EngineRestarted | Kind::Storage => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Kind::TooManyStreams => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
            }
            _ => {}
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<HubError> for Problem {
    fn from(error: HubError) -> Self {
        let kind = match &error {
            HubError::Optimizer(Fault::Refused(refusal)) => match refusal {
                Refusal::InvalidArgument(_) => Kind::InvalidArgument,
                Refusal::TooLarge(_) => Kind::TooLarge,
                Refusal::Unsupported(_) => Kind::Unsupported,
                _ => Kind::Internal,
            },
            HubError::Optimizer(Fault::Trapped { .. } | Fault::Dead(_)) => Kind::EngineRestarted,
            HubError::Store(StoreError::TooLarge { .. }) => Kind::TooLarge,
            _ => Kind::Storage,
        };
        Self::new(kind, error.to_string())
    }
}

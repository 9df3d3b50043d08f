//! Errors of the API as problem details (RFC 9457).
//!
//! A handler answers with a [`Problem`], or with an error that becomes one; the
//! function in `answer` writes its body, because only there is the request's
//! id known. Nothing here decides when something is a problem.

mod foreign;

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

pub(super) use foreign::{adopt, long_body};

use weirhouse_runner::Fault;
use weirhouse_runner::wit::types::Error as Refusal;

use crate::hub::HubError;
use crate::store::StoreError;

/// The media type of a problem document.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong with one request.
///
/// Serialised it has the members `type`, `title`, `status`, `detail` and
/// `request_id`. Programs match on `type`; `detail` is for people and may be
/// reworded at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    kind: Kind,
    detail: String,
    retry_after: Option<Duration>,
    /// The scope a token lacks, for `WWW-Authenticate`.
    scope: Option<&'static str>,
}

/// The stable kinds of problems. `docs/api.md` lists them for callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A parameter, header or body does not have the documented form.
    InvalidArgument,
    /// There is no bearer token.
    Unauthorized,
    /// The bearer token is unknown, revoked or expired.
    InvalidToken,
    /// The token lacks the scope.
    Forbidden,
    /// The token asked more often than it may.
    RateLimited,
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
    /// The header fields are over their limit.
    HeadersTooLarge,
    /// The body is of a media type that is not taken.
    UnsupportedMediaType,
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
    /// The path speaks WebSocket.
    UpgradeRequired,
    /// A breaker lets no call through.
    BreakerOpen,
    /// There is no Home Assistant to speak to.
    NoHomeAssistant,
    /// A fault of this program.
    Internal,
}

impl Kind {
    /// All kinds, in the order in which they are documented.
    pub const ALL: [Self; 23] = [
        Self::InvalidArgument,
        Self::Unauthorized,
        Self::InvalidToken,
        Self::Forbidden,
        Self::UnknownRoute,
        Self::UnknownEntity,
        Self::UnknownRow,
        Self::CacheMiss,
        Self::MethodNotAllowed,
        Self::Timeout,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::Misdirected,
        Self::Unsupported,
        Self::UpgradeRequired,
        Self::RateLimited,
        Self::HeadersTooLarge,
        Self::Internal,
        Self::Storage,
        Self::EngineRestarted,
        Self::TooManyStreams,
        Self::BreakerOpen,
        Self::NoHomeAssistant,
    ];

    /// The `type` member: a stable URI.
    pub fn uri(self) -> String {
        format!("urn:weirhouse:problem:{}", self.slug())
    }

    /// The last part of the `type` member.
    pub fn slug(self) -> &'static str {
        self.parts().0
    }

    /// The status of the answer.
    pub fn status(self) -> StatusCode {
        self.parts().1
    }

    /// The `title` member.
    pub fn title(self) -> &'static str {
        self.parts().2
    }

    /// Last part of the `type` member, the status and the title.
    #[expect(clippy::too_many_lines, reason = "a table of one row for each kind")]
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
                "A bearer token is needed",
            ),
            Self::InvalidToken => (
                "invalid-token",
                StatusCode::UNAUTHORIZED,
                "The bearer token is not valid",
            ),
            Self::Forbidden => (
                "forbidden",
                StatusCode::FORBIDDEN,
                "The token does not permit this",
            ),
            Self::RateLimited => (
                "rate-limited",
                StatusCode::TOO_MANY_REQUESTS,
                "The token asks too often",
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
            Self::HeadersTooLarge => (
                "headers-too-large",
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "The header fields are over their limit",
            ),
            Self::UnsupportedMediaType => (
                "unsupported-media-type",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The body is of another media type",
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
            Self::UpgradeRequired => (
                "upgrade-required",
                StatusCode::UPGRADE_REQUIRED,
                "This is a WebSocket",
            ),
            Self::BreakerOpen => (
                "breaker-open",
                StatusCode::SERVICE_UNAVAILABLE,
                "The breaker lets no call through",
            ),
            Self::NoHomeAssistant => (
                "no-home-assistant",
                StatusCode::SERVICE_UNAVAILABLE,
                "Home Assistant cannot be reached",
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
        let retry_after = match kind {
            Kind::EngineRestarted | Kind::Storage => Some(Duration::from_secs(1)),
            Kind::TooManyStreams | Kind::NoHomeAssistant => Some(Duration::from_secs(10)),
            _ => None,
        };
        Self {
            kind,
            detail: detail.into(),
            retry_after,
            scope: None,
        }
    }

    /// A parameter, header or body does not have the documented form.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Kind::InvalidArgument, detail)
    }

    /// Asks the caller to wait that long, whole seconds up.
    pub(super) fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Names the scope that the token lacks.
    pub(super) fn scope(mut self, scope: &'static str) -> Self {
        self.scope = Some(scope);
        self
    }

    /// What kind of problem it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What happened and what to do.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The answer's body for the request of this id.
    pub(super) fn render(&self, request_id: &str) -> Vec<u8> {
        // Strings and a number always serialise.
        serde_json::to_vec(&Body {
            r#type: self.kind.uri(),
            title: self.kind.title(),
            status: self.kind.status().as_u16(),
            detail: &self.detail,
            request_id,
        })
        .unwrap_or_default()
    }

    /// What a client needs to authenticate (RFC 6750, section 3).
    fn challenge(&self) -> Option<String> {
        const REALM: &str = "Bearer realm=\"weirhouse\"";
        match self.kind {
            Kind::Unauthorized => Some(REALM.to_owned()),
            Kind::InvalidToken => Some(format!("{REALM}, error=\"invalid_token\"")),
            Kind::Forbidden => {
                let scope = self.scope.unwrap_or_default();
                Some(format!(
                    "{REALM}, error=\"insufficient_scope\", scope=\"{scope}\""
                ))
            }
            _ => None,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.kind.status().into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if self.kind == Kind::UpgradeRequired {
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        }
        if let Some(challenge) = self.challenge()
            && let Ok(challenge) = challenge.parse()
        {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(wait) = self.retry_after {
            let whole = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(whole.max(1)));
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

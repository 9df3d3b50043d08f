//! Which requests may pass: those with a token, and with the scope their route
//! asks for.
//!
//! It reads the header and words the refusals; `access` knows the tokens.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::problem::{Kind, Problem};
use crate::access::{Caller, Denied, Scope};

/// Lets only requests with a token pass, and notes whose it is.
pub(super) async fn authenticate(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    // Only the ingress puts one there before; a header cannot.
    if request.extensions().get::<Arc<Caller>>().is_some() {
        return next.run(request).await;
    }
    let admitted = bearer(request.headers())
        .and_then(|token| shared.access.admit(token).map_err(Problem::from));
    match admitted {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Lets only requests pass whose token has the scope.
pub(super) async fn require(State(scope): State<Scope>, request: Request, next: Next) -> Response {
    match request.extensions().get::<Arc<Caller>>() {
        Some(caller) if caller.scopes.permit(scope) => next.run(request).await,
        Some(caller) => lacks(caller, scope).into_response(),
        None => Problem::new(Kind::Internal, "the route is not behind a token").into_response(),
    }
}

fn lacks(caller: &Caller, scope: Scope) -> Problem {
    let scope = scope.name();
    let detail = format!(
        "this needs the scope `{scope}`, and the token `{}` has `{}`; make another with `weirhouse token create --scope {scope}`",
        caller.name, caller.scopes
    );
    Problem::new(Kind::Forbidden, detail).scope(scope)
}

/// The token in the header.
fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Err(Problem::new(
            Kind::Unauthorized,
            "send the header `Authorization: Bearer TOKEN`; `weirhouse token create` makes a token, and the owner's is in the file `token` of the data folder",
        ));
    };
    value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| {
            Problem::new(
                Kind::Unauthorized,
                "the Authorization header is not of the form `Bearer TOKEN`",
            )
        })
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Unknown => Self::new(
                Kind::InvalidToken,
                "this is no token of this instance, or it was revoked; `weirhouse token list` names those there are",
            ),
            Denied::Expired(name) => Self::new(
                Kind::InvalidToken,
                format!("the token `{name}` has expired; make another with `weirhouse token create`"),
            ),
            Denied::TooOften(wait) => Self::new(
                Kind::RateLimited,
                "this token has asked more often than it may; wait, or raise `api.requests_per_second`",
            )
            .retry_after(wait),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_is_found_in_its_header_only() {
        for (header, token) in [
            (None, None),
            (Some("Bearer abc"), Some("abc")),
            (Some("bearer  abc "), Some("abc")),
            (Some("Basic abc"), None),
            (Some("abc"), None),
            (Some("Bearer "), Some("")),
            (Some("Bearer"), None),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(text) = header {
                headers.insert(header::AUTHORIZATION, text.parse().unwrap());
            }
            assert_eq!(bearer(&headers).ok(), token, "{header:?}");
        }
    }
}

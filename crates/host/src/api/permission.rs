//! Which requests may pass: those with a token, and with the scope their route
//! asks for.
//!
//! It reads the header and words the refusals; `access` knows the tokens.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::Either;
use tower::{Layer, Service};

use super::origin::RequestOrigin;
use super::problem::{Kind, Problem};
use crate::access::{Access, Caller, Denied, Scope};

/// Why it is not known whose a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unidentified {
    /// It shows no token.
    NoToken,
    /// The header has another form.
    Malformed,
    /// The token is not accepted.
    Denied(Denied),
}

/// Whose the token in the header is; counts the request.
pub(super) fn identify(access: &Access, headers: &HeaderMap) -> Result<Arc<Caller>, Unidentified> {
    let token = bearer(headers)?;
    access.admit(token).map_err(Unidentified::Denied)
}

/// Whose a request within another is: that one's, as long as their token is
/// accepted; counts the request.
pub(super) fn identify_again(
    access: &Access,
    outer: &RequestOrigin,
) -> Result<Arc<Caller>, Unidentified> {
    let caller = outer.caller.clone()?;
    access.count(&caller).map_err(Unidentified::Denied)?;
    Ok(caller)
}

/// Lets only requests pass that show a token, with this scope if one is named.
///
/// Not made of an async function: that would cost every request an allocation and a copy more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Require(pub(super) Option<Scope>);

impl<S> Layer<S> for Require {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded {
            require: *self,
            inner,
        }
    }
}

/// What is behind a [`Require`].
#[derive(Debug, Clone)]
pub(super) struct Guarded<S> {
    require: Require,
    inner: S,
}

impl<S> Service<Request> for Guarded<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Ready<Result<Response, Infallible>>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let origin = request.extensions().get::<RequestOrigin>();
        match permit(origin, self.require.0) {
            Ok(()) => Either::Right(self.inner.call(request)),
            Err(problem) => Either::Left(ready(Ok(problem.into_response()))),
        }
    }
}

/// Whether a request may pass.
pub(super) fn permit(origin: Option<&RequestOrigin>, scope: Option<Scope>) -> Result<(), Problem> {
    let Some(origin) = origin else {
        return Err(Problem::new(Kind::Internal, "the request has no origin"));
    };
    let caller = origin.caller.as_ref().map_err(Problem::from)?;
    match scope {
        Some(scope) if !caller.scopes.permit(scope) => Err(lacks(caller, scope)),
        _ => Ok(()),
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
fn bearer(headers: &HeaderMap) -> Result<&str, Unidentified> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Err(Unidentified::NoToken);
    };
    value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or(Unidentified::Malformed)
}

impl From<&Unidentified> for Problem {
    fn from(unidentified: &Unidentified) -> Self {
        match unidentified {
            Unidentified::NoToken => Self::new(
                Kind::Unauthorized,
                "send the header `Authorization: Bearer TOKEN`; `weirhouse token create` makes a token, and the owner's is in the file `token` of the data folder",
            ),
            Unidentified::Malformed => Self::new(
                Kind::Unauthorized,
                "the Authorization header is not of the form `Bearer TOKEN`",
            ),
            Unidentified::Denied(Denied::Unknown) => Self::new(
                Kind::InvalidToken,
                "this is no token of this instance, or it was revoked; `weirhouse token list` names those there are",
            ),
            Unidentified::Denied(Denied::Expired(name)) => Self::new(
                Kind::InvalidToken,
                format!("the token `{name}` has expired; make another with `weirhouse token create`"),
            ),
            Unidentified::Denied(Denied::TooOften(wait)) => Self::new(
                Kind::RateLimited,
                "this token has asked more often than it may; wait, or raise `api.requests_per_second`",
            )
            .retry_after(*wait),
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

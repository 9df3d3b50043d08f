//! `GET /api/websocket`: the WebSocket interface of Home Assistant, for clients that expect that.
//!
//! It asks for no token of ours: a client says its token for Home Assistant in the conversation, and Home Assistant
//! judges it.

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;

use super::Shared;
use super::openapi::Problems;
use super::origin::RequestOrigin;
use super::problem::{Kind, Problem};
use super::upgrade::Upgrade;
use crate::clients::Unwelcome;
use crate::request;

/// Home Assistant's own WebSocket interface, with Home Assistant's own tokens.
///
/// States, registries and services are answered from the mirror for administrators; everything else passes to Home
/// Assistant on a connection of the client's own.
#[utoipa::path(
    get,
    path = "/api/websocket",
    tag = "Home Assistant",
    responses(
        (status = 101, description = "A WebSocket on which Home Assistant's protocol is spoken"),
        Problems<426>,
        Problems<429>,
        Problems<503>
    )
)]
pub(super) async fn get(
    State(shared): State<Arc<Shared>>,
    Extension(origin): Extension<RequestOrigin>,
    mut request: Request,
) -> Result<Response, Problem> {
    let upgrade = Upgrade::of(&mut request)?;
    let Some(clients) = shared.clients.clone() else {
        return Err(Problem::new(
            Kind::NoHomeAssistant,
            "this Weirhouse works for a simulated home; there is no Home Assistant behind it",
        ));
    };
    let from = origin.address.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    let place = clients.place(from).await?;
    let (answer, connection) = upgrade.accept();
    tokio::spawn(request::within(origin.request_id, async move {
        match connection.await {
            Ok(connection) => clients.serve(place, connection).await,
            Err(error) => tracing::debug!(%error, "a client was gone before it was answered"),
        }
    }));
    Ok(answer)
}

impl From<Unwelcome> for Problem {
    fn from(unwelcome: Unwelcome) -> Self {
        let detail = unwelcome.to_string();
        match unwelcome {
            Unwelcome::Full => Self::new(Kind::TooManyStreams, detail),
            Unwelcome::Suspicious(wait) => Self::new(Kind::RateLimited, detail).retry_after(wait),
            Unwelcome::Unavailable(_) => Self::new(Kind::NoHomeAssistant, detail),
        }
    }
}

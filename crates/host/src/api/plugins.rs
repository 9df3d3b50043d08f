//! `GET /v1/plugins`, `PATCH /v1/plugins/{name}`: the plugins, and what the
//! owner says of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weirhouse_runner::plugin::Capability;

use super::Shared;
use super::openapi::Problems;
use super::problem::{Kind, Problem};
use crate::plugins::{PluginStatus, Plugins};

/// All plugins of the folder.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct List {
    /// Those that work, in the order in which they are asked; then the others.
    plugins: Vec<PluginStatus>,
}

/// What changes of one plugin; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// Whether it works.
    enabled: Option<bool>,
    /// All that it may import.
    granted: Option<Vec<Grant>>,
    /// Settings that are not their defaults.
    settings: Option<BTreeMap<String, String>>,
    /// True puts it before all others.
    first: Option<bool>,
    /// True ends its quarantine.
    release: Option<bool>,
}

/// What a plugin may import.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Grant {
    Log,
    Settings,
    Entities,
    Store,
}

impl Grant {
    fn capability(self) -> Capability {
        match self {
            Self::Log => Capability::Log,
            Self::Settings => Capability::Settings,
            Self::Entities => Capability::Entities,
            Self::Store => Capability::Store,
        }
    }
}

/// The plugins: what each decides, what it needs and is granted, its calls, its time, and its faults.
#[utoipa::path(
    get,
    path = "/v1/plugins",
    tag = "Plugins",
    responses((status = 200, description = "All plugins of the folder", body = List))
)]
pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<List> {
    let plugins = shared.hub.plugins().map(|plugins| plugins.list());
    Json(List {
        plugins: plugins.unwrap_or_default(),
    })
}

/// Changes what is said of a plugin. It takes effect within seconds, and stays over restarts.
#[utoipa::path(
    patch,
    path = "/v1/plugins/{name}",
    tag = "Plugins",
    params(("name" = String, Path, min_length = 1, max_length = 40, description = "The plugin")),
    request_body = Change,
    responses(
        (status = 204, description = "It is noted"),
        Problems<404>,
        Problems<415>,
        Problems<503>
    )
)]
pub(super) async fn patch(
    State(shared): State<Arc<Shared>>,
    path: Result<Path<String>, PathRejection>,
    change: Result<Json<Change>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let Path(name) = path?;
    let Json(change) = change?;
    let plugins = shared
        .hub
        .plugins()
        .filter(|plugins| plugins.list().iter().any(|plugin| plugin.name == name));
    let Some(plugins) = plugins.cloned() else {
        return Err(Problem::new(
            Kind::UnknownRow,
            format!("there is no plugin `{name}`; `GET /v1/plugins` lists those there are"),
        ));
    };
    let settings = change.settings.as_ref();
    if let Some(wrong) = settings.and_then(|it| plugins.wrong_settings(&name, it)) {
        return Err(Problem::invalid(format!("`{name}`: {wrong}")));
    }
    let noted = tokio::task::spawn_blocking(move || note(&plugins, &name, change)).await;
    match noted {
        Ok(Ok(())) => Ok(StatusCode::NO_CONTENT),
        Ok(Err(error)) => Err(Problem::new(Kind::Storage, error.to_string())),
        Err(_) => Err(Problem::new(
            Kind::Internal,
            "nothing was changed; the log says why",
        )),
    }
}

fn note(plugins: &Plugins, name: &str, change: Change) -> Result<(), crate::plugins::FolderError> {
    plugins.change(|register| {
        let entry = register.entry(name);
        if let Some(enabled) = change.enabled {
            entry.switch(enabled);
        }
        if let Some(granted) = change.granted {
            let mut names: Vec<String> = granted
                .into_iter()
                .map(|grant| grant.capability().to_string())
                .collect();
            names.sort_unstable();
            names.dedup();
            entry.granted = names;
        }
        if let Some(settings) = change.settings {
            entry.settings = settings;
        }
        if change.release == Some(true) {
            entry.quarantine = None;
        }
        if change.first == Some(true) {
            register.put_first(name);
        }
    })
}

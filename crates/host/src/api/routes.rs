//! Routes, added one by one: always to be served, and to be described only for
//! whoever asks for the description.
//!
//! A description of all routes is megabytes while it is made, half a megabyte of
//! code that makes it, and few ever ask: a service that starts runs none of it.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodRouter, any};
use utoipa::openapi::path::{HttpMethod, Operation};
use utoipa::openapi::{Components, OpenApi, OpenApiBuilder};
use utoipa_axum::router::UtoipaMethodRouter;

use super::permission::Require;
use super::{Shared, openapi, wrong_method};
use crate::access::Scope;

/// Some routes, and what is said of them.
pub(super) struct Routes {
    router: Router<Arc<Shared>>,
    paths: Vec<String>,
    /// `None` while nobody wants to know.
    described: Option<OpenApi>,
}

impl Routes {
    /// None yet, to be described if `whole` is.
    pub(super) fn new(whole: Option<&OpenApi>) -> Self {
        Self {
            router: Router::new(),
            paths: Vec::new(),
            described: whole.map(|_| OpenApiBuilder::new().build()),
        }
    }

    /// Adds the handlers of a path. `describe` says what `utoipa_axum::routes`
    /// makes of the same handlers.
    pub(super) fn add(
        self,
        path: &str,
        handlers: MethodRouter<Arc<Shared>>,
        describe: fn() -> UtoipaMethodRouter<Arc<Shared>>,
    ) -> Self {
        let mut routes = self.add_route(path, handlers);
        if let Some(described) = &mut routes.described {
            let (schemas, paths, _) = describe();
            described.paths.merge(paths);
            let components = described.components.get_or_insert_with(Components::new);
            components.schemas.extend(schemas);
        }
        routes
    }

    /// Adds a handler of `GET` that is described by a table.
    pub(super) fn add_get(
        self,
        path: &str,
        handler: MethodRouter<Arc<Shared>>,
        describe: impl FnOnce() -> Operation,
    ) -> Self {
        let mut routes = self.add_route(path, handler);
        if let Some(described) = &mut routes.described {
            let paths = &mut described.paths;
            paths.add_path_operation(path, vec![HttpMethod::Get], describe());
        }
        routes
    }

    fn add_route(mut self, path: &str, handlers: MethodRouter<Arc<Shared>>) -> Self {
        self.router = self.router.route(path, handlers);
        self.paths.push(path.to_owned());
        self
    }

    /// The same paths, each with one answer to whatever it is asked.
    pub(super) fn all_answered<H, T>(&self, answer: &H) -> Router<Arc<Shared>>
    where
        H: Handler<T, Arc<Shared>>,
        T: 'static,
    {
        let paths = self.paths.iter();
        paths.fold(Router::new(), |router, path| {
            router.route(path, any(answer.clone()))
        })
    }

    /// The routes for everyone.
    pub(super) fn open(self, whole: &mut Option<OpenApi>) -> Router<Arc<Shared>> {
        if let (Some(whole), Some(part)) = (whole, self.described) {
            openapi::add_open(whole, part);
        }
        self.router.method_not_allowed_fallback(wrong_method)
    }

    /// The routes for any token.
    pub(super) fn for_tokens(self, whole: &mut Option<OpenApi>) -> Router<Arc<Shared>> {
        if let (Some(whole), Some(part)) = (whole, self.described) {
            openapi::add_protected(whole, part, None);
        }
        behind(self.router, None)
    }

    /// The routes for tokens of this scope.
    pub(super) fn for_scope(
        self,
        scope: Scope,
        whole: &mut Option<OpenApi>,
    ) -> Router<Arc<Shared>> {
        if let (Some(whole), Some(part)) = (whole, self.described) {
            openapi::add_protected(whole, part, Some(scope));
        }
        behind(self.router, Some(scope))
    }
}

/// Routes that need a token, with a scope if one is named.
fn behind(router: Router<Arc<Shared>>, scope: Option<Scope>) -> Router<Arc<Shared>> {
    router
        .method_not_allowed_fallback(wrong_method)
        .route_layer(Require(scope))
}

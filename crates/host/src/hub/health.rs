//! Whether a running hub works, part by part.

use serde::Serialize;
use utoipa::ToSchema;
use weirhouse_runner::operations::Clock as _;

use super::Hub;

/// Whether everything works.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Health {
    /// Whether this instance does its work. An absent Home Assistant does not
    /// count: starting this one anew would not bring it back.
    pub ok: bool,
    /// Its parts.
    pub components: Vec<ComponentHealth>,
}

/// One part.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ComponentHealth {
    /// `optimizer`, `storage`, `home-assistant` or `plugins`.
    pub component: &'static str,
    /// Whether it works.
    pub ok: bool,
    /// What is wrong and what to do; empty while nothing is.
    pub message: String,
}

impl Hub {
    /// Whether this instance does its work, part by part.
    pub fn health(&self) -> Health {
        let store = self.store.health();
        let plugins = self.plugins().and_then(|it| it.trouble());
        let mut engine = self.lock();
        let optimizer = engine
            .core
            .next_deadline()
            .err()
            .map(|fault| fault.to_string());
        let part = |component, trouble: Option<String>| ComponentHealth {
            component,
            ok: trouble.is_none(),
            message: trouble.unwrap_or_default(),
        };
        let home = (!engine.link.connected).then(|| {
            engine
                .link
                .reason
                .clone()
                .unwrap_or_else(|| "not connected yet".to_owned())
        });
        let components = vec![
            part("optimizer", optimizer),
            part("storage", store.degraded),
            part("home-assistant", home),
            part("plugins", plugins),
        ];
        // Without a home and without plugins it does its work all the same.
        let ok = components
            .iter()
            .all(|part| part.ok || ["home-assistant", "plugins"].contains(&part.component));
        Health { ok, components }
    }
}

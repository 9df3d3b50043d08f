//! What is sent.

use serde_json::{Value, json};

use crate::hub::{Hub, HubError};

/// The figures of one moment.
pub(super) struct Figures {
    /// Whether a part does not work.
    pub(super) trouble: bool,
    json: Value,
}

impl Figures {
    pub(super) fn of(hub: &Hub) -> Result<Self, HubError> {
        let health = hub.health();
        let stats = hub.stats()?;
        let broken = health.components.iter().filter(|part| !part.ok);
        let messages: Vec<String> = broken
            .map(|part| format!("{}: {}", part.component, part.message))
            .collect();
        let trouble = !messages.is_empty();
        Ok(Self {
            trouble,
            json: json!({
                "problem": if trouble { "ON" } else { "OFF" },
                "message": messages.join("; "),
                "observed": stats.updates.observed,
                "published": stats.updates.published + stats.updates.timed,
                "suppressed_share": percent(stats.updates.suppressed_share),
                "batches": stats.batches.batches,
                "memory_hit_rate": percent(stats.cache.l1.hit_rate),
                "disk_hit_rate": percent(stats.cache.l2.hit_rate),
                "refreshes": stats.schedule.refreshes,
            }),
        })
    }

    pub(super) fn json(&self) -> String {
        self.json.to_string()
    }
}

/// With one decimal: finer would be a new row in the recorder each time.
fn percent(share: f64) -> f64 {
    (share * 1000.0).round() / 10.0
}

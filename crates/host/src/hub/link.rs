//! The link to Home Assistant, as its events describe it.

/// Whether there is one, and how it went so far.
#[derive(Debug, Default)]
pub(super) struct Link {
    pub(super) connected: bool,
    pub(super) reason: Option<String>,
    pub(super) ha_version: Option<String>,
    pub(super) connections: u64,
    pub(super) refresh_failures: u64,
}

impl Link {
    pub(super) fn connected(&mut self, ha_version: Option<String>) {
        tracing::info!(
            ha_version = ha_version.as_deref().unwrap_or("unknown"),
            "connected"
        );
        self.connected = true;
        self.reason = None;
        self.ha_version = ha_version;
        self.connections += 1;
    }

    /// The number of the connection, if there is one.
    pub(super) fn connection(&self) -> Option<u64> {
        self.connected.then_some(self.connections)
    }

    pub(super) fn disconnected(&mut self, reason: String) {
        self.connected = false;
        self.reason = Some(reason);
    }
}

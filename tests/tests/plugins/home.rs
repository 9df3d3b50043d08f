//! A hub with the real optimizer and a folder of plugins.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use weirhouse::hub::{Hub, Notice, Settings, Update};
use weirhouse::plugins::{Folder, PluginStatus, Plugins, RegisterLock};
use weirhouse::store::{Blobs, MemoryStore};
use weirhouse_hass::{Change, Event, State};
use weirhouse_runner::{Component, Engine};
use weirhouse_tests::component;

/// How long to wait for something that happens on another thread.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A hub with a folder of plugins.
pub(crate) struct Home {
    pub(crate) hub: Arc<Hub>,
    pub(crate) plugins: Arc<Plugins>,
    pub(crate) folder: Folder,
    _temporary: tempfile::TempDir,
}

impl Home {
    /// Nothing matters less than anything else, so that every change counts.
    pub(crate) fn open() -> Result<Self> {
        Self::with(Settings {
            presets: false,
            ..Settings::default()
        })
    }

    pub(crate) fn with(settings: Settings) -> Result<Self> {
        let temporary = tempfile::tempdir()?;
        let engine = Engine::new()?;
        let core = Component::load(&engine, &component::path()?)?;
        let store = Arc::new(MemoryStore::new());
        let blobs = Blobs::new(temporary.path());
        let hub = Arc::new(Hub::open(core, store, blobs, settings)?);
        // Nobody is asked to refresh anything without a connection.
        hub.handle(Event::Connected { ha_version: None });
        let folder = Folder::new(temporary.path().join("plugins"));
        folder.make()?;
        let plugins = Arc::new(Plugins::new(folder.clone(), engine, &hub));
        hub.employ(Arc::clone(&plugins));
        Ok(Self {
            hub,
            plugins,
            folder,
            _temporary: temporary,
        })
    }

    /// Puts a component into the folder, with grants.
    pub(crate) fn install(&self, name: &str, component: &Path, grants: &[&str]) -> Result<()> {
        fs::copy(component, self.folder.path().join(format!("{name}.wasm")))?;
        let granted = grants.iter().map(ToString::to_string).collect();
        RegisterLock::take(&self.folder)?.change(|it| it.entry(name).granted = granted)?;
        Ok(())
    }

    pub(crate) fn change(
        &self,
        entity_id: &str,
        state: &str,
        attributes: &serde_json::Value,
    ) -> Result<()> {
        let state: State =
            serde_json::from_value(json!({"s": state, "a": attributes, "c": "x", "lc": 1.5}))?;
        self.hub.handle(Event::Changes(vec![Change::Added {
            entity_id: entity_id.into(),
            state,
        }]));
        Ok(())
    }

    pub(crate) fn status(&self, name: &str) -> Result<PluginStatus> {
        let mut listed = self.plugins.list().into_iter();
        listed
            .find(|it| it.name == name)
            .with_context(|| format!("{name} is not listed"))
    }

    /// Waits until a plugin is as wanted.
    pub(crate) fn wait_for(
        &self,
        name: &str,
        wanted: impl Fn(&PluginStatus) -> bool,
    ) -> Result<PluginStatus> {
        let began = Instant::now();
        loop {
            let status = self.status(name)?;
            if wanted(&status) {
                return Ok(status);
            }
            if began.elapsed() > PATIENCE {
                bail!("still not as wanted: {status:?}");
            }
            sleep(Duration::from_millis(5));
        }
    }

    /// Waits until so many readings were judged.
    pub(crate) fn wait_for_readings(&self, count: u64) -> Result<()> {
        let began = Instant::now();
        while self.hub.stats()?.updates.observed < count {
            if began.elapsed() > PATIENCE {
                bail!(
                    "{} of {count} were judged",
                    self.hub.stats()?.updates.observed
                );
            }
            sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

/// The updates of a home, as they leave.
pub(crate) fn updates(hub: &Hub, notices: &mut Receiver<Arc<Notice>>) -> Vec<Update> {
    sleep(Duration::from_millis(150));
    hub.tick();
    std::iter::from_fn(|| notices.try_recv().ok())
        .filter_map(|notice| match &*notice {
            Notice::Update(update) => Some(update.clone()),
            Notice::Refresh(_) => None,
        })
        .collect()
}

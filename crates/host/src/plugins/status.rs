//! How a plugin is, for people and programs that look.

use serde::Serialize;
use utoipa::ToSchema;

/// What a plugin does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PluginState {
    /// It is asked.
    Working,
    /// The user switched it off.
    Disabled,
    /// It waits for something to be granted.
    NeedsGrants,
    /// It failed too often, and waits to be released.
    Quarantined,
    /// It is of no use here.
    Refused,
}

/// How often a plugin failed, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FaultCount {
    /// `deadline`, `panic`, `trap`, `error`, `miscounted`, `nonsense` or `start`.
    pub cause: &'static str,
    /// How often since the start.
    pub count: u64,
}

/// A plugin in the folder.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PluginStatus {
    /// Its name; the file's, as long as it did not describe itself.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it does.
    pub summary: String,
    /// Who wrote it.
    pub author: String,
    /// Its licence.
    pub licence: String,
    /// SHA-256 of its component.
    pub sha256: String,
    /// What it does now.
    pub state: PluginState,
    /// What is to be known of that: what is not granted, why it is refused or
    /// quarantined, why a newer file was not taken, or what is wrong with its
    /// settings.
    pub message: Option<String>,
    /// What it decides.
    pub functions: Vec<String>,
    /// What it needs.
    pub needs: Vec<String>,
    /// What it is granted.
    pub granted: Vec<String>,
    /// Entities that it decides for, as far as they reported.
    pub entities: u64,
    /// Entities that it claims and another decides for, which is asked before.
    pub yielded: u64,
    /// Calls.
    pub calls: u64,
    /// Readings, entities and entries that it was asked about.
    pub asked: u64,
    /// Of those, on how many it gave advice.
    pub advised: u64,
    /// Time that its calls took, in seconds.
    pub seconds: f64,
    /// The longest call, in seconds.
    pub longest_s: f64,
    /// Memory of its instance, in bytes.
    pub memory_bytes: u64,
    /// How it failed.
    pub faults: Vec<FaultCount>,
    /// Its last fault, in a sentence.
    pub last_fault: Option<String>,
}

impl PluginStatus {
    /// Of a file that nothing is known of but its name.
    pub(super) fn unknown(name: &str, sha256: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: String::new(),
            summary: String::new(),
            author: String::new(),
            licence: String::new(),
            sha256: sha256.to_owned(),
            state: PluginState::Refused,
            message: None,
            functions: Vec::new(),
            needs: Vec::new(),
            granted: Vec::new(),
            entities: 0,
            yielded: 0,
            calls: 0,
            asked: 0,
            advised: 0,
            seconds: 0.0,
            longest_s: 0.0,
            memory_bytes: 0,
            faults: Vec::new(),
            last_fault: None,
        }
    }

    /// Takes over what it did before.
    pub(super) fn remember(&mut self, past: Self) {
        self.calls = past.calls;
        self.asked = past.asked;
        self.advised = past.advised;
        self.seconds = past.seconds;
        self.longest_s = past.longest_s;
        self.faults = past.faults;
        self.last_fault = past.last_fault;
    }

    pub(super) fn count_fault(&mut self, cause: &'static str, fault: String) {
        match self.faults.iter_mut().find(|it| it.cause == cause) {
            Some(counted) => counted.count += 1,
            None => self.faults.push(FaultCount { cause, count: 1 }),
        }
        self.last_fault = Some(fault);
    }
}

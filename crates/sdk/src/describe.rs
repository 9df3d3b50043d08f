//! Describing a plugin.

use crate::{Claim, Description, Setting};

/// What a plugin may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// [`crate::Plugin::judge`]
    Judge,
    /// [`crate::Plugin::judge_numbers`]
    JudgeNumbers,
    /// [`crate::Plugin::intervals`]
    Interval,
    /// [`crate::Plugin::lifetimes`]
    Ttl,
    /// [`crate::Plugin::transform`]
    Transform,
    /// [`crate::Plugin::snapshot`] and [`crate::Plugin::restore`]
    State,
}

/// What a plugin may ask of its host, once the user granted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// [`crate::log`](mod@crate::log)
    Log,
    /// [`crate::settings`]
    Settings,
    /// [`crate::entities`]
    Entities,
    /// [`crate::store`]
    Store,
}

impl Description {
    /// A plugin that claims, needs and decides nothing yet. The name has
    /// lower-case letters, digits and hyphens.
    pub fn new(name: &str, version: &str, summary: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            summary: summary.to_owned(),
            author: String::new(),
            licence: String::new(),
            claims: Vec::new(),
            settings: Vec::new(),
            capabilities: Vec::new(),
            functions: Vec::new(),
        }
    }

    /// Says who wrote it, and under which licence it is.
    #[must_use]
    pub fn by(mut self, author: &str, licence: &str) -> Self {
        author.clone_into(&mut self.author);
        licence.clone_into(&mut self.licence);
        self
    }

    /// Claims what fits; may be repeated, and one is enough.
    #[must_use]
    pub fn claim(mut self, claim: Claim) -> Self {
        self.claims.push(claim);
        self
    }

    /// Asks for a capability.
    #[must_use]
    pub fn needs(mut self, capability: Capability) -> Self {
        let name = match capability {
            Capability::Log => "log",
            Capability::Settings => "settings",
            Capability::Entities => "entities",
            Capability::Store => "store",
        };
        self.capabilities.push(name.to_owned());
        self
    }

    /// Wants to decide on something.
    #[must_use]
    pub fn decides(mut self, function: Function) -> Self {
        let name = match function {
            Function::Judge => "judge",
            Function::JudgeNumbers => "judge-numbers",
            Function::Interval => "interval",
            Function::Ttl => "ttl",
            Function::Transform => "transform",
            Function::State => "state",
        };
        self.functions.push(name.to_owned());
        self
    }

    /// Has a setting that is a number.
    #[must_use]
    pub fn number(self, name: &str, summary: &str, default: f64) -> Self {
        self.setting("number", name, summary, default.to_string())
    }

    /// Has a setting that is true or false.
    #[must_use]
    pub fn flag(self, name: &str, summary: &str, default: bool) -> Self {
        self.setting("flag", name, summary, default.to_string())
    }

    /// Has a setting that is text.
    #[must_use]
    pub fn text(self, name: &str, summary: &str, default: &str) -> Self {
        self.setting("text", name, summary, default.to_owned())
    }

    fn setting(mut self, kind: &str, name: &str, summary: &str, default: String) -> Self {
        self.settings.push(Setting {
            name: name.to_owned(),
            summary: summary.to_owned(),
            kind: kind.to_owned(),
            default,
        });
        self
    }
}

impl Claim {
    /// Entities that fit a glob, such as `sensor.*_power`.
    pub fn entities(glob: &str) -> Self {
        Self {
            entities: vec![glob.to_owned()],
            device_classes: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// Entities of a device class, such as `power`.
    pub fn device_class(class: &str) -> Self {
        Self {
            entities: Vec::new(),
            device_classes: vec![class.to_owned()],
            entries: Vec::new(),
        }
    }

    /// Entries of the cache whose `namespace/key` fits a glob.
    pub fn entries(glob: &str) -> Self {
        Self {
            entities: Vec::new(),
            device_classes: Vec::new(),
            entries: vec![glob.to_owned()],
        }
    }
}

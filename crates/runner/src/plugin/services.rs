//! What a plugin may ask of its host.

use super::wit::{entities, log, settings, store, types};
use crate::limiter::Limiter;

use super::wit::entities::Metadata;
use super::wit::log::Level;
use super::wit::store::Refusal;

/// The host's side of a plugin's imports, all quick: they count against the
/// deadline of the call they are made in.
pub trait Services: Send {
    /// Writes a line to the log.
    fn log(&mut self, level: Level, message: String);

    /// The value of a setting.
    fn setting(&mut self, name: &str) -> Option<String>;

    /// What is known of an entity that the plugin was asked about.
    fn entity(&mut self, entity: u32) -> Option<Metadata>;

    /// Reads a value of the plugin's own.
    fn load(&mut self, key: &str) -> Option<Vec<u8>>;

    /// Keeps a value of the plugin's own.
    fn store(&mut self, key: String, value: Vec<u8>) -> Result<(), Refusal>;

    /// Forgets a value of the plugin's own; says whether it was there.
    fn delete(&mut self, key: &str) -> bool;

    /// The keys of all of them, in order.
    fn keys(&mut self) -> Vec<String>;
}

/// For a component that is only asked what it is.
pub(super) struct Nothing;

impl Services for Nothing {
    fn log(&mut self, _level: Level, _message: String) {}

    fn setting(&mut self, _name: &str) -> Option<String> {
        None
    }

    fn entity(&mut self, _entity: u32) -> Option<Metadata> {
        None
    }

    fn load(&mut self, _key: &str) -> Option<Vec<u8>> {
        None
    }

    fn store(&mut self, _key: String, _value: Vec<u8>) -> Result<(), Refusal> {
        Err(Refusal::Other("nothing is granted yet".to_owned()))
    }

    fn delete(&mut self, _key: &str) -> bool {
        false
    }

    fn keys(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// What the store of an instance holds.
pub(super) struct Held {
    pub(super) limiter: Limiter,
    pub(super) services: Box<dyn Services>,
    pub(super) budget: super::instance::Budget,
}

impl types::Host for Held {}

impl log::Host for Held {
    fn write(&mut self, level: Level, message: String) {
        self.services.log(level, message);
    }
}

impl settings::Host for Held {
    fn get(&mut self, name: String) -> Option<String> {
        self.services.setting(&name)
    }
}

impl entities::Host for Held {
    fn describe(&mut self, entity: u32) -> Option<Metadata> {
        self.services.entity(entity)
    }
}

impl store::Host for Held {
    fn get(&mut self, key: String) -> Option<Vec<u8>> {
        self.services.load(&key)
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> Result<(), Refusal> {
        self.services.store(key, value)
    }

    fn delete(&mut self, key: String) -> bool {
        self.services.delete(&key)
    }

    fn keys(&mut self) -> Vec<String> {
        self.services.keys()
    }
}

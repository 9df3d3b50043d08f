//! What a plugin may ask of its host: in a component of Weirhouse itself, natively
//! of the test harness.

macro_rules! of_host {
    ($component:expr, $natively:expr) => {{
        #[cfg(target_arch = "wasm32")]
        {
            $component
        }
        #[cfg(not(target_arch = "wasm32"))]
        {
            crate::testing::surroundings($natively)
        }
    }};
}

pub mod log {
    //! Lines for the log of Weirhouse, under the plugin's name.

    pub use crate::wit::weirhouse::plugin::log::Level;

    /// Writes one line.
    pub fn write(level: Level, message: &str) {
        of_host!(
            crate::wit::weirhouse::plugin::log::write(level, message),
            |around| around.log.push((level, message.to_owned()))
        );
    }

    /// Writes one line that tells of the ordinary.
    pub fn info(message: &str) {
        write(Level::Info, message);
    }

    /// Writes one line that somebody should see.
    pub fn warn(message: &str) {
        write(Level::Warn, message);
    }
}

pub mod settings {
    //! What the user set.

    /// The value of a setting that the description has, or its default.
    pub fn get(name: &str) -> Option<String> {
        of_host!(
            crate::wit::weirhouse::plugin::settings::get(name),
            |around| around.settings.get(name).cloned()
        )
    }

    /// [`get`] for a number.
    pub fn number(name: &str) -> Option<f64> {
        get(name)?.trim().parse().ok()
    }

    /// [`get`] for what is true or false.
    pub fn flag(name: &str) -> Option<bool> {
        get(name)?.trim().parse().ok()
    }
}

pub mod entities {
    //! What is known of the entities that the plugin decides for.

    pub use crate::wit::weirhouse::plugin::entities::Metadata;

    /// Describes an entity that came in a call to this instance.
    pub fn describe(entity: u32) -> Option<Metadata> {
        of_host!(
            crate::wit::weirhouse::plugin::entities::describe(entity),
            |around| around.entities.get(entity as usize).cloned()
        )
    }
}

pub mod store {
    //! A few values on disk, 64 KiB in all.

    pub use crate::wit::weirhouse::plugin::store::Refusal;

    /// The value of a key.
    pub fn get(key: &str) -> Option<Vec<u8>> {
        of_host!(crate::wit::weirhouse::plugin::store::get(key), |around| {
            around.store.get(key).cloned()
        })
    }

    /// Sets a key; its old value stays if this is refused.
    pub fn set(key: &str, value: &[u8]) -> Result<(), Refusal> {
        of_host!(
            crate::wit::weirhouse::plugin::store::set(key, value),
            |around| around.keep(key, value)
        )
    }

    /// Removes a key; says whether it was there.
    pub fn delete(key: &str) -> bool {
        of_host!(
            crate::wit::weirhouse::plugin::store::delete(key),
            |around| around.store.remove(key).is_some()
        )
    }

    /// All keys, in order.
    pub fn keys() -> Vec<String> {
        of_host!(crate::wit::weirhouse::plugin::store::keys(), |around| {
            around.store.keys().cloned().collect()
        })
    }
}

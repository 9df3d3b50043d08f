//! The names of what plugins import and export.

use std::fmt;

macro_rules! names {
    ($(#[$doc:meta])* $type:ident { $($(#[$item:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type {
            $($(#[$item])* $variant,)*
        }

        impl $type {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The interface's name in WIT.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The one of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.name() == name)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(self.name())
            }
        }
    };
}

names! {
    /// What a plugin may import, once it is granted.
    Capability {
        /// Lines in the log.
        Log = "log",
        /// Its settings.
        Settings = "settings",
        /// Metadata of the entities it decides for.
        Entities = "entities",
        /// A few values on disk.
        Store = "store",
    }
}

names! {
    /// What a plugin may export beside `about`.
    Function {
        /// Which readings matter.
        Judge = "judge",
        /// Which readings of numbers matter, in columns.
        JudgeNumbers = "judge-numbers",
        /// When entities are asked again.
        Interval = "interval",
        /// How long entries live.
        Ttl = "ttl",
        /// What readings become.
        Transform = "transform",
        /// What it learned.
        State = "state",
    }
}

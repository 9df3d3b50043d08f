//! Plugins: policies that users install, asked before the optimizer.
//!
//! The optimizer knows nothing of them. A reading of an entity that a plugin
//! claims is given to the plugin first, on a thread of its own, and then to the
//! optimizer together with its advice. What the plugin cannot answer in time,
//! or at all, the optimizer decides alone.

mod actor;
mod advice;
mod claims;
mod compile;
mod consult;
mod folder;
mod mailbox;
mod numbers;
mod obstacle;
mod register;
mod services;
mod settings;
mod status;
mod supervision;
mod templates;

pub use advice::Advice;
pub use claims::Claims;
pub use compile::{CompileError, Compiler, Made};
pub use consult::{Consultation, Seen};
pub use folder::{Folder, FolderError, Installed};
pub use obstacle::{is_name, lacking, obstacle};
pub use register::{Entry, Quarantine, Register, RegisterLock};
pub use services::{Ground, MOST_STORED_BYTES};
pub use settings::{settings, wrong_setting};
pub use status::{FaultCount, PluginState, PluginStatus};
pub use supervision::Plugins;
pub use templates::{Language, NewError, write as write_template};

pub(crate) use consult::text_of;
pub use mailbox::Mailbox;
pub(crate) use mailbox::Waiting;

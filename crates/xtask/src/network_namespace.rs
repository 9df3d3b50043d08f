//! Runs commands where they see no network but their own loopback, if the machine allows it.
//!
//! Home Assistant opens a multicast port on every address it finds, and tests must not depend on a network.
//! The commands get a process namespace too: whatever a killed test leaves behind ends with it.

use std::process::{Command, Stdio};

/// Namespaces for root, and for a user who may map itself to root.
const WAYS: [&[&str]; 2] = [
    &["--net", "--pid", "--fork", "--kill-child", "--mount-proc"],
    &[
        "--map-root-user",
        "--net",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ],
];

/// A way of isolating commands that was tried and works here.
#[derive(Clone, Copy)]
pub(crate) struct NetworkNamespace(&'static [&'static str]);

impl NetworkNamespace {
    /// The first way that works; none where namespaces are forbidden, or `unshare` or `ip` is missing.
    pub(crate) fn find() -> Option<Self> {
        WAYS.into_iter().map(Self).find(|way| {
            let mut trial = way.wrap(&Command::new("true"));
            trial
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            trial.status().is_ok_and(|status| status.success())
        })
    }

    /// The same command, in a new namespace with a loopback interface.
    pub(crate) fn wrap(self, command: &Command) -> Command {
        let mut wrapped = Command::new("unshare");
        wrapped
            .args(self.0)
            .args(["sh", "-c", "ip link set lo up && exec \"$@\"", "isolated"])
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => wrapped.env(name, value),
                None => wrapped.env_remove(name),
            };
        }
        if let Some(dir) = command.get_current_dir() {
            wrapped.current_dir(dir);
        }
        wrapped
    }
}

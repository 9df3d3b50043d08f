//! When to stop: Ctrl-C or the termination signal.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::exit::{Exit, Failure};
use super::output::note;

/// Signals within this time of the first are the same wish: who stops a whole
/// process group, as `timeout` and `cargo` do, often tells a process twice.
const SAME_WISH: Duration = Duration::from_secs(1);

/// Becomes true at the first signal; a later one ends the process at once,
/// should the orderly stop hang.
///
/// Must be called on a tokio runtime.
pub(super) fn on_signal() -> Result<watch::Receiver<bool>, Failure> {
    let (sender, receiver) = watch::channel(false);
    let mut signals = Signals::new().map_err(|error| {
        Failure::new(
            Exit::Unexpected,
            format!("cannot listen for signals: {error}"),
        )
    })?;
    tokio::spawn(async move {
        signals.next().await;
        sender.send_replace(true);
        let insistent_from = Instant::now() + SAME_WISH;
        while timeout_at(insistent_from, signals.next()).await.is_ok() {}
        signals.next().await;
        note("stopped at once; what was not yet on disk is lost");
        // The status of a program ended by the interrupt.
        std::process::exit(130);
    });
    Ok(receiver)
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

//! What a running service takes notice of: changed files, and the signal HUP.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};

use crate::access::Access;
use crate::watch::FileWatch;

/// Follows files and signal until aborted.
pub(super) async fn follow(access: Arc<Access>) {
    let mut watch = match FileWatch::new(&access.files()) {
        Ok(watch) => Some(watch),
        Err(error) => {
            tracing::warn!(%error, "changed files are not noticed: send the signal HUP after a change");
            None
        }
    };
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => Some(hangup),
        Err(error) => {
            tracing::warn!(%error, "the signal HUP is not heard");
            None
        }
    };
    // One that happened between the first reading and the watching.
    reload(&access);
    loop {
        let changed = async {
            match &mut watch {
                Some(watch) => watch.changed().await,
                None => std::future::pending().await,
            }
        };
        let asked = async {
            match &mut hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = asked => {}
            outcome = changed => if let Err(error) = outcome {
                tracing::warn!(%error, "changed files are no longer noticed: send the signal HUP after a change");
                watch = None;
                continue;
            },
        }
        reload(&access);
    }
}

fn reload(access: &Access) {
    match access.reload() {
        Ok(()) => tracing::debug!("the tokens were read"),
        Err(error) => tracing::error!(%error, "the tokens stay as they were"),
    }
}

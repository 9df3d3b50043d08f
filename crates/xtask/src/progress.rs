//! Says on standard error what is being done, and that it still is.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// Long enough that a step of a few seconds says nothing, short enough that nobody wonders.
const REMINDER: Duration = Duration::from_secs(10);

/// Does one step: names it, reminds of it every ten seconds, and says how long it took if that was long.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> T) -> T {
    eprintln!("==> {what}");
    let begun = Instant::now();
    thread::scope(|scope| {
        let (finished, wait) = mpsc::channel::<()>();
        scope.spawn(move || {
            while wait.recv_timeout(REMINDER) == Err(RecvTimeoutError::Timeout) {
                eprintln!("    … {what}: {} s so far", begun.elapsed().as_secs());
            }
        });
        let result = work();
        drop(finished);
        if begun.elapsed() > Duration::from_secs(3) {
            eprintln!("    took {:.1} s", begun.elapsed().as_secs_f32());
        }
        result
    })
}

/// Says something on a line of its own, in the manner of [`step`].
pub(crate) fn note(text: &str) {
    eprintln!("    {text}");
}

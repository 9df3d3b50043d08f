//! The one wasmtime configuration, and the clock behind call deadlines.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, Thread};

use wasmtime::Config;

use crate::fault::LoadError;
use crate::limits::{CALL_DEADLINE, EPOCH_TICK};

/// Shared by all instances; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: wasmtime::Engine,
    ticker: Arc<Ticker>,
}

/// What the compiler and the daemon must agree on. Memory reservation stays at
/// wasmtime's 4 GiB of address space: with less, every access is checked and
/// numeric work slows by more than half.
///
/// No map from machine code to WebAssembly is kept: it is an eighth of the file,
/// and would only add offsets to the backtrace of a trap.
///
/// Counting instructions slows them, so that no released program does it.
pub(crate) fn config(counting: bool) -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true);
    config.wasm_component_model(true);
    config.generate_address_map(false);
    config.consume_fuel(counting);
    config
}

impl Engine {
    /// An engine with its deadline clock, which sleeps while no call runs.
    pub fn new() -> Result<Self, LoadError> {
        Self::with(&config(false))
    }

    /// An engine that counts what runs in it, for tests: its components are
    /// compiled for counting, and [`crate::Component::instructions`] tells.
    #[cfg(feature = "count")]
    pub fn counting() -> Result<Self, LoadError> {
        Self::with(&config(true))
    }

    fn with(config: &Config) -> Result<Self, LoadError> {
        let inner = wasmtime::Engine::new(config)
            .map_err(|error| LoadError::Engine(format!("{error:#}")))?;
        let ticker = Ticker::start(&inner).map_err(|error| LoadError::Engine(error.to_string()))?;
        Ok(Self { inner, ticker })
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner
    }

    /// Marks a call as running until the guard is dropped, and says after how
    /// many ticks it must be stopped.
    pub(crate) fn enter(&self) -> (u64, Running<'_>) {
        self.ticker.calls.fetch_add(1, Ordering::SeqCst);
        // Read before it is written: nearly always it runs, and a read is free.
        if self.ticker.parked.load(Ordering::SeqCst)
            && self.ticker.parked.swap(false, Ordering::SeqCst)
        {
            self.ticker.thread.unpark();
        }
        // One more, because the current tick is already under way.
        let ticks = CALL_DEADLINE.as_millis() / EPOCH_TICK.as_millis() + 1;
        (ticks as u64, Running(&self.ticker))
    }
}

/// A thread that advances the epoch while calls run, and parks otherwise so
/// that an idle home wakes nothing.
struct Ticker {
    calls: AtomicU32,
    parked: Arc<AtomicBool>,
    thread: Thread,
}

/// Ticks without a call after which the thread parks.
const IDLE_TICKS: u32 = 100;

impl Ticker {
    fn start(engine: &wasmtime::Engine) -> std::io::Result<Arc<Self>> {
        let weak_engine = engine.weak();
        let parked = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = std::sync::mpsc::channel::<Weak<Self>>();
        let flag = Arc::clone(&parked);
        let handle = thread::Builder::new().name("epoch".into()).spawn(move || {
            let Ok(ticker) = receiver.recv() else { return };
            let mut idle = 0;
            loop {
                thread::sleep(EPOCH_TICK);
                let Some(engine) = weak_engine.upgrade() else {
                    return;
                };
                engine.increment_epoch();
                drop(engine);
                let Some(ticker) = ticker.upgrade() else {
                    return;
                };
                idle = if ticker.calls.load(Ordering::SeqCst) == 0 {
                    idle + 1
                } else {
                    0
                };
                if idle >= IDLE_TICKS {
                    idle = 0;
                    flag.store(true, Ordering::SeqCst);
                    // A call that began between the check and the flag unparks
                    // this thread, or is seen here.
                    let busy = ticker.calls.load(Ordering::SeqCst) != 0;
                    drop(ticker);
                    if !busy {
                        thread::park();
                    }
                    flag.store(false, Ordering::SeqCst);
                }
            }
        })?;
        let ticker = Arc::new(Self {
            calls: AtomicU32::new(0),
            parked,
            thread: handle.thread().clone(),
        });
        let _ = sender.send(Arc::downgrade(&ticker));
        Ok(ticker)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.thread.unpark();
    }
}

/// While it lives, deadlines advance.
pub(crate) struct Running<'engine>(&'engine Ticker);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::SeqCst);
    }
}

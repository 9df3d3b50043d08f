//! The one wasmtime configuration, and the clock behind call deadlines.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::{self, Thread};
use std::time::Duration;

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
/// and would only add offsets to the backtrace of a trap. Nor are tables by which
/// a native debugger unwinds: nothing here unwinds through a component.
///
/// Counting instructions slows them, so that no released program does it.
pub(crate) fn config(counting: bool) -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true);
    config.wasm_component_model(true);
    config.generate_address_map(false);
    config.native_unwind_info(false);
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

    /// Keeps deadlines advancing for a call that begins now, and says after how
    /// many ticks it must be stopped.
    pub(crate) fn enter(&self) -> u64 {
        self.wake();
        // One more, because the current tick is already under way.
        u64::from(DEADLINE_TICKS) + 1
    }

    /// [`Engine::enter`] for a call with a deadline of its own, which is not
    /// longer than that of the optimizer.
    pub(crate) fn enter_within(&self, deadline: Duration) -> u64 {
        self.wake();
        deadline.as_millis().div_ceil(EPOCH_TICK.as_millis()) as u64 + 1
    }

    fn wake(&self) {
        self.ticker.active.store(true, Ordering::Relaxed);
        if self.ticker.parked.load(Ordering::Relaxed) {
            self.ticker.wake();
        }
    }
}

/// A thread that advances the epoch while calls are made, and parks otherwise so
/// that an idle home wakes nothing.
///
/// Calls only note that they begin, which costs them a plain store: once none
/// has begun for longer than a call may take, none can be running.
struct Ticker {
    /// Whether a call began in the current tick.
    active: AtomicBool,
    parked: AtomicBool,
    thread: OnceLock<Thread>,
}

/// Ticks after which a call is stopped.
const DEADLINE_TICKS: u32 = (CALL_DEADLINE.as_millis() / EPOCH_TICK.as_millis()) as u32;

/// Ticks without a new call after which the thread parks: every call that began
/// before them has ended or was stopped.
const IDLE_TICKS: u32 = DEADLINE_TICKS + 100;

/// Longest sleep of the parked thread. It bounds what a call loses whose mark
/// the parking thread did not see, which no memory model excludes; processors
/// make a store visible in far less than the tick that the thread waits for it.
const LONGEST_PARKED: Duration = Duration::from_secs(30);

impl Ticker {
    fn start(engine: &wasmtime::Engine) -> std::io::Result<Arc<Self>> {
        let ticker = Arc::new(Self {
            active: AtomicBool::new(false),
            parked: AtomicBool::new(false),
            thread: OnceLock::new(),
        });
        let engine = engine.weak();
        let weak = Arc::downgrade(&ticker);
        let handle = thread::Builder::new()
            .name("epoch".into())
            .spawn(move || advance(&engine, &weak))?;
        let _ = ticker.thread.set(handle.thread().clone());
        Ok(ticker)
    }

    fn wake(&self) {
        if self.parked.swap(false, Ordering::SeqCst)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

/// What the thread does, until engine or ticker are gone.
fn advance(engine: &wasmtime::EngineWeak, ticker: &Weak<Ticker>) {
    let mut idle = 0;
    loop {
        thread::sleep(EPOCH_TICK);
        let (Some(engine), Some(ticker)) = (engine.upgrade(), ticker.upgrade()) else {
            return;
        };
        engine.increment_epoch();
        drop(engine);
        if ticker.active.swap(false, Ordering::SeqCst) {
            idle = 0;
            ticker.parked.store(false, Ordering::SeqCst);
        } else {
            idle += 1;
        }
        // Announced one tick before, so that a call that did not see it yet has
        // been seen by now.
        if ticker.parked.load(Ordering::SeqCst) {
            drop(ticker);
            thread::park_timeout(LONGEST_PARKED);
        } else if idle >= IDLE_TICKS {
            ticker.parked.store(true, Ordering::SeqCst);
        }
    }
}

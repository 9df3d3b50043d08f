//! One instance of the optimizer: a store, its limits, and its replacement
//! after a trap.

use std::mem;
use std::path::Path;

use wasmtime::component::Linker;
use wasmtime::{Store, Trap};

use crate::artifact;
use crate::engine::Engine;
use crate::fault::{Fault, LoadError, TrapCause};
use crate::limiter::Limiter;
use crate::limits;
use crate::wit::types::Instant;
use crate::wit::{Optimizer as Bindings, OptimizerPre};

/// The optimizer as a component.
///
/// A call that traps costs the instance: it is dropped, and a fresh one takes
/// its place, restored from the last [`Component::checkpoint`]. The call
/// answers [`Fault::Trapped`], and [`Component::generation`] has grown.
pub struct Component {
    engine: Engine,
    pre: OptimizerPre<Limiter>,
    live: Result<Live, String>,
    generation: u64,
    checkpoint: Option<(Instant, Vec<u8>)>,
    /// Room to join the two names of a place in.
    place: String,
    /// Room to join a value with its place in.
    joined: Vec<u8>,
}

/// Longer places, which the optimizer refuses anyway, keep no room, nor do large
/// values.
const KEPT_ROOM_BYTES: usize = 4096;

/// The length of a name; one longer than can be said does not fit into the
/// component's memory.
fn length_of(name: &[u8]) -> u32 {
    u32::try_from(name.len()).unwrap_or(u32::MAX)
}

struct Live {
    store: Store<Limiter>,
    bindings: Bindings,
}

impl Component {
    /// Loads a precompiled component and starts an instance.
    pub fn load(engine: &Engine, path: &Path) -> Result<Self, LoadError> {
        let component = artifact::load(engine, path)?;
        let world = |error: wasmtime::Error| LoadError::World {
            path: path.to_owned(),
            reason: format!("{error:#}"),
        };
        // An empty linker: the optimizer imports nothing, and nothing is given.
        let linker = Linker::new(engine.wasmtime());
        let pre =
            OptimizerPre::new(linker.instantiate_pre(&component).map_err(world)?).map_err(world)?;
        let live = Live::start(engine, &pre).map_err(world)?;
        Ok(Self {
            engine: engine.clone(),
            pre,
            live: Ok(live),
            generation: 0,
            checkpoint: None,
            place: String::new(),
            joined: Vec::new(),
        })
    }

    /// How often the instance was replaced. A host that sees it grow must tell
    /// the optimizer its settings and readings again.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Takes a snapshot, keeps it for the case of a trap, and gives it out so
    /// that the host can persist it.
    pub fn checkpoint(&mut self, now: Instant) -> Result<Vec<u8>, Fault> {
        let bytes = self.enter("snapshot", |bindings, store| {
            bindings.weirhouse_core_state().call_snapshot(store, now)
        })?;
        self.checkpoint = Some((now, bytes.clone()));
        Ok(bytes)
    }

    /// Linear memory of the live instance, in bytes; `None` if none could be
    /// started.
    pub fn memory_bytes(&self) -> Option<usize> {
        let live = self.live.as_ref().ok()?;
        Some(live.store.data().memory_bytes())
    }

    /// WebAssembly instructions that the live instance has run, as wasmtime
    /// counts them; `None` unless [`Engine::counting`] made its engine.
    #[cfg(feature = "count")]
    pub fn instructions(&self) -> Option<u64> {
        let live = self.live.as_ref().ok()?;
        live.store.get_fuel().ok().map(|left| u64::MAX - left)
    }

    /// Runs one call under its deadline, and replaces the instance if it traps.
    pub(crate) fn enter<T>(
        &mut self,
        operation: &'static str,
        call: impl FnOnce(&Bindings, &mut Store<Limiter>) -> wasmtime::Result<T>,
    ) -> Result<T, Fault> {
        let live = self
            .live
            .as_mut()
            .map_err(|reason| Fault::Dead(reason.clone()))?;
        live.store.set_epoch_deadline(self.engine.enter());
        call(&live.bindings, &mut live.store).map_err(|error| {
            let restored = self.replace();
            Fault::Trapped {
                operation,
                cause: cause_of(&error),
                restored,
            }
        })
    }

    /// Runs a call on one key of the cache: gives it namespace and key as one
    /// text, and the length of the namespace in it.
    pub(crate) fn enter_at<T>(
        &mut self,
        operation: &'static str,
        namespace: &str,
        key: &str,
        call: impl FnOnce(&Bindings, &mut Store<Limiter>, &str, u32) -> wasmtime::Result<T>,
    ) -> Result<T, Fault> {
        let mut place = mem::take(&mut self.place);
        place.clear();
        place.push_str(namespace);
        place.push_str(key);
        let namespace_length = length_of(namespace.as_bytes());
        let answer = self.enter(operation, |bindings, store| {
            call(bindings, store, &place, namespace_length)
        });
        if place.capacity() <= KEPT_ROOM_BYTES {
            self.place = place;
        }
        answer
    }

    /// Runs a call that writes to the cache: gives it value, namespace and key as
    /// one list, and the lengths of the two names.
    pub(crate) fn enter_joined<T>(
        &mut self,
        operation: &'static str,
        parts: [&[u8]; 3],
        call: impl FnOnce(&Bindings, &mut Store<Limiter>, &[u8], [u32; 2]) -> wasmtime::Result<T>,
    ) -> Result<T, Fault> {
        let mut joined = mem::take(&mut self.joined);
        joined.clear();
        for part in parts {
            joined.extend_from_slice(part);
        }
        let [_, namespace, key] = parts;
        let lengths = [namespace, key].map(length_of);
        let answer = self.enter(operation, |bindings, store| {
            call(bindings, store, &joined, lengths)
        });
        if joined.capacity() <= KEPT_ROOM_BYTES {
            self.joined = joined;
        }
        answer
    }

    /// Starts a fresh instance; says whether the last checkpoint came back.
    fn replace(&mut self) -> bool {
        self.generation += 1;
        self.live = Live::start(&self.engine, &self.pre).map_err(|error| format!("{error:#}"));
        let Some((then, bytes)) = self.checkpoint.take() else {
            return false;
        };
        let Ok(live) = self.live.as_mut() else {
            return false;
        };
        live.store.set_epoch_deadline(self.engine.enter());
        let outcome =
            live.bindings
                .weirhouse_core_state()
                .call_restore(&mut live.store, then, &bytes);
        match outcome {
            Ok(Ok(_)) => {
                self.checkpoint = Some((then, bytes));
                true
            }
            Ok(Err(_)) => false,
            // The checkpoint itself traps: start without it, and forget it.
            Err(_) => {
                self.live =
                    Live::start(&self.engine, &self.pre).map_err(|error| format!("{error:#}"));
                false
            }
        }
    }
}

impl Live {
    fn start(engine: &Engine, pre: &OptimizerPre<Limiter>) -> wasmtime::Result<Self> {
        let mut store = Store::new(engine.wasmtime(), Limiter::new(limits::OPTIMIZER));
        store.limiter(|limiter| limiter);
        #[cfg(feature = "count")]
        // More than can be spent; refused by an engine that does not count.
        let _ = store.set_fuel(u64::MAX);
        store.set_epoch_deadline(engine.enter());
        let bindings = pre.instantiate(&mut store)?;
        Ok(Self { store, bindings })
    }
}

pub(crate) fn cause_of(error: &wasmtime::Error) -> TrapCause {
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => TrapCause::Deadline,
        Some(Trap::UnreachableCodeReached) => TrapCause::Panic,
        Some(trap) => TrapCause::Other(trap.to_string()),
        None => TrapCause::Other(format!("{error:#}")),
    }
}

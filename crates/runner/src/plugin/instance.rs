//! A plugin that runs: a store, its limits, and calls that each have a deadline.

use std::time::{Duration, Instant as Wall};

use rustix::time::{ClockId, clock_gettime};
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Store, Trap, UpdateDeadline};

use super::capability::{Capability, Function};
use super::fault::{PluginFault, Refused};
use super::package::Package;
use super::services::{Held, Services};
use super::wit::exports::weirhouse::plugin as exports;
use super::wit::weirhouse::plugin as imports;
use crate::component::cause_of;
use crate::engine::Engine;
use crate::limiter::Limiter;
use crate::limits::plugin::{
    BOUNDS, CALL_DEADLINE, HOST_CALL_BYTES, LONG_CALL_DEADLINE, MOST_STRETCH,
};

use exports::about::Description;
use exports::interval::Pace;
use exports::judge::{Decision, Observation};
use exports::judge_numbers::{Decisions, Numbers};
use exports::transform::Derived;
use exports::ttl::{Entry, Lifetime};

/// One instance of a plugin.
///
/// All calls block for as long as they take; they are made on a thread whose
/// stack has room for [`crate::limits::plugin::STACK_BYTES`].
pub struct Instance {
    engine: Engine,
    store: Store<Held>,
    about: exports::about::Guest,
    judge: Option<exports::judge::Guest>,
    judge_numbers: Option<exports::judge_numbers::Guest>,
    interval: Option<exports::interval::Guest>,
    ttl: Option<exports::ttl::Guest>,
    transform: Option<exports::transform::Guest>,
    state: Option<exports::state::Guest>,
}

/// What is left of a call's time.
pub(super) struct Budget {
    processor: Duration,
    began: Wall,
    deadline: Duration,
}

impl Budget {
    fn new(deadline: Duration) -> Self {
        Self {
            processor: processor_time(),
            began: Wall::now(),
            deadline,
        }
    }

    /// Whether the call had its time of the processor, or far too long on the
    /// wall.
    fn is_spent(&self) -> bool {
        processor_time().saturating_sub(self.processor) >= self.deadline
            || self.began.elapsed() >= self.deadline * MOST_STRETCH
    }
}

/// What this thread has had of the processor.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

impl Instance {
    /// Starts an instance that may import what is granted, and nothing else.
    ///
    /// # Errors
    /// When it imports more than that, or does not start within its limits.
    pub fn start(
        package: &Package,
        granted: &[Capability],
        services: Box<dyn Services>,
    ) -> Result<Self, Refused> {
        let lacking = |capability: &&Capability| !granted.contains(capability);
        if let Some(capability) = package.surface().imports.iter().find(lacking) {
            return Err(Refused::NotGranted(capability.to_string()));
        }
        Self::link(package, granted, services)
            .map_err(|error| Refused::Start(in_a_line(&error, 300)))
    }

    fn link(
        package: &Package,
        granted: &[Capability],
        services: Box<dyn Services>,
    ) -> wasmtime::Result<Self> {
        let engine = package.engine.clone();
        let mut linker = Linker::<Held>::new(engine.wasmtime());
        for capability in granted {
            let link = &mut linker;
            match capability {
                Capability::Log => imports::log::add_to_linker::<_, HasSelf<_>>(link, |it| it),
                Capability::Settings => {
                    imports::settings::add_to_linker::<_, HasSelf<_>>(link, |it| it)
                }
                Capability::Entities => {
                    imports::entities::add_to_linker::<_, HasSelf<_>>(link, |it| it)
                }
                Capability::Store => imports::store::add_to_linker::<_, HasSelf<_>>(link, |it| it),
            }?;
        }
        imports::types::add_to_linker::<_, HasSelf<_>>(&mut linker, |it| it)?;
        let pre = linker.instantiate_pre(&package.component)?;
        let held = Held {
            limiter: Limiter::new(BOUNDS),
            services,
            budget: Budget::new(LONG_CALL_DEADLINE),
        };
        let mut store = Store::new(engine.wasmtime(), held);
        store.limiter(|held| &mut held.limiter);
        store.set_hostcall_fuel(HOST_CALL_BYTES);
        store.epoch_deadline_callback(|held| {
            if held.data().budget.is_spent() {
                return Err(Trap::Interrupt.into());
            }
            Ok(UpdateDeadline::Continue(1))
        });
        store.set_epoch_deadline(engine.enter_within(LONG_CALL_DEADLINE));
        let instance = pre.instantiate(&mut store)?;
        let about = exports::about::GuestIndices::new(&pre)?.load(&mut store, &instance)?;
        // Each is looked for by itself: all but `about` may be missing, and an
        // export of a later version would fail the whole world.
        macro_rules! optional {
            ($interface:ident) => {
                match exports::$interface::GuestIndices::new(&pre) {
                    Ok(indices) => Some(indices.load(&mut store, &instance)?),
                    Err(_) => None,
                }
            };
        }
        Ok(Self {
            judge: optional!(judge),
            judge_numbers: optional!(judge_numbers),
            interval: optional!(interval),
            ttl: optional!(ttl),
            transform: optional!(transform),
            state: optional!(state),
            engine,
            store,
            about,
        })
    }

    /// Asks the plugin what it is.
    pub fn describe(&mut self) -> Result<Description, PluginFault> {
        self.begin(LONG_CALL_DEADLINE);
        let answer = self.about.call_describe(&mut self.store);
        answer.map_err(|error| trapped("describe", &error))
    }

    /// One decision for each reading; `None` if it does not judge.
    pub fn judge(
        &mut self,
        now_ms: u64,
        batch: &[Observation],
    ) -> Option<Result<Vec<Decision>, PluginFault>> {
        self.begin(CALL_DEADLINE);
        let answer = self
            .judge
            .as_ref()?
            .call_judge(&mut self.store, now_ms, batch);
        Some(checked(Function::Judge, answer, batch.len()))
    }

    /// The reasons it may name for decisions on numbers; `None` if it does not
    /// judge them in columns.
    pub fn reasons(&mut self) -> Option<Result<Vec<String>, PluginFault>> {
        self.begin(CALL_DEADLINE);
        let answer = self.judge_numbers.as_ref()?.call_reasons(&mut self.store);
        Some(answer.map_err(|error| trapped(Function::JudgeNumbers.name(), &error)))
    }

    /// A decision for each number of equally long columns; `None` if it does
    /// not judge them so.
    pub fn judge_numbers(
        &mut self,
        now_ms: u64,
        batch: &Numbers,
    ) -> Option<Result<Decisions, PluginFault>> {
        self.begin(CALL_DEADLINE);
        let judge_numbers = self.judge_numbers.as_ref()?;
        let answer = judge_numbers.call_judge(&mut self.store, now_ms, batch);
        let function = Function::JudgeNumbers;
        Some(answered(function, answer).and_then(|decisions| {
            let asked = batch.entities.len();
            counted(function, asked, decisions.verdicts.len())?;
            counted(function, asked, decisions.numbers.len())?;
            counted(function, asked, decisions.reasons.len())?;
            Ok(decisions)
        }))
    }

    /// The next interval of each entity; `None` if it does not pace.
    pub fn intervals(
        &mut self,
        now_ms: u64,
        batch: &[Pace],
    ) -> Option<Result<Vec<Option<u32>>, PluginFault>> {
        self.begin(CALL_DEADLINE);
        let answer = self
            .interval
            .as_ref()?
            .call_intervals(&mut self.store, now_ms, batch);
        Some(checked(Function::Interval, answer, batch.len()))
    }

    /// The life times of each entry; `None` if it does not decide on them.
    pub fn lifetimes(
        &mut self,
        now_ms: u64,
        batch: &[Entry],
    ) -> Option<Result<Vec<Option<Lifetime>>, PluginFault>> {
        self.begin(CALL_DEADLINE);
        let answer = self
            .ttl
            .as_ref()?
            .call_lifetimes(&mut self.store, now_ms, batch);
        Some(checked(Function::Ttl, answer, batch.len()))
    }

    /// What each reading becomes; `None` if it transforms nothing.
    pub fn transform(
        &mut self,
        now_ms: u64,
        batch: &[Observation],
    ) -> Option<Result<Vec<Vec<Derived>>, PluginFault>> {
        self.begin(CALL_DEADLINE);
        let answer = self
            .transform
            .as_ref()?
            .call_transform(&mut self.store, now_ms, batch);
        Some(checked(Function::Transform, answer, batch.len()))
    }

    /// What it learned; `None` if it keeps nothing.
    pub fn snapshot(&mut self) -> Option<Result<Vec<u8>, PluginFault>> {
        self.begin(LONG_CALL_DEADLINE);
        let answer = self.state.as_ref()?.call_snapshot(&mut self.store);
        Some(answer.map_err(|error| trapped("snapshot", &error)))
    }

    /// Gives back what another instance learned; `None` if it takes nothing.
    pub fn restore(&mut self, snapshot: &[u8]) -> Option<Result<(), PluginFault>> {
        self.begin(LONG_CALL_DEADLINE);
        let answer = self.state.as_ref()?.call_restore(&mut self.store, snapshot);
        Some(match answer {
            Ok(Ok(())) => Ok(()),
            Ok(Err(message)) => Err(PluginFault::Error {
                function: "restore",
                message: shortened(&message, MOST_SAID),
            }),
            Err(error) => Err(trapped("restore", &error)),
        })
    }

    /// Linear memory of the instance, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.store.data().limiter.memory_bytes()
    }

    fn begin(&mut self, deadline: Duration) {
        self.store.data_mut().budget = Budget::new(deadline);
        let ticks = self.engine.enter_within(deadline);
        self.store.set_epoch_deadline(ticks);
    }
}

/// Characters that are kept of what a plugin says when it fails.
const MOST_SAID: usize = 200;

fn checked<T>(
    function: Function,
    answer: wasmtime::Result<Result<Vec<T>, String>>,
    asked: usize,
) -> Result<Vec<T>, PluginFault> {
    let answers = answered(function, answer)?;
    counted(function, asked, answers.len())?;
    Ok(answers)
}

fn answered<T>(
    function: Function,
    answer: wasmtime::Result<Result<T, String>>,
) -> Result<T, PluginFault> {
    let function = function.name();
    answer
        .map_err(|error| trapped(function, &error))?
        .map_err(|message| PluginFault::Error {
            function,
            message: shortened(&message, MOST_SAID),
        })
}

fn counted(function: Function, asked: usize, given: usize) -> Result<(), PluginFault> {
    if given == asked {
        return Ok(());
    }
    Err(PluginFault::Miscounted {
        function: function.name(),
        asked,
        given,
    })
}

fn trapped(function: &'static str, error: &wasmtime::Error) -> PluginFault {
    PluginFault::Trapped {
        function,
        cause: cause_of(error),
    }
}

fn in_a_line(error: &wasmtime::Error, most: usize) -> String {
    shortened(&format!("{error:#}"), most)
}

/// At most so many characters, on one line.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let line = text
        .chars()
        .map(|it| if it.is_control() { ' ' } else { it });
    line.take(most).collect()
}

//! Operations of the optimizer with their arguments, as bytes make them.

use arbitrary::Arbitrary;

use crate::argument::{Count, Handle, Length, Name, Number, Passing, Text};

/// One call, and what the clocks did before it.
#[derive(Debug, Clone, Arbitrary)]
pub struct Step {
    /// Before the call.
    pub passing: Passing,
    /// The call.
    pub operation: Operation,
}

/// A call of one of the optimizer's parts.
#[derive(Debug, Clone, Arbitrary)]
pub enum Operation {
    Entities(Entities),
    Updates(Updates),
    Time(Time),
    Batching(Batching),
    Delivery(Delivery),
    Schedule(Schedule),
    Cache(Cache),
    Fetch(Fetch),
    Removals(Removals),
    Flow(Flow),
    Resilience(Resilience),
    Context(Context),
    Metrics(Metrics),
}

#[derive(Debug, Clone, Arbitrary)]
pub enum Entities {
    Intern(Vec<(Name, Option<Name>)>),
    Release(Vec<Handle>),
    Names(Vec<Handle>),
    Describe(Handle, Option<Name>, Option<Name>),
    Filter(bool, Vec<Name>, Vec<Name>, Name),
    /// Rules by entities and device classes, and whom one is looked for.
    Select(Vec<(Vec<Name>, Vec<Name>)>, Name, Option<Name>),
}

#[derive(Debug, Clone, Arbitrary)]
pub struct Rule {
    pub absolute: Option<Number>,
    pub percentage: Option<Number>,
    pub any: bool,
    pub max_age: Option<Length>,
    pub settle: Option<Length>,
    pub centred: bool,
    pub zero_crossing: bool,
    pub levels: Vec<Number>,
    pub total: bool,
    pub learn: bool,
}

#[derive(Debug, Clone, Arbitrary)]
pub enum Updates {
    DefaultRule(Rule),
    SetRule(Vec<Handle>, Option<Rule>),
    RuleOf(Handle),
    UsePresets(bool),
    SetLearning(bool),
    Proposals(Vec<Handle>),
    Reset(Vec<Handle>),
    Numbers(Vec<(Handle, Number)>, Vec<i64>),
    /// One series, many readings: what learning takes.
    Run(Handle, Number, Vec<i8>),
    Texts(Vec<(Handle, Text)>, Vec<i64>),
    /// With lengths that need not fit the text.
    Pieces(Vec<Handle>, Text, Vec<u8>),
    With(Handle, Text, Option<i64>, Option<Number>, Option<Number>),
    Published(Vec<Handle>),
    /// Readings with opinions, good and bad ones.
    Advised(Vec<(Handle, Text, u8, Number, i64)>),
}

#[derive(Debug, Clone, Arbitrary)]
pub enum Time {
    Tick,
    Flush,
    Snapshot,
    Restart,
    RestoreOver,
}

#[derive(Debug, Clone, Arbitrary)]
pub enum Batching {
    Configure {
        window: Length,
        max: Count,
        flush_on_full: bool,
        capacity: Count,
        drop_new: bool,
        adaptive: Option<(Length, Length, Count, Count, Length)>,
    },
    MarkDirty(Vec<Handle>),
    DropPending(Vec<Handle>),
    Poll,
}

#[derive(Debug, Clone, Arbitrary)]
pub enum Delivery {
    Register(Name, Count, Count, Option<Count>, Length, Length),
    Unregister(Handle),
    Poll,
    Succeeded(Option<(Handle, u8)>, Length),
    Failed(Option<(Handle, u8)>, bool),
}

#[derive(Debug, Clone, Arbitrary)]
pub struct Budget {
    pub per_minute: Option<Count>,
    pub per_day: Option<Count>,
    pub reserve: Number,
    pub reset_minute: u16,
    pub night: Option<(u16, u16, Number)>,
}

#[derive(Debug, Clone, Arbitrary)]
pub enum Schedule {
    SetShortest(Length),
    Register(Handle, Length),
    RegisterClass(Handle, u8, u8),
    RegisterMeasured(Handle, Length, Length),
    RegisterPlanned(Handle, Name, Length, Length, Number),
    SetGroup(Name, Budget),
    RemoveGroup(Name),
    GroupStatus(Name),
    Report(Vec<(Handle, bool)>),
    Ask(Handle, bool),
    TellRates(Handle, [Number; 8]),
    Unregister(Handle),
    Poll,
    Simulate(Budget, Length, Number),
}

#[derive(Debug, Clone, Arbitrary)]
pub struct Record {
    pub value: Vec<u8>,
    pub tags: Vec<Name>,
    pub put_at: i64,
    /// Put this long before now instead.
    pub age: Option<Length>,
    pub life: Length,
    pub memory_life: Length,
    pub while_revalidate: Length,
    pub if_error: Length,
}

#[derive(Debug, Clone, Arbitrary)]
pub struct Options {
    pub memory_life: Option<Length>,
    pub disk_life: Option<Length>,
    pub tags: Vec<Name>,
    pub stale: Option<(Length, Length)>,
}

#[derive(Debug, Clone, Arbitrary)]
pub enum Cache {
    Configure {
        namespace: Option<Name>,
        capacity: Count,
        max_bytes: Count,
        memory_life: Length,
        disk_life: Length,
        memory_only: bool,
        w_tiny_lfu: bool,
    },
    Resize(Option<Name>, Count),
    Get(Name, Name),
    Admit(Name, Name, Option<Record>),
    Warm(Name, Name, Record),
    Put(Name, Name, Vec<u8>, Options),
    /// Many keys, to fill a namespace.
    Fill(Name, u8),
    Forget(Name, Name),
    Delete(Name, Name),
    Clear(Option<Name>),
    Invalidate(Name, Name),
    InvalidateTag(Option<Name>, Name),
    ClearAffected(Name),
    Matching(Name, Vec<Name>),
    Alive(Vec<i64>, Vec<Length>),
    DiskBounds(u64, u64),
    Trim(u64, u64),
    SweepBefore,
    NoteRemoved(u64, u64),
    Totals(Option<Name>),
    Hottest(Count),
    CacheKey(Vec<(u8, Name, Name)>),
}

#[derive(Debug, Clone, Arbitrary)]
pub enum Fetch {
    Policy {
        namespace: Option<Name>,
        stale: (Length, Length),
        negative_life: Option<Length>,
        lease: Length,
        ahead: Option<(Number, Count)>,
    },
    Ask(Name, Name),
    Resume(Name, Name, Option<Record>),
    Fulfil(Name, Name, u8, Vec<u8>, Options),
    Nothing(Name, Name, u8, Option<Length>),
    Fail(Name, Name, u8),
    Rescue(Name, Name, Record),
    PollAhead(Count),
    LeaseAhead(Name, Name),
}

#[derive(Debug, Clone, Arbitrary)]
pub enum Removals {
    Poll(Count),
    Acknowledge(u8),
    AcknowledgeAny(u64),
    Removed(i64, Vec<i64>),
}

#[derive(Debug, Clone, Arbitrary)]
pub enum Gate {
    Debounce(Length, Option<Length>, bool, bool),
    Throttle(Number),
    CallBatch(Count, Length),
}

#[derive(Debug, Clone, Arbitrary)]
pub enum Flow {
    OpenGate(Gate),
    ConfigureGate(Handle, Gate),
    CloseGate(Handle),
    Call(Handle, Vec<u8>, Vec<u8>),
    Waiting(Handle),
    PollGates,
    OpenQueue(Count, bool),
    ConfigureQueue(Handle, Count, bool),
    CloseQueue(Handle),
    Push(Handle, Vec<u8>, Vec<u8>),
    Take(Handle, Count),
    Items(Handle),
}

#[derive(Debug, Clone, Arbitrary)]
pub enum Resilience {
    Open(Name, Count, Length, Count),
    Release(Handle),
    Admit(Handle),
    Report(Handle, u8, u8),
    Reset(Handle),
    Status(Handle),
    Retry(Count, Length, Number, Length, Number, u64),
    Wait(Option<Length>, u16, u8, Count),
}

#[derive(Debug, Clone, Arbitrary)]
pub enum Context {
    Offer(Vec<(Handle, u8, u8, u8, Number)>),
    Count(Vec<(Handle, Count)>),
    Withdraw(Vec<Handle>),
    Select {
        most: Count,
        frame: Count,
        sections: Vec<(u8, Count, Count)>,
        areas: Vec<u8>,
        keep: Vec<Handle>,
        half_life: Length,
    },
}

#[derive(Debug, Clone, Arbitrary)]
pub enum Metrics {
    Configure(
        bool,
        Count,
        Length,
        Count,
        Length,
        Count,
        Count,
        Option<Length>,
    ),
    Intern(u8, Name, Vec<(Name, Name)>),
    Samples(Vec<(Handle, Number)>, Vec<u8>, Vec<Name>),
    Counts(Vec<(Handle, u64)>),
    Gauges(Vec<(Handle, Number)>),
    AtMost(Handle, Vec<Number>),
    Read,
    History(u8, Name),
    Reset,
}

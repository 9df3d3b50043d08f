//! Verdict codes of `updates.verdict`, by name.

/// The bit of a verdict that says publish.
pub const PUBLISH: u8 = 0x80;

/// Why a reading was published or suppressed: the codes of the WIT type
/// `updates.verdict`, which says what each means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Reason {
    Repeat = 0x00,
    Within = 0x01,
    Late = 0x02,
    Held = 0x03,
    First = 0x80,
    Changed = 0x81,
    Threshold = 0x82,
    Availability = 0x83,
    NotFinite = 0x84,
    Crossing = 0x85,
    Reset = 0x86,
    Heartbeat = 0x87,
    Settle = 0x88,
    Final = 0x89,
    Advised = 0x8a,
    Deferred = 0x8b,
}

impl Reason {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 16] = [
        Self::Repeat,
        Self::Within,
        Self::Late,
        Self::Held,
        Self::First,
        Self::Changed,
        Self::Threshold,
        Self::Availability,
        Self::NotFinite,
        Self::Crossing,
        Self::Reset,
        Self::Heartbeat,
        Self::Settle,
        Self::Final,
        Self::Advised,
        Self::Deferred,
    ];

    /// The reason behind a verdict; `None` for a code newer than this program.
    pub fn from_code(verdict: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|reason| *reason as u8 == verdict)
    }

    /// Whether the reading goes out.
    pub fn publishes(self) -> bool {
        self as u8 & PUBLISH != 0
    }

    /// The word used in answers, logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Repeat => "repeat",
            Self::Within => "within",
            Self::Late => "late",
            Self::Held => "held",
            Self::First => "first",
            Self::Changed => "changed",
            Self::Threshold => "threshold",
            Self::Availability => "availability",
            Self::NotFinite => "not-finite",
            Self::Crossing => "crossing",
            Self::Reset => "reset",
            Self::Heartbeat => "heartbeat",
            Self::Settle => "settle",
            Self::Final => "final",
            Self::Advised => "advised",
            Self::Deferred => "deferred",
        }
    }
}

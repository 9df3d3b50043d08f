//! What becomes of readings: verdicts with their reasons, what goes out, and how
//! many there were.

/// Why a reading was published or suppressed. The codes are those of the WIT
/// type `updates.verdict`; the high bit says publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// It repeats the baseline.
    Repeat = 0x00,
    /// It moved by less than the threshold.
    Within = 0x01,
    /// It is older than the newest reading of its series.
    Late = 0x02,
    /// Advice holds it back.
    Held = 0x03,
    /// First value of the series.
    First = 0x80,
    /// It changed, and no threshold applies.
    Changed = 0x81,
    /// It moved by the threshold or more; under a centred rule, by more.
    Threshold = 0x82,
    /// Unknown or unavailable began, or ended.
    Availability = 0x83,
    /// A value that is not finite began, or ended.
    NotFinite = 0x84,
    /// It crossed zero or a listed level.
    Crossing = 0x85,
    /// A total fell.
    Reset = 0x86,
    /// Nothing was published for `max_age`.
    Heartbeat = 0x87,
    /// The stream went quiet for `settle`.
    Settle = 0x88,
    /// It was the last value of a total before a fall or an absence, and had not
    /// left yet: suppressed, or merged with the reading that ended it.
    Final = 0x89,
    /// Advice has it published.
    Advised = 0x8a,
    /// Advice had put it off until now.
    Deferred = 0x8b,
}

impl Reason {
    /// Whether the reading goes out.
    pub fn publishes(self) -> bool {
        self as u8 & 0x80 != 0
    }
}

/// A value that is published for another reason than having just been reported.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Publication {
    /// The handle of its series.
    pub series: u32,
    /// Heartbeat, settled or deferred value, or last value of a total.
    pub reason: Reason,
    /// The value; `None` where it is no number, and the newest reading.
    pub number: Option<f64>,
}

/// Where published series go.
pub(crate) trait Outgoing {
    /// Takes a series that was published.
    fn publish(&mut self, handle: u32);

    /// Whether a value that a series published earlier may still wait there, to
    /// be merged with a newer one.
    fn waits(&self, handle: u32) -> bool;
}

/// What happened to readings since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UpdateTotals {
    /// Readings reported, late ones included.
    pub observed: u64,
    /// Published on being reported.
    pub published: u64,
    /// Published beside those: by time, and as last values of totals.
    pub timed: u64,
    /// Suppressed, late ones included.
    pub suppressed: u64,
    /// Dropped as older than the newest of their series.
    pub late: u64,
}

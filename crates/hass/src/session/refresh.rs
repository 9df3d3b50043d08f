//! When one class of registry is to be listed again.
//!
//! Integrations announce in bursts, so announcements are debounced from the first of a burst; one list at a time.

use std::time::Duration;

/// Wait before asking again for a list that was not answered in time: Home Assistant is busy, most likely starting.
pub(super) const RETRY_DELAY: Duration = Duration::from_mins(1);

/// The refresh state of one class.
#[derive(Debug, Default)]
pub(super) struct Refresh {
    due: Option<Duration>,
    in_flight: bool,
    /// Announced while a list was on its way, which may or may not contain the change.
    again: bool,
    unavailable: bool,
}

impl Refresh {
    /// A list was requested.
    pub(super) fn started(&mut self) {
        self.due = None;
        self.in_flight = true;
    }

    /// A change was announced; `due` is when to list unless that is planned already.
    ///
    /// Later announcements do not move the time, or a steady trickle would put the list off for ever. True for the
    /// first that makes the last list outdated.
    pub(super) fn announced(&mut self, due: Duration) -> bool {
        if self.unavailable {
            return false;
        }
        if self.in_flight {
            self.again = true;
            return false;
        }
        let first = self.due.is_none();
        self.due.get_or_insert(due);
        first
    }

    /// The list was answered, well or badly.
    pub(super) fn answered(&mut self, due_if_outdated: Duration) {
        self.in_flight = false;
        if std::mem::take(&mut self.again) {
            self.due = Some(due_if_outdated);
        }
    }

    /// The list was not answered in time.
    pub(super) fn retry(&mut self, due: Duration) {
        self.in_flight = false;
        self.again = false;
        self.due = Some(due);
    }

    /// This Home Assistant or this user will never list it.
    pub(super) fn give_up(&mut self) {
        *self = Self {
            unavailable: true,
            ..Self::default()
        };
    }

    /// When to list.
    pub(super) fn due(&self) -> Option<Duration> {
        self.due
    }
}

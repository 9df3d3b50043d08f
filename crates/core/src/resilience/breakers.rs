//! Many breakers, by name and by number.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;

use super::breaker::{Breaker, BreakerSettings, Outcome, Permit, Rejected, Status};
use crate::slots::Slots;
use crate::{Error, Now};

/// Most breakers at once: one for each thing that is called, not for each call.
const MOST_BREAKERS: usize = 1_000;

/// Longest name in bytes.
const LONGEST_NAME_BYTES: usize = 255;

#[derive(Debug, Clone)]
struct Named {
    name: String,
    breaker: Breaker,
}

/// All breakers. Nothing of them outlives a restart: a fresh host finds out for
/// itself what fails.
#[derive(Debug, Clone)]
pub struct Breakers {
    slots: Slots<Named>,
    numbers: BTreeMap<String, u32>,
    /// No released breaker gave out this permit or a later one, so that a call
    /// of one counts for none that has its number now.
    first_permit: Permit,
}

impl Default for Breakers {
    fn default() -> Self {
        Self {
            slots: Slots::new("breakers", MOST_BREAKERS),
            numbers: BTreeMap::new(),
            first_permit: 0,
        }
    }
}

impl Breakers {
    /// The number of the breaker of a name, made closed if there is none. The
    /// settings apply from here on; one that exists keeps its state.
    pub fn open(&mut self, name: &str, settings: BreakerSettings) -> Result<u32, Error> {
        if let Some(&number) = self.numbers.get(name) {
            self.slots.get_mut(number)?.breaker.configure(settings)?;
            return Ok(number);
        }
        if !(1..=LONGEST_NAME_BYTES).contains(&name.len()) {
            return Err(Error::InvalidArgument(format!(
                "the name of a breaker must be 1 to {LONGEST_NAME_BYTES} bytes, not {}",
                name.len()
            )));
        }
        let number = self.slots.insert(Named {
            name: name.to_owned(),
            breaker: Breaker::new(settings, self.first_permit)?,
        })?;
        self.numbers.insert(name.to_owned(), number);
        Ok(number)
    }

    /// Forgets a breaker; its number may be given to another.
    pub fn release(&mut self, number: u32) -> Result<(), Error> {
        let Named { name, breaker } = self.slots.remove(number)?;
        self.numbers.remove(&name);
        self.first_permit = self.first_permit.max(breaker.next_permit());
        Ok(())
    }

    /// Asks to make a call.
    pub fn admit(&mut self, now: Now, number: u32) -> Result<Result<Permit, Rejected>, Error> {
        Ok(self.of(number)?.admit(now.mono_us))
    }

    /// Tells how a call ended that was let through with this permit; gives what
    /// is known after it. An answer counts once and while the state in which
    /// its call began still lasts.
    pub fn report(
        &mut self,
        now: Now,
        number: u32,
        permit: Permit,
        outcome: Outcome,
    ) -> Result<Status, Error> {
        let breaker = self.of(number)?;
        breaker.report(now.mono_us, permit, outcome);
        Ok(breaker.status(now.mono_us))
    }

    /// Closes a breaker by hand; calls under way count no more.
    pub fn reset(&mut self, number: u32) -> Result<(), Error> {
        self.of(number)?.reset();
        Ok(())
    }

    /// What is known of a breaker.
    pub fn status(&mut self, now: Now, number: u32) -> Result<Status, Error> {
        Ok(self.of(number)?.status(now.mono_us))
    }

    /// Names and numbers of all breakers, by number.
    pub fn names(&self) -> impl Iterator<Item = (u32, &str)> {
        self.slots
            .iter()
            .map(|(number, named)| (number, named.name.as_str()))
    }

    fn of(&mut self, number: u32) -> Result<&mut Breaker, Error> {
        Ok(&mut self.slots.get_mut(number)?.breaker)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::super::State;
    use super::*;

    const SETTINGS: BreakerSettings = BreakerSettings {
        failures: 1,
        open_us: 1_000,
        successes: 1,
    };

    fn at(mono_us: u64) -> Now {
        Now {
            mono_us,
            dated_us: 0,
        }
    }

    #[test]
    fn a_name_keeps_its_number_and_its_state() {
        let mut breakers = Breakers::default();
        assert_eq!(breakers.open("weather", SETTINGS), Ok(0));
        assert_eq!(breakers.open("cars", SETTINGS), Ok(1));
        let permit = breakers.admit(at(0), 0).unwrap().unwrap();
        breakers.report(at(0), 0, permit, Outcome::Failure).unwrap();
        assert_eq!(breakers.open("weather", BreakerSettings::default()), Ok(0));
        assert_eq!(breakers.status(at(1), 0).unwrap().state, State::Open);
        assert_eq!(breakers.status(at(1), 1).unwrap().state, State::Closed);
        let names: Vec<_> = breakers.names().collect();
        assert_eq!(names, [(0, "weather"), (1, "cars")]);
    }

    #[test]
    fn a_call_of_a_released_breaker_counts_for_no_other() {
        let mut breakers = Breakers::default();
        breakers.open("old", SETTINGS).unwrap();
        let permit = breakers.admit(at(0), 0).unwrap().unwrap();
        breakers.release(0).unwrap();
        assert_eq!(breakers.status(at(0), 0), Err(Error::UnknownHandle(0)));
        assert_eq!(breakers.open("new", SETTINGS), Ok(0));
        let status = breakers.report(at(0), 0, permit, Outcome::Failure).unwrap();
        assert_eq!((status.state, status.failures), (State::Closed, 0));
    }

    #[test]
    fn nonsense_is_refused_and_changes_nothing() {
        let mut breakers = Breakers::default();
        assert!(breakers.open("", SETTINGS).is_err());
        assert!(breakers.open(&"n".repeat(256), SETTINGS).is_err());
        breakers.open("kept", SETTINGS).unwrap();
        for bad in [
            BreakerSettings {
                failures: 0,
                ..SETTINGS
            },
            BreakerSettings {
                successes: 0,
                ..SETTINGS
            },
            BreakerSettings {
                open_us: 0,
                ..SETTINGS
            },
            BreakerSettings {
                open_us: i64::MAX,
                ..SETTINGS
            },
        ] {
            assert!(breakers.open("kept", bad).is_err());
            assert!(breakers.open("other", bad).is_err());
        }
        assert_eq!(breakers.names().count(), 1);
        let permit = breakers.admit(at(0), 0).unwrap().unwrap();
        let status = breakers.report(at(0), 0, permit, Outcome::Failure).unwrap();
        assert_eq!(status.retry_in_us, Some(1_000), "the settings before stay");
        assert_eq!(breakers.admit(at(0), 9), Err(Error::UnknownHandle(9)));
        assert_eq!(breakers.reset(9), Err(Error::UnknownHandle(9)));
        assert_eq!(breakers.release(9), Err(Error::UnknownHandle(9)));
    }

    #[test]
    fn there_are_only_so_many() {
        let mut breakers = Breakers::default();
        for number in 0..MOST_BREAKERS {
            breakers.open(&format!("{number}"), SETTINGS).unwrap();
        }
        assert!(matches!(
            breakers.open("one more", SETTINGS),
            Err(Error::TooLarge(_))
        ));
        assert_eq!(breakers.open("7", SETTINGS), Ok(7));
        breakers.release(7).unwrap();
        assert_eq!(breakers.open("one more", SETTINGS), Ok(7));
    }
}

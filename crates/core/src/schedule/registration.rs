//! Registrations: an entity enters the schedule in one of three ways, and keeps
//! its place in the order and what was learned of it when it enters anew. One
//! that is in force already changes nothing, so that hosts may set up as often as
//! they like.

use alloc::borrow::ToOwned;
use alloc::format;

use super::bounds::Bounds;
use super::forecast::Forecast;
use super::planner::Member;
use super::volatility::Measured;
use super::{Entry, How, Rates, Schedule};
use crate::Error;
use crate::time::{Now, length};

/// Most entities of one group: its price is set in some hundredths of a second.
const MOST_MEMBERS: usize = 5_000;
/// Greatest weight of an entity.
const MOST_WEIGHT: f64 = 1_000.0;

/// What a new registration of an entity keeps of the one before.
struct Place {
    order: u64,
    listed: bool,
    seen_us: Option<u64>,
    rates: Rates,
}

impl Schedule {
    /// Sets the shortest interval that is taken from now on; 0 takes any.
    pub fn set_shortest(&mut self, interval_us: i64) -> Result<(), Error> {
        self.shortest_us = length("shortest interval", interval_us, true)?;
        Ok(())
    }

    /// Refreshes `entity` every `interval_us`, first one interval from now.
    pub fn register(&mut self, now: Now, entity: u32, interval_us: i64) -> Result<(), Error> {
        let interval_us = length("interval", interval_us, false)?;
        self.check_shortest("interval", interval_us)?;
        if let Some(How::Fixed {
            interval_us: of, ..
        }) = self.how(entity)
            && *of == interval_us
        {
            return Ok(());
        }
        let place = self.withdraw(entity);
        let how = How::Fixed {
            interval_us,
            due_us: now.mono_us + interval_us,
        };
        self.enter(entity, &place, how);
        Ok(())
    }

    /// Refreshes `entity` at an interval within bounds that follows how often it
    /// changes; gives the one it starts with, or has already, in microseconds.
    pub fn register_measured(
        &mut self,
        now: Now,
        entity: u32,
        bounds: Bounds,
    ) -> Result<u64, Error> {
        self.check_shortest("shortest interval", bounds.shortest_us())?;
        if let Some(How::Measured { interval, .. }) = self.how(entity)
            && interval.bounds() == bounds
        {
            return Ok(interval.interval_us());
        }
        let place = self.withdraw(entity);
        let interval = Measured::new(bounds, place.rates.measured);
        let starts_us = interval.interval_us();
        let how = How::Measured {
            interval,
            last_us: now.mono_us,
            due_us: now.mono_us + starts_us,
        };
        self.enter(entity, &place, how);
        Ok(starts_us)
    }

    /// Refreshes `entity` by the plan of a group. A source of twice the `weight`,
    /// over 0 and at most 1,000, is as bad to have stale as two.
    pub fn register_planned(
        &mut self,
        now: Now,
        entity: u32,
        group: &str,
        bounds: Bounds,
        weight: f64,
    ) -> Result<(), Error> {
        self.check_shortest("shortest interval", bounds.shortest_us())?;
        if !(weight > 0.0 && weight <= MOST_WEIGHT) {
            return Err(Error::InvalidArgument(format!(
                "weight must be over 0 and at most {MOST_WEIGHT}, not {weight}"
            )));
        }
        let Some(open) = self.groups.get(group) else {
            return Err(unknown_group(group));
        };
        let member = open.member(entity);
        if member.is_some_and(|member| member.has_terms(bounds, weight)) {
            return Ok(());
        }
        if open.size() >= MOST_MEMBERS && member.is_none() {
            return Err(Error::TooLarge(format!(
                "group `{group}` has {MOST_MEMBERS} entities, which is the most"
            )));
        }
        let place = self.withdraw(entity);
        let prior = 1e6 / bounds.middle_us() as f64;
        let forecast = Forecast::new(prior, place.rates.planned);
        if let Some(group) = self.groups.get_mut(group) {
            let member = Member::new(now, place.order, bounds, weight, &forecast, place.listed);
            group.add(now, entity, member);
        }
        self.enter(entity, &place, How::Planned(group.to_owned()));
        Ok(())
    }

    /// Ends the refreshes of an entity; says whether there were any.
    pub fn unregister(&mut self, entity: u32) -> bool {
        self.learned.remove(&entity);
        let Some(entry) = self.entries.remove(&entity) else {
            return false;
        };
        self.leave(entity, &entry);
        self.outbox.retain(|&other| other != entity);
        true
    }

    fn how(&self, entity: u32) -> Option<&How> {
        self.entries.get(&entity).map(|entry| &entry.how)
    }

    fn check_shortest(&self, name: &str, interval_us: u64) -> Result<(), Error> {
        if interval_us >= self.shortest_us {
            return Ok(());
        }
        Err(Error::InvalidArgument(format!(
            "{name} must be at least {} s, not {} s",
            self.shortest_us as f64 / 1e6,
            interval_us as f64 / 1e6
        )))
    }

    /// Takes an entity out, to be entered again: what is to be kept of the
    /// registration before, or the end of the order.
    fn withdraw(&mut self, entity: u32) -> Place {
        let before = self.learned.remove(&entity).unwrap_or_default();
        let Some(old) = self.entries.remove(&entity) else {
            self.registered += 1;
            return Place {
                order: self.registered,
                listed: false,
                seen_us: None,
                rates: before,
            };
        };
        let rates = self.learned_in_force(entity, &old).or(before);
        self.leave(entity, &old);
        Place {
            order: old.order,
            listed: old.listed,
            seen_us: old.seen_us,
            rates,
        }
    }

    fn enter(&mut self, entity: u32, place: &Place, how: How) {
        if let How::Fixed { due_us, .. } | How::Measured { due_us, .. } = &how {
            self.queue.insert((*due_us, place.order, entity));
        }
        // What this way does not go by waits until another one does.
        let rates = match &how {
            How::Fixed { .. } => place.rates,
            How::Measured { .. } => Rates {
                measured: None,
                ..place.rates
            },
            How::Planned(_) => Rates {
                planned: None,
                ..place.rates
            },
        };
        if rates != Rates::default() {
            self.learned.insert(entity, rates);
        }
        let entry = Entry {
            order: place.order,
            listed: place.listed,
            seen_us: place.seen_us,
            how,
        };
        self.entries.insert(entity, entry);
    }

    /// Takes an entity out of the queue or group it is in.
    fn leave(&mut self, entity: u32, entry: &Entry) {
        match &entry.how {
            How::Fixed { due_us, .. } | How::Measured { due_us, .. } => {
                self.queue.remove(&(*due_us, entry.order, entity));
            }
            How::Planned(name) => {
                if let Some(group) = self.groups.get_mut(name) {
                    group.remove(entity);
                }
            }
        }
    }
}

fn unknown_group(name: &str) -> Error {
    Error::InvalidArgument(format!("there is no group `{name}`; open it first"))
}

//! When to ask a source again.
//!
//! An entity is registered in one of three ways:
//!
//! - **fixed**: at an interval, declared as such or by class and volatility, on a
//!   grid that does not drift (`grid`);
//! - **measured**: at an interval within bounds that follows how often the source
//!   changes (`volatility`);
//! - **planned**: as member of a group with a budget of calls (`budget`,
//!   `account`), which is spent where it removes most staleness (`planner`,
//!   `forecast`, `staleness`).
//!
//! What is asked of them is in `registration` and `groups`. Here is what becomes
//! of it: what the calls found is told by [`Schedule::report`], and what is due is
//! listed by [`Schedule::tick`]. [`simulate()`] plays a day in advance. Calls
//! themselves are made by the host.

mod account;
mod bounds;
mod budget;
mod forecast;
mod grid;
mod groups;
mod planner;
mod registration;
mod section;
mod simulate;
mod staleness;
mod volatility;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::sort::sort;
use crate::time::Now;
use account::{Account, Spender};
use forecast::Learned;
use planner::{Call, Group};
use volatility::{Measured, Tally};

pub use bounds::Bounds;
pub use budget::{Budget, Night};
pub use forecast::BUCKETS;
pub use grid::{Class, Volatility, interval_us};
pub use groups::GroupStatus;
pub use simulate::{Day, GroupDay, Pace, Source, SourceDay, simulate};
pub use staleness::{fresh_share, mean_age};

const SECONDS_A_DAY: f64 = 86_400.0;

#[derive(Debug)]
struct Entry {
    /// Place in the order of registration.
    order: u64,
    /// Due already, and not polled yet.
    listed: bool,
    /// When an outcome was last reported.
    seen_us: Option<u64>,
    how: How,
}

#[derive(Debug)]
enum How {
    Fixed {
        interval_us: u64,
        due_us: u64,
    },
    Measured {
        interval: Measured,
        /// When it was last due, or registered.
        last_us: u64,
        due_us: u64,
    },
    /// In the group of this name, which knows the rest.
    Planned(String),
}

/// What was learned of an entity, by each policy.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Rates {
    measured: Option<Tally>,
    planned: Option<Learned>,
}

impl Rates {
    /// These, and where there are none, the others.
    fn or(self, others: Self) -> Self {
        Self {
            measured: self.measured.or(others.measured),
            planned: self.planned.or(others.planned),
        }
    }
}

/// Refreshes by entity.
#[derive(Debug, Default)]
pub struct Schedule {
    entries: BTreeMap<u32, Entry>,
    /// Those with an interval of their own, by time: due, order of
    /// registration, entity.
    queue: BTreeSet<(u64, u64, u32)>,
    groups: BTreeMap<String, Group>,
    registered: u64,
    /// The shortest interval that is taken.
    shortest_us: u64,
    outbox: Vec<u32>,
    /// What was learned of entities in ways that are not in force: in those they
    /// were registered in before, or all that a restore brought of those not
    /// registered yet.
    learned: BTreeMap<u32, Rates>,
    /// What groups that are not open spent: those that were closed, and those
    /// that a restore brought.
    spent: BTreeMap<String, Account>,
}

impl Schedule {
    /// Tells how often a planned entity changes, in changes a second for each
    /// eighth of the day in UTC, in place of what is learned; says whether it
    /// is planned.
    pub fn tell_rates(&mut self, now: Now, entity: u32, rates: [f64; BUCKETS]) -> bool {
        let Some(group) = self.group_of(entity) else {
            return false;
        };
        if let Some(member) = group.member_mut(entity) {
            member.forecast.tell(rates);
        }
        group.requeue(now, entity);
        true
    }

    /// The interval of an entity, in microseconds; that of a planned one changes
    /// with every call.
    pub fn interval_of(&self, entity: u32) -> Option<u64> {
        match &self.entries.get(&entity)?.how {
            How::Fixed { interval_us, .. } => Some(*interval_us),
            How::Measured { interval, .. } => Some(interval.interval_us()),
            How::Planned(group) => self.groups.get(group)?.interval_us(entity),
        }
    }

    /// When an entity is refreshed next; a planned one perhaps later, if others
    /// are worth more by then.
    pub fn next_of(&self, entity: u32) -> Option<u64> {
        match &self.entries.get(&entity)?.how {
            How::Fixed { due_us, .. } | How::Measured { due_us, .. } => Some(*due_us),
            How::Planned(group) => self.groups.get(group)?.next_us(entity),
        }
    }

    /// How often an entity changes, in changes a day, as far as that was learned;
    /// none where it is not measured.
    pub fn changes_per_day(&self, entity: u32) -> Option<f64> {
        let per_second = match &self.entries.get(&entity)?.how {
            How::Fixed { .. } => return None,
            How::Measured { interval, .. } => interval.rate(),
            How::Planned(group) => self.groups.get(group)?.member(entity)?.forecast.mean(),
        };
        Some(per_second * SECONDS_A_DAY)
    }

    /// Reports whether entities changed since the report before. The first
    /// report of an entity is what later ones are held against; those of fixed
    /// entities change nothing. Counts the entities whose interval moved.
    pub fn report(&mut self, now: Now, entities: &[u32], changed: &[bool]) -> Result<u32, Error> {
        if entities.len() != changed.len() {
            return Err(Error::InvalidArgument(format!(
                "changed must be as many as entities, which are {}, not {}",
                entities.len(),
                changed.len()
            )));
        }
        for entity in entities {
            self.check_registered(*entity)?;
        }
        let mut moved = 0;
        for (&entity, &changed) in entities.iter().zip(changed) {
            let before_us = self.interval_of(entity);
            self.report_one(now, entity, changed);
            moved += u32::from(self.interval_of(entity) != before_us);
        }
        Ok(moved)
    }

    fn report_one(&mut self, now: Now, entity: u32, changed: bool) {
        let Some(entry) = self.entries.get_mut(&entity) else {
            return;
        };
        let Some(seen_us) = entry.seen_us.replace(now.mono_us) else {
            return;
        };
        let elapsed_us = now.mono_us - seen_us;
        match &mut entry.how {
            How::Fixed { .. } => {}
            How::Measured {
                interval,
                last_us,
                due_us,
            } => {
                if !interval.observe(elapsed_us, changed) {
                    return;
                }
                self.queue.remove(&(*due_us, entry.order, entity));
                *due_us = grid::point_after(now.mono_us, *last_us, interval.interval_us());
                self.queue.insert((*due_us, entry.order, entity));
            }
            How::Planned(name) => {
                let Some(group) = self.groups.get_mut(name) else {
                    return;
                };
                if let Some(member) = group.member_mut(entity) {
                    member.forecast.observe(now.dated_us, elapsed_us, changed);
                }
                group.requeue(now, entity);
            }
        }
    }

    /// Asks to refresh an entity now, outside its turn. Where it is planned, that
    /// is one call of its group's budget, of the reserve only if `urgent`; the
    /// answer is none where it may be made, and otherwise the monotonic time from
    /// which on it may.
    pub fn ask(&mut self, now: Now, entity: u32, urgent: bool) -> Result<Option<u64>, Error> {
        self.check_registered(entity)?;
        let spender = if urgent {
            Spender::Urgent
        } else {
            Spender::Planned
        };
        let Some(group) = self.group_of(entity) else {
            return Ok(None);
        };
        Ok(group.ask(now, entity, spender).err())
    }

    /// When the next refresh is due, or a plan is made anew.
    pub fn deadline_us(&self) -> Option<u64> {
        let first = self.queue.first().map(|&(due_us, _, _)| due_us);
        let groups = self.groups.values().filter_map(Group::deadline_us);
        first.into_iter().chain(groups).min()
    }

    /// Lists what is due. After a long sleep an entity is listed once; a fixed one
    /// is next due at the next point of its grid, and a group makes one call.
    pub fn tick(&mut self, now: Now) {
        let mut calls: Vec<Call> = self
            .groups
            .values_mut()
            .filter_map(|group| group.tick(now))
            .collect();
        while let Some(&(due_us, order, entity)) = self.queue.first()
            && due_us <= now.mono_us
        {
            self.queue.pop_first();
            let Some(entry) = self.entries.get_mut(&entity) else {
                continue;
            };
            let (interval_us, next_us) = match &mut entry.how {
                How::Fixed {
                    interval_us,
                    due_us,
                } => (*interval_us, due_us),
                How::Measured {
                    interval,
                    last_us,
                    due_us,
                } => {
                    *last_us = *due_us;
                    (interval.interval_us(), due_us)
                }
                How::Planned(_) => continue,
            };
            *next_us = grid::point_after(now.mono_us, due_us, interval_us);
            self.queue.insert((*next_us, order, entity));
            calls.push(Call {
                due_us,
                order,
                entity,
            });
        }
        sort(&mut calls);
        for Call { entity, .. } in calls {
            if let Some(entry) = self.entries.get_mut(&entity)
                && !entry.listed
            {
                entry.listed = true;
                self.outbox.push(entity);
            }
        }
    }

    /// How many refreshes [`Schedule::poll`] would give.
    pub fn ready(&self) -> usize {
        self.outbox.len()
    }

    /// Takes the entities to refresh now, in the order in which they were due.
    pub fn poll(&mut self) -> Vec<u32> {
        let taken = core::mem::take(&mut self.outbox);
        for entity in &taken {
            let Some(entry) = self.entries.get_mut(entity) else {
                continue;
            };
            entry.listed = false;
            if let How::Planned(name) = &entry.how
                && let Some(group) = self.groups.get_mut(name)
            {
                group.taken(*entity);
            }
        }
        taken
    }

    fn check_registered(&self, entity: u32) -> Result<(), Error> {
        if self.entries.contains_key(&entity) {
            return Ok(());
        }
        Err(Error::InvalidArgument(format!(
            "entity {entity} is not registered for refreshes"
        )))
    }

    /// What the way that an entity is registered in has learned.
    fn learned_in_force(&self, entity: u32, entry: &Entry) -> Rates {
        match &entry.how {
            How::Fixed { .. } => Rates::default(),
            How::Measured { interval, .. } => Rates {
                measured: Some(interval.learned()),
                planned: None,
            },
            How::Planned(name) => {
                let group = self.groups.get(name);
                let member = group.and_then(|group| group.member(entity));
                Rates {
                    measured: None,
                    planned: member.map(|member| member.forecast.learned()),
                }
            }
        }
    }

    fn group_of(&mut self, entity: u32) -> Option<&mut Group> {
        match &self.entries.get(&entity)?.how {
            How::Planned(name) => self.groups.get_mut(name),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;

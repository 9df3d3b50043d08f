//! Groups of entities that share a budget: opened, closed, and what they have
//! spent.

use alloc::borrow::ToOwned;
use alloc::format;

use super::Schedule;
use super::account::{Account, Spender};
use super::budget::Budget;
use super::planner::Group;
use crate::Error;
use crate::time::Now;

/// Most groups.
pub(super) const MOST_GROUPS: usize = 1_000;
/// Longest name of a group, in bytes.
pub(super) const LONGEST_NAME: usize = 255;

/// What a group has spent and has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupStatus {
    /// Entities planned in it.
    pub members: u32,
    /// Calls of the last 60 s; 0 without a budget for the minute.
    pub last_minute: u32,
    /// Calls since the last reset, urgent ones included.
    pub today: u32,
    /// Of them, urgent ones.
    pub urgent_today: u32,
    /// What planned calls have left until the reset; none without a budget for
    /// the day.
    pub left_today: Option<u32>,
    /// What urgent calls have left until then, the reserve included.
    pub left_urgent: Option<u32>,
    /// The monotonic time of the next reset, in microseconds.
    pub resets_us: u64,
}

impl Schedule {
    /// Opens a group, or gives an open one another budget; what it spent stays
    /// spent.
    pub fn set_group(&mut self, now: Now, name: &str, budget: Budget) -> Result<(), Error> {
        budget.check()?;
        if name.is_empty() || name.len() > LONGEST_NAME {
            return Err(Error::InvalidArgument(format!(
                "the name of a group must have 1 to {LONGEST_NAME} bytes, not {}",
                name.len()
            )));
        }
        if let Some(group) = self.groups.get_mut(name) {
            group.set_budget(now, budget);
            return Ok(());
        }
        if self.groups.len() >= MOST_GROUPS {
            return Err(Error::TooLarge(format!(
                "{MOST_GROUPS} groups are open, which is the most; remove some first"
            )));
        }
        let spent = self.spent.remove(name);
        let account = spent.map_or_else(Account::default, |usage| Account::restore(now, &usage));
        let group = Group::new(now, budget, account);
        self.groups.insert(name.to_owned(), group);
        Ok(())
    }

    /// Closes a group and ends the refreshes of its members; says whether it was
    /// open.
    pub fn remove_group(&mut self, name: &str) -> bool {
        let Some(group) = self.groups.remove(name) else {
            return false;
        };
        for entity in group.entities() {
            self.entries.remove(&entity);
            self.learned.remove(&entity);
            self.outbox.retain(|&other| other != entity);
        }
        true
    }

    /// What a group has spent and has left.
    pub fn group_status(&mut self, now: Now, name: &str) -> Option<GroupStatus> {
        let group = self.groups.get_mut(name)?;
        group.settle(now);
        let (budget, account) = (group.budget(), group.account());
        Some(GroupStatus {
            members: group.size() as u32,
            last_minute: account.minute().all(),
            today: account.today().all(),
            urgent_today: account.today().urgent,
            left_today: account.left_today(budget, Spender::Planned),
            left_urgent: account.left_today(budget, Spender::Urgent),
            resets_us: account.resets_us(now, budget),
        })
    }
}

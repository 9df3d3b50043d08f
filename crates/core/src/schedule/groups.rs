//! Groups of entities that share a budget: opened, closed, and what they have
//! spent.

use alloc::borrow::ToOwned;
use alloc::format;

use super::Schedule;
use super::account::Spender;
use super::budget::Budget;
use super::planner::Group;
use crate::Error;
use crate::time::Now;

/// Most groups.
pub(super) const MOST_GROUPS: usize = 1_000;
/// Most accounts, those of groups that are not open included: what is kept of
/// names that came and went takes no more than what may be open.
pub(super) const MOST_ACCOUNTS: usize = 2 * MOST_GROUPS;
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
        let account = self.spent.remove(name).unwrap_or_default();
        self.spent.retain(|_, account| !account.is_over(now));
        let group = Group::new(now, budget, account);
        self.groups.insert(name.to_owned(), group);
        self.bound_accounts();
        Ok(())
    }

    /// Closes a group and ends the refreshes of its members; says whether it was
    /// open. What it spent stays spent until its day ends, for one of the same
    /// name.
    pub fn remove_group(&mut self, name: &str) -> bool {
        let Some(group) = self.groups.remove(name) else {
            return false;
        };
        for entity in group.entities() {
            self.entries.remove(&entity);
            self.learned.remove(&entity);
            self.outbox.retain(|&other| other != entity);
        }
        self.spent.insert(name.to_owned(), group.into_account());
        self.bound_accounts();
        true
    }

    /// Forgets accounts of groups that are not open where there are too many, of
    /// those that spent least first.
    fn bound_accounts(&mut self) {
        while self.groups.len() + self.spent.len() > MOST_ACCOUNTS {
            let spent = self.spent.iter();
            let least = spent.min_by_key(|(_, account)| account.today().all());
            let Some(name) = least.map(|(name, _)| name.clone()) else {
                return;
            };
            self.spent.remove(&name);
        }
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

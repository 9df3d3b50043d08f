//! The freshness planner: spends the budget of a group where it removes most
//! staleness.
//!
//! **The plan.** Every call has a price: a source is asked at the interval at
//! which one more call would remove just that much weighted age (see
//! `staleness`), along the rates of the day as they follow one another: what may
//! have changed before a source came to rest is still to be seen. The price is set so that the calls of all sources at all hours
//! until the reset add up to what is left of the day's budget, so calls move
//! from sources to sources and from hours to hours until none could do more
//! elsewhere; where the budget of a minute is tighter, the price of the hour is
//! raised until it is kept. It is set anew every hour, and after as many calls as
//! the group has sources.
//!
//! **Bounds.** No source is asked sooner than its shortest interval. The longest
//! is kept as far as the budget goes; where it does not, all longest intervals are
//! stretched by one factor.
//!
//! **Evenness.** Two planned calls of a group with a daily budget are never closer
//! than half the mean distance at which the rest of the budget lasts until the
//! reset, nor than half the mean distance of the whole budget. So a share `x` of
//! the day spends at most the share `1 − (1 − x)²`, and at noon a quarter is left.
//!
//! Here is the order of calls; a source is a `member`, and its `price` is found
//! beside it. The account itself is kept by `account`, the rates by `forecast`.

mod member;
mod price;

use alloc::collections::{BTreeMap, BTreeSet};
use core::cmp::Ordering;

use super::account::{Account, Spender};
use super::budget::Budget;
use super::forecast::{BUCKET_US, DAY_US};
use crate::time::Now;
use price::{Price, Pricing};

pub(super) use member::Member;

const HOUR_US: u64 = 3_600_000_000;

/// How many times the mean rate planned calls may reach.
const MOST_UNEVEN: u64 = 2;

/// Calls at least between two prices.
const FEWEST_CALLS_A_PRICE: u32 = 16;

/// A call that the plan makes now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Call {
    pub(super) due_us: u64,
    pub(super) order: u64,
    pub(super) entity: u32,
}

/// Sources that share a budget.
#[derive(Debug)]
pub(super) struct Group {
    budget: Budget,
    account: Account,
    members: BTreeMap<u32, Member>,
    /// Members by time: due, order of registration, entity.
    queue: BTreeSet<(u64, u64, u32)>,
    price: Price,
    pricing: Pricing,
    /// Calls since the price was set.
    calls: u32,
    /// When the price is set anew.
    reprice_us: u64,
    /// The earliest next planned call that keeps calls apart.
    apart_us: u64,
    /// The earliest next planned call that the account allows.
    free_us: u64,
}

impl Group {
    pub(super) fn new(now: Now, budget: Budget, account: Account) -> Self {
        let mut group = Self {
            budget,
            account,
            members: BTreeMap::new(),
            queue: BTreeSet::new(),
            price: Price::of(1.0),
            pricing: Pricing::default(),
            calls: 0,
            reprice_us: now.mono_us,
            apart_us: now.mono_us,
            free_us: now.mono_us,
        };
        group.start(now);
        group
    }

    /// Another budget from now on; what was spent stays spent.
    pub(super) fn set_budget(&mut self, now: Now, budget: Budget) {
        if self.budget == budget {
            return;
        }
        self.budget = budget;
        self.start(now);
    }

    fn start(&mut self, now: Now) {
        self.reprice_us = now.mono_us;
        self.settle(now);
        self.keep_apart(now);
    }

    /// Goes on from what was spent before a restart.
    pub(super) fn set_account(&mut self, now: Now, account: Account) {
        self.account = account;
        self.start(now);
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(super) fn account(&self) -> &Account {
        &self.account
    }

    pub(super) fn into_account(self) -> Account {
        self.account
    }

    pub(super) fn size(&self) -> usize {
        self.members.len()
    }

    pub(super) fn entities(&self) -> impl Iterator<Item = u32> {
        self.members.keys().copied()
    }

    pub(super) fn member_mut(&mut self, entity: u32) -> Option<&mut Member> {
        self.members.get_mut(&entity)
    }

    pub(super) fn member(&self, entity: u32) -> Option<&Member> {
        self.members.get(&entity)
    }

    /// Adds a member that is not in the group.
    pub(super) fn add(&mut self, now: Now, entity: u32, member: Member) {
        self.members.insert(entity, member);
        self.reprice_us = now.mono_us;
        self.requeue(now, entity);
    }

    pub(super) fn remove(&mut self, entity: u32) {
        if let Some(member) = self.members.remove(&entity) {
            self.queue.remove(&(member.due_us, member.order, entity));
            self.reprice_us = 0;
        }
    }

    /// The interval of a member now, if nothing is reported.
    pub(super) fn interval_us(&self, entity: u32) -> Option<u64> {
        let member = self.members.get(&entity)?;
        Some(member.due_us.saturating_sub(member.last_us))
    }

    /// When a member is asked next, if no other one is worth more by then.
    pub(super) fn next_us(&self, entity: u32) -> Option<u64> {
        let member = self.members.get(&entity)?;
        Some(member.due_us.max(self.apart_us).max(self.free_us))
    }

    /// When [`Group::tick`] next has something to do.
    pub(super) fn deadline_us(&self) -> Option<u64> {
        let &(due_us, _, _) = self.queue.first()?;
        Some(
            due_us
                .max(self.apart_us)
                .max(self.free_us)
                .min(self.reprice_us),
        )
    }

    /// Makes at most one call: that of the due member whose call is worth most,
    /// the first to be registered among equals.
    pub(super) fn tick(&mut self, now: Now) -> Option<Call> {
        self.settle(now);
        if now.mono_us >= self.reprice_us && !self.members.is_empty() {
            self.reprice(now);
        }
        let open_us = self.apart_us.max(self.free_us);
        if open_us > now.mono_us {
            return None;
        }
        let weight = self.budget.weight_at(now.dated_us);
        let mut best: Option<(f64, Call)> = None;
        let due = self.queue.range(..=(now.mono_us, u64::MAX, u32::MAX));
        for &(due_us, order, entity) in due {
            let Some(member) = self.members.get(&entity).filter(|member| !member.listed) else {
                continue;
            };
            let worth = member.worth(now, weight);
            let better = best.is_none_or(|(most, call)| match worth.total_cmp(&most) {
                Ordering::Greater => true,
                Ordering::Equal => order < call.order,
                Ordering::Less => false,
            });
            if better {
                let due_us = due_us.max(open_us);
                best = Some((
                    worth,
                    Call {
                        due_us,
                        order,
                        entity,
                    },
                ));
            }
        }
        let Some((_, call)) = best else {
            // All that are due were handed out and not taken: later, then.
            self.put_off(now);
            return None;
        };
        self.spend(now, call.entity, Spender::Planned);
        if let Some(member) = self.members.get_mut(&call.entity) {
            member.listed = true;
        }
        Some(call)
    }

    /// Members that are due while they are handed out wait another interval.
    fn put_off(&mut self, now: Now) {
        while let Some(&(due_us, _, entity)) = self.queue.first()
            && due_us <= now.mono_us
        {
            self.asked(now, entity);
        }
    }

    /// The member was taken, and may be handed out again.
    pub(super) fn taken(&mut self, entity: u32) {
        if let Some(member) = self.members.get_mut(&entity) {
            member.listed = false;
        }
    }

    /// Asks for one call outside the plan; `Err` has the time from which on it is
    /// allowed.
    pub(super) fn ask(&mut self, now: Now, entity: u32, spender: Spender) -> Result<(), u64> {
        self.settle(now);
        let free_us = self.account.free_us(now, &self.budget, spender);
        if free_us > now.mono_us {
            return Err(free_us);
        }
        self.spend(now, entity, spender);
        Ok(())
    }

    fn spend(&mut self, now: Now, entity: u32, spender: Spender) {
        self.account.take(now, &self.budget, spender);
        self.calls += 1;
        if self.calls >= FEWEST_CALLS_A_PRICE.max(self.members.len() as u32) {
            self.reprice_us = now.mono_us;
        }
        self.asked(now, entity);
        self.settle(now);
        self.keep_apart(now);
    }

    /// The member was asked now.
    fn asked(&mut self, now: Now, entity: u32) {
        if let Some(member) = self.members.get_mut(&entity) {
            member.last_us = now.mono_us;
        }
        self.requeue(now, entity);
    }

    /// The outcome of a call was learned, so that the next one may move.
    pub(super) fn requeue(&mut self, now: Now, entity: u32) {
        let Some(member) = self.members.get(&entity) else {
            return;
        };
        let due_us = self.due_us(now, member);
        self.queue.remove(&(member.due_us, member.order, entity));
        self.queue.insert((due_us, member.order, entity));
        if let Some(member) = self.members.get_mut(&entity) {
            member.due_us = due_us;
        }
    }

    /// When a member is due at the price and the rates of now.
    fn due_us(&self, now: Now, member: &Member) -> u64 {
        let weight = self.budget.weight_at(now.dated_us);
        let interval = member.wait(now, weight, self.price);
        // At least the shortest; the cast saturates.
        let interval_us = ((interval * 1e6) as u64).max(member.bounds.shortest_us());
        member.last_us.saturating_add(interval_us)
    }

    /// Brings the account up to now.
    pub(super) fn settle(&mut self, now: Now) {
        self.account.pass(now, &self.budget);
        self.free_us = self.account.free_us(now, &self.budget, Spender::Planned);
    }

    /// Keeps the next planned call away from one made now.
    fn keep_apart(&mut self, now: Now) {
        let Some(limit) = self.budget.planned_per_day() else {
            self.apart_us = now.mono_us;
            return;
        };
        let left = self.account.left_today(&self.budget, Spender::Planned);
        let left = u64::from(left.unwrap_or_default().max(1));
        let day_us = self.account.resets_us(now, &self.budget) - now.mono_us;
        let apart_us = (day_us / left).max(DAY_US.unsigned_abs() / u64::from(limit.max(1)));
        self.apart_us = now.mono_us.saturating_add((apart_us / MOST_UNEVEN).max(1));
    }

    /// Sets the price, and with it when each member is due.
    fn reprice(&mut self, now: Now) {
        let (budget, account) = (&self.budget, &self.account);
        self.price = self.pricing.price(now, &self.members, budget, account);
        self.calls = 0;
        let into_us = now.dated_us.rem_euclid(BUCKET_US).unsigned_abs() % HOUR_US;
        let hour_us = now.mono_us.saturating_add(HOUR_US - into_us);
        self.reprice_us = hour_us.min(self.account.resets_us(now, &self.budget));
        self.queue.clear();
        let mut members = core::mem::take(&mut self.members);
        for (entity, member) in &mut members {
            member.due_us = self.due_us(now, member);
            self.queue.insert((member.due_us, member.order, *entity));
        }
        self.members = members;
    }
}

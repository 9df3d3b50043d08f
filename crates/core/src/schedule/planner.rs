//! The freshness planner: spends the budget of a group where it removes most
//! staleness.
//!
//! **The plan.** Every call has a price: a source is asked at the interval at
//! which one more call would remove just that much weighted age (see
//! `staleness`). The price is set so that the calls of all sources at all hours
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
//! The account itself is kept by `budget`, the rates by `forecast`.

use alloc::collections::{BTreeMap, BTreeSet};
use core::cmp::Ordering;

use super::Bounds;
use super::budget::{Account, Budget, Spender};
use super::forecast::{BUCKET_US, BUCKETS, DAY_US, Forecast, bucket_of};
use super::staleness::{interval_at, worth_of_call};
use crate::time::Now;

const HOUR_US: u64 = 3_600_000_000;

/// How many times the mean rate planned calls may reach.
const MOST_UNEVEN: u64 = 2;

/// Logarithm of the highest and of minus the lowest price ever set, in s²: that
/// of one call in ten years and more.
const MOST_LN_PRICE: f64 = 45.0;
/// Steps of one solution, and the error of the logarithm of calls that ends it.
const MOST_STEPS: u32 = 24;
const CLOSE_ENOUGH: f64 = 0.005;
/// Calls at least between two prices.
const FEWEST_CALLS_A_PRICE: u32 = 16;

/// One source of a group.
#[derive(Debug)]
pub(super) struct Member {
    /// Place in the order of registration.
    order: u64,
    bounds: Bounds,
    weight: f64,
    pub(super) forecast: Forecast,
    /// When it was last asked, or registered.
    last_us: u64,
    due_us: u64,
    /// Handed out and not taken yet.
    listed: bool,
}

/// What a call costs, and how far longest intervals are stretched.
#[derive(Debug, Clone, Copy)]
struct Price {
    /// In s² of weighted age; infinite where even the longest intervals are more
    /// than the budget allows.
    price: f64,
    /// At least 1.
    stretch: f64,
}

impl Member {
    /// A member to be asked as if it had been just now.
    pub(super) fn new(
        now: Now,
        order: u64,
        bounds: Bounds,
        weight: f64,
        forecast: &Forecast,
        listed: bool,
    ) -> Self {
        Self {
            order,
            bounds,
            weight,
            forecast: *forecast,
            last_us: now.mono_us,
            due_us: now.mono_us,
            listed,
        }
    }

    /// The interval, in seconds, after an outcome.
    fn interval(&self, bucket: usize, changed: bool, weight: f64, price: Price) -> f64 {
        let rate = self.forecast.rate(bucket, changed);
        let shortest = self.bounds.shortest_us() as f64 / 1e6;
        let longest = self.bounds.longest_us() as f64 / 1e6 * price.stretch;
        interval_at(price.price, rate, self.weight * weight).clamp(shortest, longest)
    }

    /// Calls per second at a price, over the mix of outcomes that these calls
    /// would meet.
    fn calls(&self, bucket: usize, weight: f64, price: Price) -> f64 {
        let quiet = self.interval(bucket, false, weight, price);
        let restless = self.interval(bucket, true, weight, price);
        let finds =
            |changed, interval: f64| -libm::expm1(-self.forecast.rate(bucket, changed) * interval);
        let (begins, goes_on) = (finds(false, quiet), finds(true, restless));
        // The share of calls that find a change, in the long run.
        let share = begins / (begins + 1.0 - goes_on).max(1e-12);
        1.0 / (share * restless + (1.0 - share) * quiet)
    }

    /// What a call now removes, in s² of weighted age.
    fn worth(&self, now: Now, weight: f64) -> f64 {
        let rate = self
            .forecast
            .rate(bucket_of(now.dated_us), self.forecast.changed());
        if rate <= 0.0 {
            return 0.0;
        }
        let elapsed = now.mono_us.saturating_sub(self.last_us) as f64 / 1e6;
        self.weight * weight * worth_of_call(rate * elapsed) / (rate * rate)
    }
}

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
    /// The logarithm of the price, to start the next solution from.
    ln_price: f64,
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
            price: Price {
                price: 1.0,
                stretch: 1.0,
            },
            ln_price: 0.0,
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
        let bucket = bucket_of(now.dated_us);
        let weight = self.budget.weight_at(now.dated_us);
        let interval = member.interval(bucket, member.forecast.changed(), weight, self.price);
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
        let day_us = self.budget.resets_us(now) - now.mono_us;
        let apart_us = (day_us / left).max(DAY_US.unsigned_abs() / u64::from(limit.max(1)));
        self.apart_us = now.mono_us.saturating_add((apart_us / MOST_UNEVEN).max(1));
    }

    /// Sets the price, and with it when each member is due.
    fn reprice(&mut self, now: Now) {
        let here = Slice {
            bucket: bucket_of(now.dated_us),
            weight: self.budget.weight_at(now.dated_us),
            seconds: 1.0,
        };
        let mut price = Price {
            price: 0.0,
            stretch: 1.0,
        };
        if let Some(limit) = self.budget.planned_per_day() {
            let left = self.account.left_today(&self.budget, Spender::Planned);
            let until_us = self.budget.resets_us(now) - now.mono_us;
            // On a day that is cut short the rest is not to be spent in a rush.
            let even = f64::from(limit) * until_us as f64 / DAY_US as f64;
            let calls = f64::from(left.unwrap_or_default()).min(even * MOST_UNEVEN as f64);
            price = self.solve(&self.slices(now, until_us), calls);
            self.ln_price = ln_of(price).unwrap_or(self.ln_price);
        }
        if let Some(limit) = self.budget.planned_per_minute() {
            let calls = f64::from(limit) / 60.0;
            if self.calls_in(&[here], price) > calls {
                let dear = self.solve(&[here], calls);
                price = Price {
                    price: price.price.max(dear.price),
                    stretch: price.stretch.max(dear.stretch),
                };
                if self.budget.per_day.is_none() {
                    self.ln_price = ln_of(price).unwrap_or(self.ln_price);
                }
            }
        }
        self.price = price;
        self.calls = 0;
        let into_us = now.dated_us.rem_euclid(BUCKET_US).unsigned_abs() % HOUR_US;
        let hour_us = now.mono_us.saturating_add(HOUR_US - into_us);
        self.reprice_us = hour_us.min(self.budget.resets_us(now));
        self.queue.clear();
        let mut members = core::mem::take(&mut self.members);
        for (entity, member) in &mut members {
            member.due_us = self.due_us(now, member);
            self.queue.insert((member.due_us, member.order, *entity));
        }
        self.members = members;
    }

    /// The price at which the calls of all members in these spans come to `calls`.
    ///
    /// A call's worth rises with the square to the cube of the interval, so the
    /// logarithm of calls falls by 1/3 to 1/2 for each unit of that of the price,
    /// or by less where bounds hold; a step of twice the error closes in from
    /// one side.
    fn solve(&self, slices: &[Slice], calls: f64) -> Price {
        let at = |price| Price {
            price,
            stretch: 1.0,
        };
        let fewest = self.calls_in(slices, at(f64::INFINITY));
        if fewest >= calls {
            let stretch = if calls > 0.0 { fewest / calls } else { 1.0 };
            return Price {
                price: f64::INFINITY,
                stretch,
            };
        }
        if self.calls_in(slices, at(0.0)) <= calls {
            return at(0.0);
        }
        let mut ln_price = self.ln_price;
        for _ in 0..MOST_STEPS {
            let error = libm::log(self.calls_in(slices, at(libm::exp(ln_price))) / calls);
            if error.abs() < CLOSE_ENOUGH {
                break;
            }
            ln_price = (ln_price + 2.0 * error).clamp(-MOST_LN_PRICE, MOST_LN_PRICE);
        }
        at(libm::exp(ln_price))
    }

    /// Calls of all members in these spans, at a price.
    fn calls_in(&self, slices: &[Slice], price: Price) -> f64 {
        let members = self.members.values();
        members
            .flat_map(|member| {
                let slices = slices.iter().filter(|slice| slice.seconds > 0.0);
                slices.map(move |slice| {
                    slice.seconds * member.calls(slice.bucket, slice.weight, price)
                })
            })
            .sum()
    }

    /// The time from now on by bucket and by what staleness counts.
    fn slices(&self, now: Now, length_us: u64) -> [Slice; 2 * BUCKETS] {
        let night = self.budget.night.map_or(1.0, |night| night.weight);
        let mut slices = core::array::from_fn(|place| Slice {
            bucket: place % BUCKETS,
            weight: if place < BUCKETS { 1.0 } else { night },
            seconds: 0.0,
        });
        let mut from_us = 0;
        while from_us < length_us {
            let part_us = (length_us - from_us).min(HOUR_US / 2);
            let dated_us = now.dated_us.saturating_add_unsigned(from_us);
            let by_day = self.budget.weight_at(dated_us) >= 1.0;
            let place = bucket_of(dated_us) + if by_day { 0 } else { BUCKETS };
            if let Some(slice) = slices.get_mut(place) {
                slice.seconds += part_us as f64 / 1e6;
            }
            from_us += part_us;
        }
        slices
    }
}

/// The logarithm of a price at which some interval lies within its bounds.
fn ln_of(Price { price, .. }: Price) -> Option<f64> {
    (price > 0.0 && price.is_finite()).then(|| libm::log(price))
}

/// A span of the day in which rates and weights are taken as constant.
#[derive(Debug, Clone, Copy)]
struct Slice {
    bucket: usize,
    weight: f64,
    seconds: f64,
}

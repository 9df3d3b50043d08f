//! What a call costs, so that the calls of all members come to what the budget
//! allows.

use alloc::collections::BTreeMap;

use super::{HOUR_US, MOST_UNEVEN, Member};
use crate::schedule::account::{Account, Spender};
use crate::schedule::budget::Budget;
use crate::schedule::forecast::{BUCKETS, DAY_US, bucket_of};
use crate::time::Now;

/// Logarithm of the highest and of minus the lowest price ever set, in s²: that
/// of one call in ten years and more.
const MOST_LN_PRICE: f64 = 45.0;
/// Steps of one solution, and the error of the logarithm of calls that ends it.
const MOST_STEPS: u32 = 24;
const CLOSE_ENOUGH: f64 = 0.005;

/// What a call costs, and how far longest intervals are stretched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Price {
    /// In s² of weighted age; infinite where even the longest intervals are more
    /// than the budget allows.
    pub(super) price: f64,
    /// At least 1.
    pub(super) stretch: f64,
}

impl Price {
    /// A price at which no interval is stretched.
    pub(super) fn of(price: f64) -> Self {
        Self {
            price,
            stretch: 1.0,
        }
    }

    /// The higher price, and the longer intervals.
    fn max(self, other: Self) -> Self {
        Self {
            price: self.price.max(other.price),
            stretch: self.stretch.max(other.stretch),
        }
    }

    /// Its logarithm, where some interval lies within its bounds.
    fn ln(self) -> Option<f64> {
        (self.price > 0.0 && self.price.is_finite()).then(|| libm::log(self.price))
    }
}

/// A span of the day in which rates and weights are taken as constant.
#[derive(Debug, Clone, Copy)]
struct Slice {
    bucket: usize,
    weight: f64,
    seconds: f64,
}

/// Finds prices, each from the one before.
#[derive(Debug, Default)]
pub(super) struct Pricing {
    /// The logarithm of the price, to start the next solution from.
    ln_price: f64,
}

impl Pricing {
    /// The price of now: that of the rest of the day, or a higher one where the
    /// budget of a minute is tighter.
    pub(super) fn price(
        &mut self,
        now: Now,
        members: &BTreeMap<u32, Member>,
        budget: &Budget,
        account: &Account,
    ) -> Price {
        let mut price = Price::of(0.0);
        if let Some(limit) = budget.planned_per_day() {
            let left = account.left_today(budget, Spender::Planned);
            let until_us = account.resets_us(now, budget) - now.mono_us;
            // On a day that is cut short the rest is not to be spent in a rush.
            let even = f64::from(limit) * until_us as f64 / DAY_US as f64;
            let calls = f64::from(left.unwrap_or_default()).min(even * MOST_UNEVEN as f64);
            price = self.solve(members, &slices(budget, now, until_us), calls);
            self.ln_price = price.ln().unwrap_or(self.ln_price);
        }
        if let Some(limit) = budget.planned_per_minute() {
            let here = [Slice {
                bucket: bucket_of(now.dated_us),
                weight: budget.weight_at(now.dated_us),
                seconds: 1.0,
            }];
            let calls = f64::from(limit) / 60.0;
            if calls_in(members, &here, price) > calls {
                price = price.max(self.solve(members, &here, calls));
                if budget.per_day.is_none() {
                    self.ln_price = price.ln().unwrap_or(self.ln_price);
                }
            }
        }
        price
    }

    /// The price at which the calls of all members in these spans come to `calls`.
    ///
    /// A call's worth rises with the square to the cube of the interval, so the
    /// logarithm of calls falls by 1/3 to 1/2 for each unit of that of the price,
    /// or by less where bounds hold; a step of twice the error closes in from
    /// one side.
    fn solve(&self, members: &BTreeMap<u32, Member>, slices: &[Slice], calls: f64) -> Price {
        let fewest = calls_in(members, slices, Price::of(f64::INFINITY));
        if fewest >= calls {
            let stretch = if calls > 0.0 { fewest / calls } else { 1.0 };
            return Price {
                price: f64::INFINITY,
                stretch,
            };
        }
        if calls_in(members, slices, Price::of(0.0)) <= calls {
            return Price::of(0.0);
        }
        let mut ln_price = self.ln_price;
        for _ in 0..MOST_STEPS {
            let price = Price::of(libm::exp(ln_price));
            let error = libm::log(calls_in(members, slices, price) / calls);
            if error.abs() < CLOSE_ENOUGH {
                break;
            }
            ln_price = (ln_price + 2.0 * error).clamp(-MOST_LN_PRICE, MOST_LN_PRICE);
        }
        Price::of(libm::exp(ln_price))
    }
}

/// Calls of all members in these spans, at a price.
fn calls_in(members: &BTreeMap<u32, Member>, slices: &[Slice], price: Price) -> f64 {
    members
        .values()
        .flat_map(|member| {
            let slices = slices.iter().filter(|slice| slice.seconds > 0.0);
            slices.map(move |slice| slice.seconds * member.calls(slice.bucket, slice.weight, price))
        })
        .sum()
}

/// The time from now on by bucket and by what staleness counts.
fn slices(budget: &Budget, now: Now, length_us: u64) -> [Slice; 2 * BUCKETS] {
    let night = budget.night.map_or(1.0, |night| night.weight);
    let mut slices = core::array::from_fn(|place| Slice {
        bucket: place % BUCKETS,
        weight: if place < BUCKETS { 1.0 } else { night },
        seconds: 0.0,
    });
    let mut from_us = 0;
    while from_us < length_us {
        let part_us = (length_us - from_us).min(HOUR_US / 2);
        let dated_us = now.dated_us.saturating_add_unsigned(from_us);
        let by_day = budget.weight_at(dated_us) >= 1.0;
        let place = bucket_of(dated_us) + if by_day { 0 } else { BUCKETS };
        if let Some(slice) = slices.get_mut(place) {
            slice.seconds += part_us as f64 / 1e6;
        }
        from_us += part_us;
    }
    slices
}

//! Change rates and spent calls, carried over a restart.
//!
//! Registrations are settings and stay with the host. What is carried waits until
//! their entities and groups are registered again.

mod numbered_days;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::account::{Account, Usage};
use super::groups::{LONGEST_NAME, MOST_ACCOUNTS};
use super::volatility::Tally;
use super::{Rates, Schedule};
use crate::Now;
use crate::entities::Entities;
use crate::snapshot::{Former, Section, Tag};

/// Everything learned and spent.
#[derive(Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Content {
    /// Entities, ascending.
    rates: Vec<(u32, Rates)>,
    /// Groups by name.
    spent: Vec<(String, Usage)>,
}

impl Section for Schedule {
    const TAG: Tag = Tag::Schedule;

    const FORMER: Option<Former<Content>> = Some(Former {
        tag: Tag::NumberedDays,
        decode: numbered_days::decode,
    });

    type Content = Content;

    fn save(&self, now: Now) -> Content {
        let mut rates = self.learned.clone();
        for (entity, entry) in &self.entries {
            let learned = self.learned_in_force(*entity, entry);
            if learned != Rates::default() {
                let rates = rates.entry(*entity).or_default();
                *rates = learned.or(*rates);
            }
        }
        let closed = self
            .spent
            .iter()
            .filter(|(_, account)| !account.is_over(now));
        let open = self.groups.iter();
        let open = open.map(|(name, group)| (name, group.account()));
        let spent: BTreeMap<_, _> = closed.chain(open).collect();
        let spent = spent.into_iter();
        Content {
            rates: rates.into_iter().collect(),
            spent: spent
                .map(|(name, account)| (name.clone(), account.usage(now)))
                .collect(),
        }
    }

    fn verify(content: &Content, entities: &Entities) -> Result<(), &'static str> {
        let Content { rates, spent } = content;
        if !rates.is_sorted_by(|(one, _), (next, _)| one < next) {
            return Err("a rate is out of order");
        }
        for (entity, rates) in rates {
            if entities.check_state(*entity).is_err() {
                return Err("a rate belongs to no entity");
            }
            let measured = rates.measured.is_none_or(Tally::is_well_formed);
            let planned = rates.planned.is_none_or(|learned| learned.is_well_formed());
            if !(measured && planned) {
                return Err("a rate is out of range");
            }
        }
        if !spent.is_sorted_by(|(one, _), (next, _)| one < next) || spent.len() > MOST_ACCOUNTS {
            return Err("a group is out of order");
        }
        for (name, usage) in spent {
            if name.is_empty() || name.len() > LONGEST_NAME || !usage.is_well_formed() {
                return Err("what a group spent is out of range");
            }
        }
        Ok(())
    }

    fn load(&mut self, now: Now, content: Content) {
        self.learned.clear();
        self.learned.extend(content.rates);
        for (name, usage) in content.spent {
            let account = Account::restore(now, &usage);
            match self.groups.get_mut(&name) {
                Some(group) => group.set_account(now, account),
                None => {
                    self.spent.insert(name, account);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::Series;
    use crate::schedule::tests::{START_US, at, open, planned};
    use crate::schedule::{Bounds, Budget};
    use alloc::vec;

    fn entities() -> Entities {
        let mut entities = Entities::default();
        for entity in ["sensor.a", "sensor.b"] {
            entities.intern(&Series {
                entity: entity.into(),
                attribute: None,
            });
        }
        entities
    }

    #[test]
    fn rates_and_spent_calls_are_taken_up_where_they_were_left() {
        let mut before = Schedule::default();
        open(&mut before, "cloud", Some(2), Some(100));
        planned(&mut before, 0, "cloud");
        let bounds = Bounds::check(15_000_000, 3_600_000_000).unwrap();
        before.register_measured(at(0), 1, bounds).unwrap();
        for minute in 0..100 {
            let now = at(minute * 60_000_000);
            before.report(now, &[0, 1], &[true, true]).unwrap();
        }
        let end = at(6_000_000_000);
        assert_eq!(before.ask(end, 0, false), Ok(None));
        assert_eq!(before.ask(end, 0, false), Ok(None));
        let content = before.save(end);
        assert_eq!(Schedule::verify(&content, &entities()), Ok(()));

        // The next process begins its own monotonic time five seconds later.
        let mut after = Schedule::default();
        let now = Now {
            mono_us: 1_000_000,
            dated_us: START_US + 6_005_000_000,
        };
        after.load(now, content);
        let budget = before.groups.get("cloud").unwrap().budget();
        after.set_group(now, "cloud", *budget).unwrap();
        let middle = Bounds::check(15_000_000, 3_600_000_000).unwrap();
        after
            .register_planned(now, 0, "cloud", middle, 1.0)
            .unwrap();
        after.register_measured(now, 1, bounds).unwrap();
        for entity in [0, 1] {
            assert_eq!(
                after.changes_per_day(entity),
                before.changes_per_day(entity)
            );
        }
        assert!(after.interval_of(1) < Some(30_000_000));
        let status = after.group_status(now, "cloud").unwrap();
        assert_eq!((status.today, status.last_minute), (2, 2));
        // The minute's calls still count, at most until a minute after the start.
        let refused_until = after.ask(now, 0, false).unwrap().unwrap();
        assert!((55_000_000..=61_000_000).contains(&refused_until));
        assert_eq!(after.save(now).rates.len(), 2);
    }

    #[test]
    fn what_a_schedule_could_not_have_written_is_refused() {
        let rate = |entity, changes| {
            let measured = Some(Tally {
                changes,
                against: 1.0,
            });
            let rates = Rates {
                measured,
                planned: None,
            };
            (entity, rates)
        };
        let named = |name: &str| (name.into(), Usage::default());
        for (rates, spent, expected) in [
            (vec![rate(7, 1.0)], vec![], "no entity"),
            (vec![rate(0, f64::NAN)], vec![], "range"),
            (vec![rate(0, -1.0)], vec![], "range"),
            (vec![rate(1, 1.0), rate(0, 1.0)], vec![], "order"),
            (vec![], vec![named("")], "range"),
            (vec![], vec![named("b"), named("a")], "order"),
        ] {
            let refused = Schedule::verify(&Content { rates, spent }, &entities()).unwrap_err();
            assert!(refused.contains(expected), "{refused}");
        }
        let sound = Content {
            rates: vec![rate(0, 1.0), rate(1, 0.0)],
            spent: vec![named("a")],
        };
        assert_eq!(Schedule::verify(&sound, &entities()), Ok(()));
    }

    #[test]
    fn a_budget_of_another_day_is_whole_again() {
        let mut before = Schedule::default();
        open(&mut before, "cloud", None, Some(10));
        planned(&mut before, 0, "cloud");
        for _ in 0..10 {
            assert_eq!(before.ask(at(0), 0, true), Ok(None));
        }
        let content = before.save(at(0));
        let mut after = Schedule::default();
        let budget: Budget = *before.groups.get("cloud").unwrap().budget();
        let next_day = at(86_400_000_000);
        after.load(next_day, content);
        after.set_group(next_day, "cloud", budget).unwrap();
        let status = after.group_status(next_day, "cloud").unwrap();
        assert_eq!(status.left_today, Some(10));
    }
}

//! When to ask a source again.

use weirhouse_core::schedule;

use crate::wit::exports::weirhouse::core::schedule::{
    Bounds, Budget, Class, Error, GroupStatus, Guest, Instant, Pace, SimulatedDay, Source,
    Volatility,
};
use crate::{Component, with};

impl Guest for Component {
    fn set_shortest(interval: i64) -> Result<(), Error> {
        Ok(with(|optimizer| optimizer.schedule.set_shortest(interval))?)
    }

    fn register(now: Instant, entity: u32, interval: i64) -> Result<(), Error> {
        Ok(with(|optimizer| {
            optimizer.register(now.into(), entity, interval)
        })?)
    }

    fn register_class(
        now: Instant,
        entity: u32,
        class: Class,
        volatility: Volatility,
    ) -> Result<i64, Error> {
        let class = match class {
            Class::Gps => schedule::Class::Gps,
            Class::Walk => schedule::Class::Walk,
            Class::Feeding => schedule::Class::Feeding,
            Class::Health => schedule::Class::Health,
            Class::Weather => schedule::Class::Weather,
            Class::Other => schedule::Class::Other,
        };
        let volatility = match volatility {
            Volatility::High => schedule::Volatility::High,
            Volatility::Medium => schedule::Volatility::Medium,
            Volatility::Low => schedule::Volatility::Low,
        };
        let interval_us =
            with(|optimizer| optimizer.register_class(now.into(), entity, class, volatility))?;
        Ok(interval_us.cast_signed())
    }

    fn register_measured(now: Instant, entity: u32, bounds: Bounds) -> Result<i64, Error> {
        let bounds = bounds.check()?;
        let interval_us =
            with(|optimizer| optimizer.register_measured(now.into(), entity, bounds))?;
        Ok(interval_us.cast_signed())
    }

    fn register_planned(
        now: Instant,
        entity: u32,
        group: String,
        bounds: Bounds,
        weight: f64,
    ) -> Result<(), Error> {
        let bounds = bounds.check()?;
        Ok(with(|optimizer| {
            optimizer.register_planned(now.into(), entity, &group, bounds, weight)
        })?)
    }

    fn set_group(now: Instant, name: String, budget: Budget) -> Result<(), Error> {
        Ok(with(|optimizer| {
            optimizer.try_at(now.into(), |optimizer, now| {
                optimizer.schedule.set_group(now, &name, budget.into())
            })
        })?)
    }

    fn remove_group(name: String) -> bool {
        with(|optimizer| optimizer.schedule.remove_group(&name))
    }

    fn status_of_group(now: Instant, name: String) -> Option<GroupStatus> {
        let status = with(|optimizer| {
            let now = optimizer.moment(now.into());
            optimizer.schedule.group_status(now, &name)
        })?;
        Some(GroupStatus {
            members: status.members,
            last_minute: status.last_minute,
            today: status.today,
            urgent_today: status.urgent_today,
            left_today: status.left_today,
            left_urgent: status.left_urgent,
            resets: status.resets_us,
        })
    }

    fn report(now: Instant, entities: Vec<u32>, changed: Vec<bool>) -> Result<u32, Error> {
        Ok(with(|optimizer| {
            optimizer.try_at(now.into(), |optimizer, now| {
                optimizer.schedule.report(now, &entities, &changed)
            })
        })?)
    }

    fn ask(now: Instant, entity: u32, urgent: bool) -> Result<Option<u64>, Error> {
        Ok(with(|optimizer| {
            optimizer.try_at(now.into(), |optimizer, now| {
                optimizer.schedule.ask(now, entity, urgent)
            })
        })?)
    }

    fn unregister(entity: u32) -> bool {
        with(|optimizer| optimizer.schedule.unregister(entity))
    }

    fn interval_of(entity: u32) -> Option<i64> {
        with(|optimizer| optimizer.schedule.interval_of(entity)).map(u64::cast_signed)
    }

    fn next_of(entity: u32) -> Option<u64> {
        with(|optimizer| optimizer.schedule.next_of(entity))
    }

    fn changes_per_day(entity: u32) -> Option<f64> {
        with(|optimizer| optimizer.schedule.changes_per_day(entity))
    }

    fn poll_refresh() -> Vec<u32> {
        with(|optimizer| optimizer.schedule.poll())
    }

    fn simulate(
        now: Instant,
        groups: Vec<(String, Budget)>,
        sources: Vec<Source>,
    ) -> Result<SimulatedDay, Error> {
        let groups: Vec<_> = groups
            .into_iter()
            .map(|(name, budget)| (name, budget.into()))
            .collect();
        let sources = sources
            .into_iter()
            .map(Source::check)
            .collect::<Result<Vec<_>, _>>()?;
        let day = with(|optimizer| {
            optimizer.try_at(now.into(), |_, now| {
                schedule::simulate(now.dated_us, &groups, &sources)
            })
        })?;
        let sources = day.sources.iter();
        Ok(SimulatedDay {
            calls: sources.clone().map(|source| source.calls).collect(),
            mean_age: sources.clone().map(|source| source.mean_age_us).collect(),
            fresh: sources.map(|source| source.fresh).collect(),
            by_hour: day
                .groups
                .iter()
                .map(|group| group.hours.to_vec())
                .collect(),
        })
    }
}

impl Bounds {
    fn check(self) -> Result<schedule::Bounds, weirhouse_core::Error> {
        schedule::Bounds::check(self.shortest, self.longest)
    }
}

impl From<Budget> for schedule::Budget {
    fn from(budget: Budget) -> Self {
        Self {
            per_minute: budget.per_minute,
            per_day: budget.per_day,
            reserve: budget.reserve,
            reset_minute: budget.reset_minute,
            night: budget.night.map(|night| schedule::Night {
                from_minute: night.from_minute,
                to_minute: night.to_minute,
                weight: night.weight,
            }),
        }
    }
}

impl Source {
    fn check(self) -> Result<schedule::Source, weirhouse_core::Error> {
        let pace = match self.pace {
            Pace::Fixed(interval) => schedule::Pace::Fixed(interval),
            Pace::Measured(bounds) => schedule::Pace::Measured(bounds.check()?),
            Pace::Planned(membership) => schedule::Pace::Planned {
                group: membership.group,
                bounds: membership.bounds.check()?,
                weight: membership.weight,
            },
        };
        Ok(schedule::Source {
            pace,
            changes_per_day: self.changes_per_day,
        })
    }
}

//! When to ask a source again.

use weirhouse_core as core;
use weirhouse_core::schedule as native;
use weirhouse_runner::operations::Schedule;
use weirhouse_runner::wit::schedule::{
    Bounds, Budget, Class, GroupStatus, Pace, SimulatedDay, Source, Volatility,
};
use weirhouse_runner::wit::types::Instant;

use super::{Answer, Native, instant, refused};

impl Native {
    fn schedule<T>(
        &mut self,
        now: Instant,
        call: impl FnOnce(&mut native::Schedule, core::Now) -> Result<T, core::Error>,
    ) -> Answer<T> {
        let answer = self.0.try_at(instant(now), |optimizer, now| {
            call(&mut optimizer.schedule, now)
        });
        answer.map_err(refused)
    }
}

impl Schedule for Native {
    fn set_shortest_interval(&mut self, interval: i64) -> Answer<()> {
        self.0.schedule.set_shortest(interval).map_err(refused)
    }

    fn register(&mut self, now: Instant, entity: u32, interval: i64) -> Answer<()> {
        self.0
            .register(instant(now), entity, interval)
            .map_err(refused)
    }

    fn register_class(
        &mut self,
        now: Instant,
        entity: u32,
        class: Class,
        volatility: Volatility,
    ) -> Answer<i64> {
        let class = match class {
            Class::Gps => native::Class::Gps,
            Class::Walk => native::Class::Walk,
            Class::Feeding => native::Class::Feeding,
            Class::Health => native::Class::Health,
            Class::Weather => native::Class::Weather,
            Class::Other => native::Class::Other,
        };
        let volatility = match volatility {
            Volatility::High => native::Volatility::High,
            Volatility::Medium => native::Volatility::Medium,
            Volatility::Low => native::Volatility::Low,
        };
        let interval = self
            .0
            .register_class(instant(now), entity, class, volatility);
        interval.map(u64::cast_signed).map_err(refused)
    }

    fn register_measured(&mut self, now: Instant, entity: u32, limits: Bounds) -> Answer<i64> {
        let limits = bounds(limits)?;
        let interval = self.0.register_measured(instant(now), entity, limits);
        interval.map(u64::cast_signed).map_err(refused)
    }

    fn register_planned(
        &mut self,
        now: Instant,
        entity: u32,
        group: &str,
        limits: Bounds,
        weight: f64,
    ) -> Answer<()> {
        let limits = bounds(limits)?;
        self.0
            .register_planned(instant(now), entity, group, limits, weight)
            .map_err(refused)
    }

    fn set_group(&mut self, now: Instant, name: &str, settings: Budget) -> Answer<()> {
        self.schedule(now, |schedule, now| {
            schedule.set_group(now, name, budget(settings))
        })
    }

    fn remove_group(&mut self, name: &str) -> Answer<bool> {
        Ok(self.0.schedule.remove_group(name))
    }

    fn status_of_group(&mut self, now: Instant, name: &str) -> Answer<Option<GroupStatus>> {
        let now = self.0.moment(instant(now));
        let status = self.0.schedule.group_status(now, name);
        Ok(status.map(|status| GroupStatus {
            members: status.members,
            last_minute: status.last_minute,
            today: status.today,
            urgent_today: status.urgent_today,
            left_today: status.left_today,
            left_urgent: status.left_urgent,
            resets: status.resets_us,
        }))
    }

    fn report(&mut self, now: Instant, entities: &[u32], changed: &[bool]) -> Answer<u32> {
        self.schedule(now, |schedule, now| schedule.report(now, entities, changed))
    }

    fn ask(&mut self, now: Instant, entity: u32, urgent: bool) -> Answer<Option<u64>> {
        self.schedule(now, |schedule, now| schedule.ask(now, entity, urgent))
    }

    fn unregister(&mut self, entity: u32) -> Answer<bool> {
        Ok(self.0.schedule.unregister(entity))
    }

    fn interval_of(&mut self, entity: u32) -> Answer<Option<i64>> {
        let interval = self.0.schedule.interval_of(entity);
        Ok(interval.map(u64::cast_signed))
    }

    fn next_of(&mut self, entity: u32) -> Answer<Option<u64>> {
        Ok(self.0.schedule.next_of(entity))
    }

    fn changes_per_day(&mut self, entity: u32) -> Answer<Option<f64>> {
        Ok(self.0.schedule.changes_per_day(entity))
    }

    fn poll_refresh(&mut self) -> Answer<Vec<u32>> {
        Ok(self.0.schedule.poll())
    }

    fn simulate(
        &mut self,
        now: Instant,
        groups: &[(String, Budget)],
        sources: &[Source],
    ) -> Answer<SimulatedDay> {
        let groups: Vec<_> = groups
            .iter()
            .map(|(name, settings)| (name.clone(), budget(*settings)))
            .collect();
        let sources = sources.iter().map(source).collect::<Answer<Vec<_>>>()?;
        let day = self.0.try_at(instant(now), |_, now| {
            native::simulate(now.dated_us, &groups, &sources)
        });
        let day = day.map_err(refused)?;
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

fn bounds(bounds: Bounds) -> Answer<native::Bounds> {
    native::Bounds::check(bounds.shortest, bounds.longest).map_err(refused)
}

fn budget(budget: Budget) -> native::Budget {
    native::Budget {
        per_minute: budget.per_minute,
        per_day: budget.per_day,
        reserve: budget.reserve,
        reset_minute: budget.reset_minute,
        night: budget.night.map(|night| native::Night {
            from_minute: night.from_minute,
            to_minute: night.to_minute,
            weight: night.weight,
        }),
    }
}

fn source(source: &Source) -> Answer<native::Source> {
    let pace = match &source.pace {
        Pace::Fixed(interval) => native::Pace::Fixed(*interval),
        Pace::Measured(limits) => native::Pace::Measured(bounds(*limits)?),
        Pace::Planned(membership) => native::Pace::Planned {
            group: membership.group.clone(),
            bounds: bounds(membership.bounds)?,
            weight: membership.weight,
        },
    };
    Ok(native::Source {
        pace,
        changes_per_day: source.changes_per_day.clone(),
    })
}

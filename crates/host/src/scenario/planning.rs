//! Groups with budgets, what refreshes found, and a day in advance.

use serde::{Deserialize, Serialize};
use weirhouse_runner::wit::schedule::{
    Bounds, Budget, GroupStatus, Membership, Night, Pace, Source,
};

use super::arguments::Entity;
use super::micros::Micros;
use super::output::{Number, Outcome, Problem, answer, ok};
use super::session::Session;
use super::settings::whole;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    name: String,
    per_minute: Option<i64>,
    per_day: Option<i64>,
    #[serde(default)]
    reserve: f64,
    /// Minutes after midnight UTC.
    #[serde(default)]
    reset: i64,
    night: Option<NightHours>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct NightHours {
    /// Minutes after midnight UTC.
    from: i64,
    to: i64,
    weight: f64,
}

impl Group {
    fn budget(&self) -> Result<Budget, Problem> {
        let calls = |name, calls: Option<i64>| calls.map(|calls| whole(name, calls)).transpose();
        Ok(Budget {
            per_minute: calls("per_minute", self.per_minute)?,
            per_day: calls("per_day", self.per_day)?,
            reserve: self.reserve,
            reset_minute: whole("reset", self.reset)?,
            night: match self.night {
                Some(night) => Some(Night {
                    from_minute: whole("from", night.from)?,
                    to_minute: whole("to", night.to)?,
                    weight: night.weight,
                }),
                None => None,
            },
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupName {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seen {
    entity: String,
    changed: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    entity: String,
    #[serde(default)]
    urgent: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Simulate {
    #[serde(default)]
    groups: Vec<Group>,
    sources: Vec<Simulated>,
}

/// A source with either an `interval`, or bounds and perhaps a group.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Simulated {
    interval: Option<Micros>,
    shortest: Option<Micros>,
    longest: Option<Micros>,
    group: Option<String>,
    weight: Option<f64>,
    /// A day: one figure, or one for each eighth of it.
    changes: Vec<f64>,
}

impl Simulated {
    fn source(self) -> Result<Source, Problem> {
        let pace = match (self.interval, self.shortest, self.longest) {
            (Some(Micros(interval)), None, None) => Pace::Fixed(interval),
            (None, Some(shortest), Some(longest)) => {
                let bounds = bounds(shortest, longest);
                match self.group {
                    Some(group) => Pace::Planned(Membership {
                        group,
                        bounds,
                        weight: self.weight.unwrap_or(1.0),
                    }),
                    None => Pace::Measured(bounds),
                }
            }
            _ => {
                return Err(Problem::invalid(
                    "a source has either `interval`, or `shortest` and `longest`",
                ));
            }
        };
        Ok(Source {
            pace,
            changes_per_day: self.changes,
        })
    }
}

pub(super) fn bounds(shortest: Micros, longest: Micros) -> Bounds {
    Bounds {
        shortest: shortest.0,
        longest: longest.0,
    }
}

/// What `seen` answers, and a part of what `next` does.
#[derive(Serialize)]
struct Paced {
    interval: Option<Micros>,
}

#[derive(Serialize)]
struct Outlook {
    interval: Option<Micros>,
    next: Option<Micros>,
    /// A day, to a tenth.
    changes: Option<Number>,
}

#[derive(Serialize)]
struct Later {
    from: Micros,
}

#[derive(Serialize)]
struct Status {
    members: u32,
    minute: u32,
    today: u32,
    urgent: u32,
    left: Option<u32>,
    left_urgent: Option<u32>,
    resets: Micros,
}

#[derive(Serialize)]
struct SimulatedDay {
    sources: Vec<SourceDay>,
    groups: Vec<Vec<u32>>,
}

#[derive(Serialize)]
struct SourceDay {
    calls: u32,
    mean_age: Micros,
    /// To a thousandth.
    fresh: Number,
}

impl Session<'_> {
    pub(super) fn group(&mut self, arguments: Group) -> Outcome {
        let now = self.now();
        self.optimizer
            .set_group(now, &arguments.name, arguments.budget()?)?;
        self.groups.retain(|known| known.name != arguments.name);
        self.groups.push(arguments);
        ok()
    }

    /// Opens the groups of the host again.
    pub(super) fn reopen_groups(&mut self) -> Result<(), Problem> {
        let now = self.now();
        for group in &self.groups {
            self.optimizer
                .set_group(now, &group.name, group.budget()?)?;
        }
        Ok(())
    }

    pub(super) fn group_stats(&mut self, arguments: &GroupName) -> Outcome {
        let now = self.now();
        let status = self.optimizer.status_of_group(now, &arguments.name)?;
        answer(&status.map(|status: GroupStatus| Status {
            members: status.members,
            minute: status.last_minute,
            today: status.today,
            urgent: status.urgent_today,
            left: status.left_today,
            left_urgent: status.left_urgent,
            resets: Micros(status.resets.cast_signed()),
        }))
    }

    pub(super) fn seen(&mut self, arguments: &Seen) -> Outcome {
        let handle = self.known(&arguments.entity)?;
        let now = self.now();
        self.optimizer
            .report(now, &[handle], &[arguments.changed])?;
        let interval = self.optimizer.interval_of(handle)?.map(Micros);
        answer(&Paced { interval })
    }

    pub(super) fn ask(&mut self, arguments: &Ask) -> Outcome {
        let handle = self.known(&arguments.entity)?;
        let now = self.now();
        match self.optimizer.ask(now, handle, arguments.urgent)? {
            Some(from) => answer(&Later {
                from: Micros(from.cast_signed()),
            }),
            None => answer(&true),
        }
    }

    pub(super) fn next(&mut self, arguments: &Entity) -> Outcome {
        let handle = self.known(&arguments.entity)?;
        let changes = self.optimizer.changes_per_day(handle)?;
        answer(&Outlook {
            interval: self.optimizer.interval_of(handle)?.map(Micros),
            next: self
                .optimizer
                .next_of(handle)?
                .map(|next| Micros(next.cast_signed())),
            changes: changes.map(|changes| Number((changes * 10.0).round() / 10.0)),
        })
    }

    pub(super) fn simulate(&mut self, arguments: Simulate) -> Outcome {
        let groups = arguments
            .groups
            .iter()
            .map(|group| Ok((group.name.clone(), group.budget()?)))
            .collect::<Result<Vec<_>, Problem>>()?;
        let sources = arguments
            .sources
            .into_iter()
            .map(Simulated::source)
            .collect::<Result<Vec<_>, _>>()?;
        let now = self.now();
        let day = self.optimizer.simulate(now, &groups, &sources)?;
        let columns = day.calls.iter().zip(&day.mean_age).zip(&day.fresh);
        answer(&SimulatedDay {
            sources: columns
                .map(|((&calls, &mean_age), &fresh)| SourceDay {
                    calls,
                    mean_age: Micros(mean_age.round() as i64),
                    fresh: Number((fresh * 1000.0).round() / 1000.0),
                })
                .collect(),
            groups: day.by_hour,
        })
    }

    fn known(&self, entity: &str) -> Result<u32, Problem> {
        self.series
            .entity(entity)
            .ok_or_else(|| Problem::invalid(format!("`{entity}` was never named before")))
    }
}

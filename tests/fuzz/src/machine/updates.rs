//! Series, readings, batches, deliveries and refreshes.

use weirhouse_core::batch::{self, Adaptive};
use weirhouse_core::delivery::{Failure, SinkSettings};
use weirhouse_core::filter::{Filter, Mode};
use weirhouse_core::rule::{Combine, Publishing, RuleSettings};
use weirhouse_core::schedule::{
    self, Bounds, Class, Night, Pace, Source, Volatility, fresh_share, mean_age,
};
use weirhouse_core::selection::{Conditions, Selection};
use weirhouse_core::{Facts, Opinions, Override, Series};

use super::{Machine, Outcome, pick};
use crate::argument::{handles, names};
use crate::operation::{Batching, Budget, Delivery, Entities, Rule, Schedule, Updates};

impl Machine {
    pub(super) fn entities(&mut self, call: &Entities) -> Outcome {
        let optimizer = &mut self.optimizer;
        match call {
            Entities::Intern(list) => {
                let series: Vec<_> = list
                    .iter()
                    .map(|(entity, attribute)| Series {
                        entity: entity.0.as_str().into(),
                        attribute: attribute.as_ref().map(|name| name.0.as_str().into()),
                    })
                    .collect();
                let numbers = optimizer.intern(&series)?;
                assert_eq!(optimizer.names(&numbers)?, series);
            }
            Entities::Release(list) => {
                optimizer.release(&handles(list))?;
            }
            Entities::Names(list) => {
                optimizer.names(&handles(list))?;
            }
            Entities::Describe(entity, device_class, state_class) => {
                let facts = Facts {
                    device_class: device_class.as_ref().map(|name| name.0.clone()),
                    unit: None,
                    state_class: state_class.as_ref().map(|name| name.0.clone()),
                };
                optimizer.describe(entity.0, &facts)?;
            }
            Entities::Filter(include, patterns, exceptions, name) => {
                let mode = if *include {
                    Mode::Include
                } else {
                    Mode::Exclude
                };
                Filter::parse(mode, &names(patterns), &names(exceptions))?.keeps(&name.0);
            }
            Entities::Select(rules, entity, device_class) => {
                let rules = rules.iter().map(|(entities, device_classes)| Conditions {
                    entities: names(entities),
                    device_classes: names(device_classes),
                    ..Conditions::default()
                });
                let rules: Vec<_> = rules.collect();
                let count = rules.len();
                let series = Series {
                    entity: entity.0.as_str().into(),
                    attribute: None,
                };
                let device_class = device_class.as_ref().map(|name| name.0.as_str());
                let first = Selection::parse(rules)?.first(&series, device_class);
                assert!(first.is_none_or(|place| (place as usize) < count));
            }
        }
        Ok(())
    }

    pub(super) fn updates(&mut self, call: &Updates) -> Outcome {
        let clock = self.clock;
        let optimizer = &mut self.optimizer;
        match call {
            Updates::DefaultRule(rule) => optimizer.set_default_rule(&settings(rule))?,
            Updates::SetRule(series, rule) => {
                optimizer.set_rule(&handles(series), rule.as_ref().map(settings).as_ref())?;
            }
            Updates::RuleOf(series) => {
                optimizer.rule_of(series.0)?;
            }
            Updates::UsePresets(enabled) => optimizer.use_presets(*enabled),
            Updates::SetLearning(enabled) => optimizer.set_learning(*enabled),
            Updates::Proposals(series) => {
                optimizer.proposals(&handles(series))?;
            }
            Updates::Reset(series) => {
                optimizer.reset(&handles(series))?;
            }
            Updates::Numbers(readings, times) => {
                let (series, values): (Vec<_>, Vec<_>) = readings
                    .iter()
                    .map(|(series, value)| (series.0, value.0))
                    .unzip();
                let reasons = optimizer.observe_numbers(clock, &series, &values, times)?;
                assert_eq!(reasons.len(), series.len());
            }
            Updates::Run(series, start, moves) => {
                let mut value = start.0;
                for &by in moves {
                    value += f64::from(by) / 10.0;
                    optimizer.observe_numbers(clock, &[series.0], &[value], &[])?;
                }
            }
            Updates::Texts(readings, times) => {
                let series: Vec<_> = readings.iter().map(|(series, _)| series.0).collect();
                let text: String = readings.iter().map(|(_, text)| text.0.as_str()).collect();
                let lengths: Vec<_> = readings
                    .iter()
                    .map(|(_, text)| text.0.len() as u32)
                    .collect();
                let reasons = optimizer.observe_texts(clock, &series, &text, &lengths, times)?;
                assert_eq!(reasons.len(), series.len());
            }
            Updates::Pieces(series, text, lengths) => {
                let lengths: Vec<_> = lengths.iter().copied().map(u32::from).collect();
                optimizer.observe_texts(clock, &handles(series), &text.0, &lengths, &[])?;
            }
            Updates::With(series, text, time, absolute, percentage) => {
                let thresholds = Override {
                    absolute: absolute.map(|number| number.0),
                    percentage: percentage.map(|number| number.0),
                };
                optimizer.observe_with(clock, series.0, &text.0, *time, thresholds)?;
            }
            Updates::Advised(readings) => {
                let series: Vec<_> = readings.iter().map(|it| it.0.0).collect();
                let text: String = readings.iter().map(|it| it.1.0.as_str()).collect();
                let lengths: Vec<_> = readings.iter().map(|it| it.1.0.len() as u32).collect();
                let codes: Vec<_> = readings.iter().map(|it| it.2 % 6).collect();
                let numbers: Vec<_> = readings.iter().map(|it| it.3.0).collect();
                let delays_us: Vec<_> = readings.iter().map(|it| it.4).collect();
                let opinions = Opinions {
                    codes: &codes,
                    numbers: &numbers,
                    delays_us: &delays_us,
                };
                let reasons =
                    optimizer.observe_advised(clock, &series, &text, &lengths, &opinions)?;
                assert_eq!(reasons.len(), series.len());
            }
            Updates::Published(series) => {
                optimizer.published_numbers(&handles(series))?;
                optimizer.poll_published();
            }
        }
        Ok(())
    }

    pub(super) fn batching(&mut self, call: &Batching) -> Outcome {
        let clock = self.clock;
        let optimizer = &mut self.optimizer;
        match call {
            Batching::Configure {
                window,
                max,
                flush_on_full,
                capacity,
                drop_new,
                adaptive,
            } => optimizer.set_batching(batch::Batching {
                window_us: window.0,
                max: max.0,
                flush_on_full: *flush_on_full,
                capacity: capacity.0,
                overflow: if *drop_new {
                    batch::Overflow::DropNew
                } else {
                    batch::Overflow::DropOldest
                },
                adaptive: adaptive.map(|(from, to, max_from, max_to, target)| Adaptive {
                    window_from_us: from.0,
                    window_to_us: to.0,
                    max_from: max_from.0,
                    max_to: max_to.0,
                    target_latency_us: target.0,
                }),
            })?,
            Batching::MarkDirty(entities) => optimizer.mark_dirty(clock, &handles(entities))?,
            Batching::DropPending(entities) => {
                optimizer.drop_pending(&handles(entities))?;
            }
            Batching::Poll => {
                optimizer.poll_batch();
            }
        }
        Ok(())
    }

    pub(super) fn delivery(&mut self, call: &Delivery) -> Outcome {
        let clock = self.clock;
        let known = |which: Option<(crate::argument::Handle, u8)>| match which {
            Some((sink, number)) => (sink.0, u64::from(number)),
            None => pick(&self.deliveries, 0).unwrap_or((0, 0)),
        };
        match call {
            Delivery::Register(name, max, capacity, attempts, first, cap) => {
                let settings = SinkSettings {
                    max: max.0,
                    capacity: capacity.0,
                    attempts: attempts.map(|count| count.0),
                    retry_first_us: first.0,
                    retry_cap_us: cap.0,
                };
                self.optimizer.delivery.register(&name.0, settings)?;
            }
            Delivery::Unregister(sink) => self.optimizer.delivery.unregister(sink.0)?,
            Delivery::Poll => {
                let next = self.optimizer.delivery.poll();
                self.deliveries
                    .extend(next.map(|delivery| (delivery.sink, delivery.number)));
            }
            Delivery::Succeeded(which, latency) => {
                let (sink, number) = known(*which);
                self.optimizer
                    .delivery_succeeded(clock, sink, number, latency.0)?;
            }
            Delivery::Failed(which, permanent) => {
                let (sink, number) = known(*which);
                let failure = if *permanent {
                    Failure::Permanent
                } else {
                    Failure::Temporary
                };
                self.optimizer
                    .delivery_failed(clock, sink, number, failure)?;
            }
        }
        Ok(())
    }

    pub(super) fn schedule(&mut self, call: &Schedule) -> Outcome {
        let (clock, now) = (self.clock, self.now());
        let optimizer = &mut self.optimizer;
        match call {
            Schedule::SetShortest(interval) => optimizer.schedule.set_shortest(interval.0)?,
            Schedule::Register(entity, interval) => {
                optimizer.register(clock, entity.0, interval.0)?;
            }
            Schedule::RegisterClass(entity, class, volatility) => {
                let class = [
                    Class::Gps,
                    Class::Walk,
                    Class::Feeding,
                    Class::Health,
                    Class::Weather,
                    Class::Other,
                ][usize::from(class % 6)];
                let volatility = [Volatility::High, Volatility::Medium, Volatility::Low]
                    [usize::from(volatility % 3)];
                optimizer.register_class(clock, entity.0, class, volatility)?;
            }
            Schedule::RegisterMeasured(entity, shortest, longest) => {
                let bounds = Bounds::check(shortest.0, longest.0)?;
                optimizer.register_measured(clock, entity.0, bounds)?;
            }
            Schedule::RegisterPlanned(entity, group, shortest, longest, weight) => {
                let bounds = Bounds::check(shortest.0, longest.0)?;
                optimizer.register_planned(clock, entity.0, &group.0, bounds, weight.0)?;
            }
            Schedule::SetGroup(name, settings) => {
                optimizer
                    .schedule
                    .set_group(now, &name.0, budget(settings))?;
            }
            Schedule::RemoveGroup(name) => {
                optimizer.schedule.remove_group(&name.0);
            }
            Schedule::GroupStatus(name) => {
                optimizer.schedule.group_status(now, &name.0);
            }
            Schedule::Report(list) => {
                let (entities, changed): (Vec<_>, Vec<_>) = list
                    .iter()
                    .map(|(entity, changed)| (entity.0, *changed))
                    .unzip();
                optimizer.schedule.report(now, &entities, &changed)?;
            }
            Schedule::Ask(entity, urgent) => {
                optimizer.schedule.ask(now, entity.0, *urgent)?;
            }
            Schedule::TellRates(entity, rates) => {
                // Rates are told by the simulation alone, which checks them.
                let rates = rates.map(|rate| rate.0);
                if rates.iter().all(|rate| (0.0..=1000.0).contains(rate)) {
                    optimizer.schedule.tell_rates(now, entity.0, rates);
                    fresh_share(rates[0], rates[1].max(0.001));
                    mean_age(rates[0], rates[1].max(0.001));
                }
            }
            Schedule::Unregister(entity) => {
                optimizer.schedule.unregister(entity.0);
                optimizer.schedule.interval_of(entity.0);
                optimizer.schedule.next_of(entity.0);
                optimizer.schedule.changes_per_day(entity.0);
            }
            Schedule::Poll => {
                optimizer.schedule.poll();
            }
            Schedule::Simulate(settings, longest, changes) => {
                let bounds = Bounds::check(60_000_000, longest.0)?;
                let groups = [("a".to_owned(), budget(settings))];
                // Few enough calls that many simulations fit into a second.
                let small = settings.per_day.is_some_and(|calls| calls.0 < 300);
                if small && longest.0 >= 3_600_000_000 {
                    let pace = Pace::Planned {
                        group: "a".to_owned(),
                        bounds,
                        weight: 1.0,
                    };
                    let source = Source {
                        pace,
                        changes_per_day: vec![changes.0],
                    };
                    schedule::simulate(now.dated_us, &groups, &[source])?;
                }
            }
        }
        Ok(())
    }
}

fn settings(rule: &Rule) -> RuleSettings {
    RuleSettings {
        absolute: rule.absolute.map(|number| number.0),
        percentage: rule.percentage.map(|number| number.0),
        combine: if rule.any { Combine::Any } else { Combine::All },
        max_age_us: rule.max_age.map(|length| length.0),
        settle_us: rule.settle.map(|length| length.0),
        publishing: if rule.centred {
            Publishing::Centred
        } else {
            Publishing::Exact
        },
        zero_crossing: rule.zero_crossing,
        levels: rule.levels.iter().map(|level| level.0).collect(),
        total: rule.total,
        learn: rule.learn,
    }
}

fn budget(settings: &Budget) -> schedule::Budget {
    schedule::Budget {
        per_minute: settings.per_minute.map(|count| count.0),
        per_day: settings.per_day.map(|count| count.0),
        reserve: settings.reserve.0,
        reset_minute: u32::from(settings.reset_minute),
        night: settings.night.map(|(from, to, weight)| Night {
            from_minute: u32::from(from),
            to_minute: u32::from(to),
            weight: weight.0,
        }),
    }
}

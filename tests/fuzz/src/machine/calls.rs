//! Gates and queues, breakers and retries, context and metrics.

use weirhouse_core::batch::Overflow;
use weirhouse_core::context::{Offers, Request, SectionBudget};
use weirhouse_core::flow::{
    CallBatchSettings, DebounceSettings, GateSettings, QueueSettings, ThrottleSettings,
};
use weirhouse_core::metrics::{Key, Kind, Samples, Settings};
use weirhouse_core::resilience::{BreakerSettings, Failure, Outcome as CallOutcome};
use weirhouse_core::resilience::{Retry, RetrySettings};

use super::{Machine, Outcome, pick};
use crate::argument::{handles, names};
use crate::operation::{Context, Flow, Gate, Metrics, Resilience};

impl Machine {
    pub(super) fn flow(&mut self, call: &Flow) -> Outcome {
        let now = self.now();
        let (gates, queues) = (&mut self.optimizer.gates, &mut self.optimizer.queues);
        match call {
            Flow::OpenGate(settings) => {
                gates.open(gate(settings))?;
            }
            Flow::ConfigureGate(number, settings) => gates.configure(number.0, gate(settings))?,
            Flow::CloseGate(number) => {
                gates.close(number.0)?;
            }
            Flow::Call(number, keys, items) => {
                gates.call(now, number.0, &wide(keys), &wide(items))?;
            }
            Flow::Waiting(number) => {
                gates.waiting(number.0)?;
            }
            Flow::PollGates => {
                gates.poll();
            }
            Flow::OpenQueue(capacity, drop_new) => {
                queues.open(queue(capacity.0, *drop_new))?;
            }
            Flow::ConfigureQueue(number, capacity, drop_new) => {
                queues.configure(number.0, queue(capacity.0, *drop_new))?;
            }
            Flow::CloseQueue(number) => {
                queues.close(number.0)?;
            }
            Flow::Push(number, keys, items) => {
                queues.push(number.0, &wide(keys), &wide(items))?;
            }
            Flow::Take(number, most) => {
                queues.take(number.0, most.0)?;
            }
            Flow::Items(number) => {
                let items = queues.items(number.0)?;
                let totals = queues.totals(number.0)?;
                assert!(items.len() as u64 <= totals.pushed);
            }
        }
        Ok(())
    }

    pub(super) fn resilience(&mut self, call: &Resilience) -> Outcome {
        let now = self.now();
        let breakers = &mut self.optimizer.breakers;
        match call {
            Resilience::Open(name, failures, open, successes) => {
                let settings = BreakerSettings {
                    failures: failures.0,
                    open_us: open.0,
                    successes: successes.0,
                };
                breakers.open(&name.0, settings)?;
            }
            Resilience::Release(number) => breakers.release(number.0)?,
            Resilience::Admit(number) => {
                let permit = breakers.admit(now, number.0)?;
                self.permits.extend(permit.ok());
            }
            Resilience::Report(number, back, outcome) => {
                let permit = pick(&self.permits, *back).unwrap_or_default();
                let outcome = [
                    CallOutcome::Success,
                    CallOutcome::Failure,
                    CallOutcome::Excluded,
                    CallOutcome::Cancelled,
                ][usize::from(outcome % 4)];
                breakers.report(now, number.0, permit, outcome)?;
            }
            Resilience::Reset(number) => breakers.reset(number.0)?,
            Resilience::Status(number) => {
                breakers.status(now, number.0)?;
            }
            Resilience::Retry(attempts, initial, base, cap, jitter, seed) => {
                let retry = Retry::check(RetrySettings {
                    attempts: attempts.0,
                    initial_us: initial.0,
                    base: base.0,
                    cap_us: cap.0,
                    jitter: jitter.0,
                })?;
                for delay_us in retry.first_us(attempts.0, Some(*seed))? {
                    assert!(delay_us <= cap.0.unsigned_abs());
                }
                retry.wait_us(Failure::Timeout, attempts.0, *seed)?;
            }
            Resilience::Wait(retry_after, code, attempt, seed) => {
                let failure = Failure::Status {
                    code: *code,
                    retry_after_us: retry_after.map(|length| length.0),
                };
                let retry = Retry::check(RetrySettings::default())?;
                retry.wait_us(failure, u32::from(*attempt), u64::from(seed.0))?;
            }
        }
        Ok(())
    }

    pub(super) fn context(&mut self, call: &Context) -> Outcome {
        let (clock, now) = (self.clock, self.now());
        let optimizer = &mut self.optimizer;
        match call {
            Context::Offer(lines) => {
                let column = |of: fn(&(_, u8, u8, u8, _)) -> u32| -> Vec<u32> {
                    lines.iter().map(of).collect()
                };
                let entities = handles(&lines.iter().map(|line| line.0).collect::<Vec<_>>());
                let digests: Vec<_> = lines.iter().map(|line| u64::from(line.1)).collect();
                let importance: Vec<_> = lines.iter().map(|line| line.4.0).collect();
                let ages: Vec<_> = lines.iter().map(|line| i64::from(line.3) - 1).collect();
                let offers = Offers {
                    form: u32::from(lines.len() > 2),
                    entities: &entities,
                    digests: &digests,
                    sections: &column(|line| u32::from(line.2 % 4)),
                    areas: &column(|line| u32::from(line.3 % 4)),
                    importance: &importance,
                    ages_us: &ages,
                };
                optimizer.offer_lines(clock, &offers)?;
            }
            Context::Count(counts) => {
                let (entities, tokens): (Vec<_>, Vec<_>) = counts
                    .iter()
                    .map(|(entity, count)| (entity.0, count.0))
                    .unzip();
                optimizer
                    .context
                    .count(u32::from(counts.len() > 2), &entities, &tokens)?;
            }
            Context::Withdraw(entities) => {
                optimizer.context.withdraw(&handles(entities));
            }
            Context::Select {
                most,
                frame,
                sections,
                areas,
                keep,
                half_life,
            } => {
                let sections = sections
                    .iter()
                    .map(|&(section, most, heading)| SectionBudget {
                        section: u32::from(section % 4),
                        most: most.0,
                        heading: heading.0,
                    });
                let request = Request {
                    form: u32::from(keep.len() > 2),
                    most: most.0,
                    frame: frame.0,
                    sections: sections.collect(),
                    areas: areas.iter().map(|area| u32::from(area % 4)).collect(),
                    keep: handles(keep),
                    half_life_us: half_life.0,
                };
                let selection = optimizer.context.select(now, &request)?;
                assert!(selection.lines.is_empty() || selection.tokens <= most.0);
            }
        }
        Ok(())
    }

    pub(super) fn metrics(&mut self, call: &Metrics) -> Outcome {
        let now = self.now();
        let metrics = &mut self.optimizer.metrics;
        match call {
            Metrics::Configure(enabled, names, slow, list, interval, points, histories, window) => {
                metrics.configure(Settings {
                    enabled: *enabled,
                    names: names.0,
                    slow_over_us: slow.0,
                    slow_list: list.0,
                    history_interval_us: interval.0,
                    history_points: points.0,
                    history_metrics: histories.0,
                    window_us: window.map(|length| length.0),
                })?;
            }
            Metrics::Intern(of, name, tags) => {
                let tags = tags
                    .iter()
                    .map(|(tag, value)| (tag.0.clone(), value.0.clone()));
                let key = Key::new(name.0.clone(), tags.collect())?;
                metrics.intern(kind(*of), &[key]);
            }
            Metrics::Samples(samples, failed, requests) => {
                let (timers, micros): (Vec<_>, Vec<_>) = samples
                    .iter()
                    .map(|(timer, value)| (timer.0, value.0))
                    .unzip();
                metrics.record_samples(
                    now,
                    Samples {
                        metrics: &timers,
                        micros: &micros,
                        failed,
                        requests: &names(requests),
                    },
                )?;
            }
            Metrics::Counts(counts) => {
                let (counters, amounts): (Vec<_>, Vec<_>) =
                    counts.iter().map(|(counter, by)| (counter.0, *by)).unzip();
                metrics.add_counts(now, &counters, &amounts)?;
            }
            Metrics::Gauges(values) => {
                let (gauges, values): (Vec<_>, Vec<_>) = values
                    .iter()
                    .map(|(gauge, value)| (gauge.0, value.0))
                    .unzip();
                metrics.set_gauges(now, &gauges, &values)?;
            }
            Metrics::AtMost(timer, bounds) => {
                let bounds: Vec<_> = bounds.iter().map(|bound| bound.0).collect();
                metrics.at_most(timer.0, &bounds)?;
            }
            Metrics::Read => {
                metrics.summaries();
                metrics.counters();
                metrics.gauges();
                metrics.overview();
                metrics.slow_operations();
            }
            Metrics::History(of, name) => {
                let key = Key::new(name.0.clone(), Vec::new())?;
                metrics.summary_of(&key);
                metrics.recent(now, &key);
                metrics.history_of(now, kind(*of), &key);
            }
            Metrics::Reset => metrics.reset(),
        }
        Ok(())
    }
}

fn kind(number: u8) -> Kind {
    [Kind::Timer, Kind::Counter, Kind::Gauge][usize::from(number % 3)]
}

/// Keys and items out of few, so that they meet again.
fn wide(list: &[u8]) -> Vec<u64> {
    list.iter().map(|&number| u64::from(number % 8)).collect()
}

fn gate(gate: &Gate) -> GateSettings {
    match gate {
        Gate::Debounce(wait, max_wait, leading, trailing) => {
            GateSettings::Debounce(DebounceSettings {
                wait_us: wait.0,
                max_wait_us: max_wait.map(|length| length.0),
                leading: *leading,
                trailing: *trailing,
            })
        }
        Gate::Throttle(rate) => GateSettings::Throttle(ThrottleSettings { rate_per_s: rate.0 }),
        Gate::CallBatch(size, wait) => GateSettings::CallBatch(CallBatchSettings {
            size: size.0,
            wait_us: wait.0,
        }),
    }
}

fn queue(capacity: u32, drop_new: bool) -> QueueSettings {
    QueueSettings {
        capacity,
        overflow: if drop_new {
            Overflow::DropNew
        } else {
            Overflow::DropOldest
        },
    }
}

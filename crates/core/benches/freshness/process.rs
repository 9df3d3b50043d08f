//! Sources that change: when, drawn from a fixed seed.

use weirhouse_core::schedule::BUCKETS;

/// Seconds in a day.
pub(crate) const DAY: f64 = 86_400.0;

/// `SplitMix64`: small, and the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Evenly from 0 up to 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Evenly on a scale of ratios.
    fn between(&mut self, least: f64, most: f64) -> f64 {
        least * libm::pow(most / least, self.unit())
    }

    /// The time to the next event of a Poisson process.
    fn wait(&mut self, mean: f64) -> f64 {
        -mean * libm::log(1.0 - self.unit())
    }
}

/// How a source changes. Times are means, in seconds.
#[derive(Clone, Copy)]
enum Kind {
    /// At one rate.
    Steady { apart: f64 },
    /// In bursts, and never between them.
    Bursty { quiet: f64, burst: f64, apart: f64 },
    /// By day as given, from 22 to 7 o'clock a twentieth of that.
    Daily { apart: f64 },
}

/// What the rate of [`Kind::Daily`] is by night.
const NIGHT: f64 = 0.05;

fn is_night(second: f64) -> bool {
    let hour = (second % DAY) / 3600.0;
    !(7.0..22.0).contains(&hour)
}

/// One source.
pub(crate) struct Source {
    /// When it changes, in seconds, ascending.
    pub(crate) changes: Vec<f64>,
    /// Its true rate in the long run, per second, in each eighth of the day.
    pub(crate) rates: [f64; BUCKETS],
}

impl Source {
    /// Changes per second over the day.
    pub(crate) fn mean_rate(&self) -> f64 {
        self.rates.iter().sum::<f64>() / BUCKETS as f64
    }

    fn draw(random: &mut Random, kind: Kind, until: f64) -> Self {
        let mut changes = Vec::new();
        let mut now = 0.0;
        let rates = match kind {
            Kind::Steady { apart } => {
                while now < until {
                    now += random.wait(apart);
                    changes.push(now);
                }
                [1.0 / apart; BUCKETS]
            }
            Kind::Bursty {
                quiet,
                burst,
                apart,
            } => {
                while now < until {
                    now += random.wait(quiet);
                    let end = now + random.wait(burst);
                    while now < end {
                        changes.push(now);
                        now += random.wait(apart);
                    }
                    now = end;
                }
                [(1.0 + burst / apart) / (quiet + burst); BUCKETS]
            }
            Kind::Daily { apart } => {
                while now < until {
                    now += random.wait(apart);
                    if !is_night(now) || random.unit() < NIGHT {
                        changes.push(now);
                    }
                }
                // Over each part of the day, minute by minute.
                let minutes = 24 * 60 / BUCKETS;
                core::array::from_fn(|part| {
                    let night = (0..minutes)
                        .filter(|minute| is_night((part * minutes + minute) as f64 * 60.0))
                        .count() as f64
                        / minutes as f64;
                    (1.0 - night + night * NIGHT) / apart
                })
            }
        };
        changes.retain(|change| *change < until);
        Self { changes, rates }
    }
}

/// A home's sources under one name.
pub(crate) struct Home {
    pub(crate) name: &'static str,
    pub(crate) sources: Vec<Source>,
}

/// The processes that are compared, `size` sources each over `days`.
pub(crate) fn homes(size: usize, days: u32) -> Vec<Home> {
    let until = f64::from(days) * DAY;
    let home = |name, seed, kind: fn(&mut Random, usize) -> Kind| {
        let mut random = Random::new(seed);
        let sources = (0..size)
            .map(|place| {
                let kind = kind(&mut random, place);
                Source::draw(&mut random, kind, until)
            })
            .collect();
        Home { name, sources }
    };
    vec![
        home("Poisson, 5 min to 2 h", 1, |random, _| Kind::Steady {
            apart: random.between(300.0, 7_200.0),
        }),
        home("Poisson, 30 s to 2 days", 2, |random, _| Kind::Steady {
            apart: random.between(30.0, 2.0 * DAY),
        }),
        home("bursty", 3, |random, _| bursty(random)),
        home("day and night, 2 min to 4 h", 4, |random, _| Kind::Daily {
            apart: random.between(120.0, 14_400.0),
        }),
        home("day and night, 30 s to 2 days", 6, |random, _| {
            Kind::Daily {
                apart: random.between(30.0, 2.0 * DAY),
            }
        }),
        home("all of them", 5, |random, place| match place % 3 {
            0 => Kind::Steady {
                apart: random.between(30.0, 2.0 * DAY),
            },
            1 => bursty(random),
            _ => Kind::Daily {
                apart: random.between(120.0, 14_400.0),
            },
        }),
    ]
}

fn bursty(random: &mut Random) -> Kind {
    Kind::Bursty {
        quiet: random.between(3_600.0, 12.0 * 3_600.0),
        burst: random.between(900.0, 7_200.0),
        apart: random.between(30.0, 300.0),
    }
}

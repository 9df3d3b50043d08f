//! Traces of sensors as a home has them, made from a fixed seed: the same
//! readings on every machine, since nothing here but the four operations and
//! rounding touches a number.
//!
//! A reading that repeats the one before is left out, as Home Assistant leaves
//! it out of its events.

/// The readings of sensors, and the thresholds somebody would give them.
pub(crate) struct Trace {
    pub(crate) name: String,
    pub(crate) sensors: Vec<Vec<f64>>,
    pub(crate) thresholds: Vec<f64>,
}

/// The seed of the published figures.
pub(crate) const SEED: u64 = 0;

const MINUTES_A_DAY: u32 = 1_440;

/// All synthetic traces, in a fixed order; another seed makes other ones of the
/// same kind.
pub(crate) fn all(seed: u64) -> Vec<Trace> {
    let mut traces = Vec::new();
    climate(seed, &mut traces);
    air(seed, &mut traces);
    light(seed, &mut traces);
    electricity(seed, &mut traces);
    devices(seed, &mut traces);
    processes(seed, &mut traces);
    traces
}

/// Temperatures and humidity.
fn climate(seed: u64, traces: &mut Vec<Trace>) {
    let mut random = Random::new(seed, 1);
    let mut heat = 0.0;
    let mut room = 20.0;
    traces.push(trace("room temperature", 2, &[0.1, 0.2, 0.5], || {
        (0..14 * MINUTES_A_DAY).map(move |minute| {
            let outside = 8.0 + 5.0 * wave(f64::from(minute) / 1_440.0);
            let wanted = if (360..1_380).contains(&(minute % MINUTES_A_DAY)) {
                21.0
            } else {
                18.0
            };
            heat = if room < wanted - 0.3 {
                1.0
            } else if room > wanted + 0.3 {
                0.0
            } else {
                heat
            };
            room += heat * 0.06 - (room - outside) * 0.001_5;
            room + 0.03 * random.normal()
        })
    }));

    let mut random = Random::new(seed, 2);
    let mut weather = 0.0;
    traces.push(trace("outdoor temperature", 1, &[0.2, 0.5, 1.0], || {
        (0..14 * 288).map(move |step| {
            weather += 0.05 * random.normal() - weather * 0.001;
            12.0 + weather + 5.0 * wave(f64::from(step) / 288.0) + 0.1 * random.normal()
        })
    }));

    let mut random = Random::new(seed, 3);
    let mut slow = 0.0;
    let mut shower = 0.0;
    traces.push(trace("bathroom humidity", 1, &[1.0, 2.0, 5.0], || {
        (0..14 * MINUTES_A_DAY).map(move |minute| {
            slow += 0.1 * random.normal() - slow * 0.002;
            let showering = (420..432).contains(&(minute % MINUTES_A_DAY))
                || (1_290..1_300).contains(&(minute % MINUTES_A_DAY));
            shower += if showering {
                (40.0 - shower) * 0.2
            } else {
                -shower * 0.03
            };
            48.0 + slow + shower + 0.3 * random.normal()
        })
    }));

    let mut random = Random::new(seed, 4);
    let mut cooling = false;
    let mut inside = 5.0;
    traces.push(trace("fridge temperature", 1, &[0.2, 0.5, 1.0], || {
        (0..7 * MINUTES_A_DAY).map(move |_| {
            cooling = if inside > 6.0 {
                true
            } else if inside < 3.5 {
                false
            } else {
                cooling
            };
            inside += if cooling { -0.12 } else { 0.06 };
            if random.chance(0.005) {
                inside += 0.8;
            }
            inside + 0.1 * random.normal()
        })
    }));

    let mut random = Random::new(seed, 5);
    let mut flow = 35.0;
    traces.push(trace(
        "heating flow temperature",
        1,
        &[0.5, 1.0, 2.0],
        || {
            (0..4 * MINUTES_A_DAY).map(move |minute| {
                let on = minute % 23 < 9;
                flow += if on {
                    (55.0 - flow) * 0.15
                } else {
                    (28.0 - flow) * 0.07
                };
                flow + 0.2 * random.normal()
            })
        },
    ));
}

/// What is in the air.
fn air(seed: u64, traces: &mut Vec<Trace>) {
    let mut random = Random::new(seed, 11);
    let mut level = 450.0;
    let mut people = 0_u32;
    traces.push(trace("carbon dioxide", 0, &[10.0, 25.0, 50.0], || {
        (0..7 * MINUTES_A_DAY).map(move |_| {
            if random.chance(0.008) {
                people = random.below(4);
            }
            level += f64::from(people) * 6.0 - (level - 420.0) * 0.012;
            level + 6.0 * random.normal()
        })
    }));

    let mut random = Random::new(seed, 12);
    let mut level = 6.0;
    traces.push(trace("fine dust", 0, &[1.0, 2.0, 5.0], || {
        (0..7 * MINUTES_A_DAY).map(move |_| {
            if random.chance(0.003) {
                level += 60.0 * random.uniform();
            }
            level += (6.0 - level) * 0.02 + 0.3 * random.normal();
            level.max(0.0) + 0.8 * random.normal().max(-1.0)
        })
    }));

    let mut random = Random::new(seed, 13);
    let mut slope = 0.0;
    let mut pressure = 1_013.0;
    traces.push(trace("air pressure", 1, &[0.2, 0.5, 1.0], || {
        (0..14 * 288).map(move |_| {
            slope += 0.004 * random.normal() - slope * 0.01 - (pressure - 1_013.0) * 0.000_02;
            pressure += slope;
            pressure + 0.05 * random.normal()
        })
    }));

    let mut random = Random::new(seed, 14);
    let mut gust = 0.0;
    traces.push(trace("wind speed", 1, &[0.5, 1.0, 3.0], || {
        (0..3 * MINUTES_A_DAY).map(move |minute| {
            gust += 0.6 * random.normal() - gust * 0.3;
            let breeze = 4.0 + 2.0 * wave(f64::from(minute) / 1_100.0);
            (breeze * (1.0 + 0.3 * gust)).max(0.0)
        })
    }));
}

/// Light and sun.
fn light(seed: u64, traces: &mut Vec<Trace>) {
    let sky = |stream: u64, peak: f64| {
        let mut random = Random::new(seed, stream);
        let mut cloud = 0.0;
        let mut covered = false;
        (0..10 * MINUTES_A_DAY).map(move |minute| {
            if random.chance(0.03) {
                covered = !covered;
            }
            cloud += (if covered { 0.7 } else { 0.0 } - cloud) * 0.4 + 0.01 * random.normal();
            let height = wave(f64::from(minute) / 1_440.0 - 0.25).max(0.0);
            peak * height * (1.0 - cloud) * (1.0 + 0.005 * random.normal())
        })
    };
    traces.push(trace("illuminance", 0, &[20.0, 100.0, 500.0], || {
        sky(21, 20_000.0)
    }));
    traces.push(trace("solar power", 0, &[10.0, 50.0, 200.0], || {
        sky(22, 4_000.0)
    }));
}

/// Power and mains.
fn electricity(seed: u64, traces: &mut Vec<Trace>) {
    let mut random = Random::new(seed, 31);
    let mut kettle = 0_u32;
    let mut wash = 0_u32;
    let mut base = 120.0;
    traces.push(trace("house power", 0, &[10.0, 25.0, 100.0], || {
        (0..8_640 * 2_u32).map(move |step| {
            base += 0.4 * random.normal() - (base - 120.0) * 0.002;
            let fridge = if step % 240 < 80 { 85.0 } else { 0.0 };
            kettle = if random.chance(0.001) {
                18
            } else {
                kettle.saturating_sub(1)
            };
            wash = if random.chance(0.000_3) {
                360
            } else {
                wash.saturating_sub(1)
            };
            let boiling = if kettle > 0 {
                2_000.0 + 8.0 * random.normal()
            } else {
                0.0
            };
            let washing = match wash {
                0 => 0.0,
                240.. => 1_900.0 + 15.0 * random.normal(),
                _ if step % 5 < 3 => 220.0 + 60.0 * random.normal(),
                _ => 25.0,
            };
            base + fridge + boiling + washing + 4.0 * random.normal()
        })
    }));

    let mut random = Random::new(seed, 32);
    traces.push(trace("plug of a fridge", 1, &[1.0, 2.0, 5.0], || {
        (0..8_640 * 2_u32).map(move |step| match step % 260 {
            0 => 320.0 + 40.0 * random.normal(),
            age @ 1..90 => 78.0 + 14.0 / (1.0 + f64::from(age) * 0.1) + 0.8 * random.normal(),
            _ => 1.2 + 0.1 * random.normal(),
        })
    }));

    let mut random = Random::new(seed, 33);
    let mut tap = 0.0;
    let mut load = 0.0;
    traces.push(trace("mains voltage", 1, &[0.5, 1.0, 2.0], || {
        (0..8_640_u32).map(move |step| {
            if random.chance(0.002) {
                tap = 1.5 * f64::from(random.below(3)) - 1.5;
            }
            load += 0.15 * random.normal() - load * 0.03;
            231.0 + tap + load + 1.5 * wave(f64::from(step) / 8_640.0) + 0.3 * random.normal()
        })
    }));

    let mut random = Random::new(seed, 34);
    traces.push(trace("standby power", 1, &[0.2, 0.5, 1.0], || {
        (0..8_640).map(move |_| 4.3 + 0.25 * random.normal())
    }));
}

/// What devices tell of themselves.
fn devices(seed: u64, traces: &mut Vec<Trace>) {
    let mut random = Random::new(seed, 41);
    traces.push(trace("battery", 0, &[1.0, 2.0, 5.0], || {
        (0..90 * 24).map(move |hour| {
            let charge = 100.0 - f64::from(hour) * 0.035;
            charge + wave(f64::from(hour) / 24.0) + 0.4 * random.normal()
        })
    }));

    let mut random = Random::new(seed, 42);
    traces.push(trace("battery voltage", 3, &[0.005, 0.01, 0.05], || {
        (0..30 * 144).map(move |step| {
            let charge = 3.0 - f64::from(step) * 0.000_05;
            charge + 0.01 * wave(f64::from(step) / 144.0) + 0.002 * random.normal()
        })
    }));

    let mut random = Random::new(seed, 43);
    let mut place = -65.0;
    traces.push(trace("signal strength", 0, &[2.0, 3.0, 5.0, 10.0], || {
        (0..5_000).map(move |_| {
            if random.chance(0.004) {
                place = -55.0 - 25.0 * random.uniform();
            }
            place + 2.5 * random.normal()
        })
    }));

    let mut random = Random::new(seed, 44);
    let mut north = 52.37;
    let mut velocity = 0.0;
    traces.push(trace("latitude", 5, &[0.000_1, 0.000_5, 0.002], || {
        (0..6_000).map(move |_| {
            if random.chance(0.01) {
                velocity =
                    [0.0, 0.0, 0.000_03, -0.000_03, 0.000_4, -0.000_4][random.below(6) as usize];
            }
            north += velocity * (1.0 + 0.3 * random.normal());
            north + 0.000_04 * random.normal()
        })
    }));

    let mut random = Random::new(seed, 45);
    let mut tank = 800.0;
    traces.push(trace("water tank", 0, &[2.0, 5.0, 20.0], || {
        (0..6_000).map(move |_| {
            tank -= if random.chance(0.08) {
                9.0 * random.uniform()
            } else {
                0.0
            };
            if tank < 150.0 || random.chance(0.000_5) {
                tank = 950.0;
            }
            tank + random.normal()
        })
    }));
}

/// Processes of the textbook.
fn processes(seed: u64, traces: &mut Vec<Trace>) {
    let mut random = Random::new(seed, 51);
    let mut value = 0.0;
    traces.push(trace("random walk", 1, &[1.0, 3.0, 10.0], || {
        (0..40_000).map(move |_| {
            value += random.normal();
            value
        })
    }));

    let mut random = Random::new(seed, 52);
    let mut value = 0.0;
    let mut slope = 0.0;
    traces.push(trace(
        "random walk with momentum",
        1,
        &[1.0, 3.0, 10.0],
        || {
            (0..10_000).map(move |_| {
                slope += 0.05 * random.normal() - slope * 0.02;
                value += slope;
                value
            })
        },
    ));

    let mut random = Random::new(seed, 53);
    let mut value = 0.0;
    traces.push(trace("mean reverting walk", 2, &[0.5, 1.0, 2.0], || {
        (0..40_000).map(move |_| {
            value += 0.2 * random.normal() - value * 0.02;
            value
        })
    }));

    let mut random = Random::new(seed, 54);
    traces.push(trace("spikes", 1, &[0.5, 1.0, 5.0], || {
        (0..10_000).map(move |_| {
            let spike = if random.chance(0.01) {
                50.0 * random.uniform()
            } else {
                0.0
            };
            20.0 + spike + 0.3 * random.normal()
        })
    }));

    traces.push(trace("sawtooth", 1, &[1.0, 2.5, 5.0], || {
        (0..10_000).map(|step| f64::from(step % 97) * 0.5)
    }));
}

/// Rounds what a sensor measured to its `decimals`, and drops repeats.
fn trace<Samples: Iterator<Item = f64>>(
    name: &str,
    decimals: u32,
    thresholds: &[f64],
    samples: impl FnOnce() -> Samples,
) -> Trace {
    let scale = f64::from(10_u32.pow(decimals));
    let mut readings: Vec<f64> = samples()
        .map(|sample| (sample * scale).round() / scale)
        .collect();
    readings.dedup();
    Trace {
        name: name.to_owned(),
        sensors: vec![readings],
        thresholds: thresholds.to_vec(),
    }
}

/// One period per unit of `phase` between −1 and 1: a sine to within 0.2 %.
fn wave(phase: f64) -> f64 {
    let turn = phase - phase.floor();
    let (half, sign) = if turn < 0.5 {
        (turn * 2.0, 1.0)
    } else {
        (turn * 2.0 - 1.0, -1.0)
    };
    let arch = half * (1.0 - half);
    sign * 16.0 * arch / (5.0 - 4.0 * arch)
}

/// The generator `SplitMix64`.
struct Random(u64);

impl Random {
    fn new(seed: u64, stream: u64) -> Self {
        Self(seed << 32 | stream)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below 1.
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn chance(&mut self, share: f64) -> bool {
        self.uniform() < share
    }

    fn below(&mut self, limit: u32) -> u32 {
        (self.uniform() * f64::from(limit)) as u32
    }

    /// Mean 0, deviation 1: the sum of twelve uniform numbers.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

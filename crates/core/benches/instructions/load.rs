//! A home under load: entities with mixed rules, and what they report. The same
//! in every run, so that counts of instructions can be compared.
//!
//! It knows only the core's types; the tests that cross crates drive the
//! component with it as well.

#![allow(unreachable_pub, reason = "other crates compile it, too")]

use weirhouse_core::Series;
use weirhouse_core::rule::{Combine, RuleSettings};

/// Between two readings of a home of so many entities: each reports every two
/// seconds.
pub fn spacing_us(entities: u32) -> u64 {
    2_000_000 / u64::from(entities)
}

const SECOND_US: i64 = 1_000_000;

/// Readings in order, as columns.
#[derive(Debug, Default)]
pub struct Readings {
    /// Indices of entities.
    pub series: Vec<u32>,
    /// Their values; of texts, nothing a number can say.
    pub numbers: Vec<f64>,
    /// Their values as Home Assistant writes them, joined.
    pub text: String,
    /// The lengths of those, in bytes.
    pub lengths: Vec<u32>,
}

/// What an entity is, and how it moves.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Tenths of a degree, mostly standing still.
    Temperature,
    /// Watts, jittering around a level that now and then jumps.
    Power,
    /// Whole and half percents.
    Humidity,
    /// Hundredths of a volt.
    Voltage,
    /// A count that any change of matters.
    Count,
    /// Lux around a level that switches lamps.
    Light,
    /// One of a few words.
    Word,
}

/// Twenty entities as they follow one another.
const KINDS: [Kind; 20] = {
    use Kind::{Count, Humidity, Light, Power, Temperature, Voltage, Word};
    [
        Temperature,
        Power,
        Humidity,
        Temperature,
        Word,
        Voltage,
        Temperature,
        Humidity,
        Light,
        Temperature,
        Power,
        Temperature,
        Count,
        Temperature,
        Humidity,
        Voltage,
        Temperature,
        Power,
        Temperature,
        Word,
    ]
};

const WORDS: [&str; 4] = ["on", "off", "idle", "heating"];

fn kind(entity: u32) -> Kind {
    KINDS[entity as usize % KINDS.len()]
}

/// The names of so many entities.
pub fn names(entities: u32) -> Vec<Series> {
    (0..entities)
        .map(|entity| Series {
            entity: format!("sensor.room_{}_device_{entity}", entity / 20).into(),
            attribute: None,
        })
        .collect()
}

/// The rule of an entity; many share one.
pub fn rule(entity: u32) -> RuleSettings {
    let timed = RuleSettings {
        max_age_us: Some(600 * SECOND_US),
        settle_us: Some(30 * SECOND_US),
        ..RuleSettings::default()
    };
    match kind(entity) {
        Kind::Temperature => RuleSettings {
            absolute: Some(0.5),
            ..timed
        },
        Kind::Power => RuleSettings {
            absolute: Some(5.0),
            percentage: Some(0.02),
            combine: Combine::All,
            zero_crossing: true,
            ..timed
        },
        Kind::Humidity => RuleSettings {
            absolute: Some(1.0),
            ..timed
        },
        Kind::Voltage => RuleSettings {
            percentage: Some(0.01),
            settle_us: None,
            ..timed
        },
        Kind::Light => RuleSettings {
            absolute: Some(5.0),
            percentage: Some(0.1),
            combine: Combine::Any,
            levels: [40.0, 200.0].into(),
            ..timed
        },
        Kind::Count | Kind::Word => RuleSettings::default(),
    }
}

/// Some readings that follow one another.
pub struct Batch<'a> {
    /// As in [`Readings`].
    pub series: &'a [u32],
    /// As in [`Readings`].
    pub numbers: &'a [f64],
    /// As in [`Readings`].
    pub text: &'a str,
    /// As in [`Readings`].
    pub lengths: &'a [u32],
}

impl Readings {
    /// So many readings of so many entities in random order. With `words`, all
    /// kinds report; without, only those that report numbers.
    pub fn of(entities: u32, count: usize, words: bool) -> Self {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut states: Vec<State> = (0..entities).map(|_| State::default()).collect();
        let mut readings = Self::default();
        while readings.series.len() < count {
            let entity = random.below(entities);
            let kind = kind(entity);
            if !words && matches!(kind, Kind::Word) {
                continue;
            }
            let (number, text) = states[entity as usize].next(kind, &mut random);
            readings.series.push(entity);
            readings.numbers.push(number);
            readings.lengths.push(text.len() as u32);
            readings.text.push_str(&text);
        }
        readings
    }

    /// All of them in order, so many at a time.
    pub fn batches(&self, size: usize) -> impl Iterator<Item = Batch<'_>> {
        let mut rest = self.text.as_str();
        let columns = self.series.chunks(size).zip(self.numbers.chunks(size));
        columns
            .zip(self.lengths.chunks(size))
            .map(move |((series, numbers), lengths)| {
                let (text, tail) = rest.split_at(lengths.iter().sum::<u32>() as usize);
                rest = tail;
                Batch {
                    series,
                    numbers,
                    text,
                    lengths,
                }
            })
    }
}

/// Batches of one number from each entity. The first is published; what
/// follows, over and over, neither repeats the baseline nor matters.
pub fn still(entities: u32) -> [(Vec<u32>, Vec<f64>); 3] {
    let batch = |offset: f64| {
        let series: Vec<u32> = (0..entities)
            .filter(|&entity| matches!(kind(entity), Kind::Temperature))
            .collect();
        let numbers = series.iter().map(|&it| f64::from(it) + offset).collect();
        (series, numbers)
    };
    [batch(0.0), batch(0.1), batch(0.2)]
}

/// Fifty keys, which a namespace of the cache holds.
pub fn keys() -> Vec<String> {
    (0..50)
        .map(|key| format!("weather:forecast:{key:04}:hourly"))
        .collect()
}

/// The size in bytes of the values under them.
pub const VALUE_BYTES: usize = 200;

/// Where an entity stands, in its smallest steps.
#[derive(Default)]
struct State {
    level: i64,
}

impl State {
    fn next(&mut self, kind: Kind, random: &mut Random) -> (f64, String) {
        let mut jump = |one_in: u32, to: u32| {
            if random.below(one_in) == 0 {
                self.level = i64::from(random.below(to));
            }
            self.level
        };
        let (least, decimals, level): (_, usize, _) = match kind {
            Kind::Temperature => (190, 1, jump(12, 40)),
            Kind::Power => (0, 1, jump(6, 12_000)),
            Kind::Humidity => (400, 1, jump(8, 100)),
            Kind::Voltage => (22_800, 2, jump(10, 600)),
            Kind::Count => (0, 0, jump(4, 1_000)),
            Kind::Light => (100, 1, jump(6, 4_000)),
            Kind::Word => {
                let word = jump(4, 4).unsigned_abs() as usize;
                return (f64::NAN, WORDS[word].to_owned());
            }
        };
        let jitter = match kind {
            Kind::Count => 0,
            _ => i64::from(random.below(5)) - 2,
        };
        let steps = least + level + jitter;
        let scale = [1.0, 10.0, 100.0][decimals];
        let text = format!("{:.decimals$}", steps as f64 / scale);
        (text.parse().unwrap_or(f64::NAN), text)
    }
}

/// Xorshift, with a fixed seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 32) % u64::from(bound)) as u32
    }
}

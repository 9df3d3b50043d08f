//! Sequences of keys as different uses of a cache produce them.

/// Requests in each trace.
const REQUESTS: usize = 300_000;

/// A sequence of keys, and the sizes of cache to try it with.
pub(crate) struct Trace {
    pub(crate) name: &'static str,
    pub(crate) keys: Vec<u32>,
    pub(crate) rooms: Vec<usize>,
}

pub(crate) fn all() -> Vec<Trace> {
    vec![
        trace("Zipf 0.9", zipf(0.9), &[100, 1000]),
        trace("Zipf 1.0", zipf(1.0), &[100, 1000]),
        trace("scans", scans(), &[100, 250, 1000]),
        trace("loop", cycle(), &[100, 250]),
        trace("home", home(), &[100, 250, 1000]),
        trace("home, restless", restless_home(), &[100, 1000]),
        trace("shifts", shifts(), &[100, 1000]),
        trace("bursts", bursts(), &[100, 1000]),
    ]
}

fn trace(name: &'static str, keys: Vec<u32>, rooms: &[usize]) -> Trace {
    Trace {
        name,
        keys,
        rooms: rooms.to_vec(),
    }
}

/// Few keys are popular, most are rare: 10,000 keys.
fn zipf(exponent: f64) -> Vec<u32> {
    let mut random = Random(1);
    let popular = Zipf::new(10_000, exponent);
    (0..REQUESTS).map(|_| popular.draw(&mut random)).collect()
}

/// Popular keys, and every so often a pass over 1,000 keys that nobody asks for
/// otherwise, as a backup or an export makes it: 15 % of all requests.
fn scans() -> Vec<u32> {
    let mut random = Random(2);
    let popular = Zipf::new(2_000, 0.9);
    let mut keys = Vec::with_capacity(REQUESTS);
    while keys.len() < REQUESTS {
        keys.extend((0..5_667).map(|_| popular.draw(&mut random)));
        keys.extend(100_000..101_000);
    }
    keys.truncate(REQUESTS);
    keys
}

/// 500 keys in turn, for ever.
fn cycle() -> Vec<u32> {
    (0..500).cycle().take(REQUESTS).collect()
}

/// A home: a dashboard on the wall asks for its forty keys in turn, views of
/// history and devices are popular or rare, and what is of interest right now (a
/// room with people in it, an automation that runs) is thirty keys that change
/// every 10,000 requests.
fn home() -> Vec<u32> {
    let mut random = Random(3);
    let views = Zipf::new(5_000, 1.0);
    let mut dashboard = (0..40_u32).cycle();
    (0..REQUESTS as u32)
        .map(|at| match random.below(100) {
            0..35 => dashboard.next().unwrap(),
            35..70 => 1_000 + views.draw(&mut random),
            _ => 10_000 + at / 10_000 * 30 + random.below(30),
        })
        .collect()
}

/// As [`home`], but what is of interest changes five times as often, and one of
/// four dashboards of twenty keys is open for a while.
fn restless_home() -> Vec<u32> {
    let mut random = Random(6);
    let views = Zipf::new(5_000, 1.0);
    let mut card = (0..20_u32).cycle();
    (0..REQUESTS as u32)
        .map(|at| match random.below(100) {
            0..30 => at / 3_000 % 4 * 20 + card.next().unwrap(),
            30..70 => 1_000 + views.draw(&mut random),
            _ => 10_000 + at / 2_000 * 20 + random.below(20),
        })
        .collect()
}

/// Popular keys, but other ones every 20,000 requests.
fn shifts() -> Vec<u32> {
    let mut random = Random(4);
    let popular = Zipf::new(5_000, 0.9);
    (0..REQUESTS)
        .map(|at| 10_000 * (at / 20_000) as u32 + popular.draw(&mut random))
        .collect()
}

/// Recency is everything: a new key is asked for some times soon after it
/// first comes, and never again.
fn bursts() -> Vec<u32> {
    let mut random = Random(5);
    (0..REQUESTS as u32)
        .map(|at| (at / 4).saturating_sub(random.below(90)))
        .collect()
}

/// Draws numbers from 0, the lower the likelier.
struct Zipf(Vec<f64>);

impl Zipf {
    fn new(count: u32, exponent: f64) -> Self {
        let mut sum = 0.0;
        let cumulated = (1..=count).map(|rank| {
            sum += f64::from(rank).powf(-exponent);
            sum
        });
        Self(cumulated.collect())
    }

    fn draw(&self, random: &mut Random) -> u32 {
        let all = self.0.last().copied().unwrap();
        let point = f64::from(random.next()) / f64::from(u32::MAX) * all;
        self.0.partition_point(|&sum| sum < point) as u32
    }
}

/// A sequence of numbers that looks random (`SplitMix64`).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 32) as u32
    }

    /// A number below `bound`.
    fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.next()) * u64::from(bound)) >> 32) as u32
    }
}

use super::*;
use alloc::vec;
use proptest::prelude::*;

/// `SplitMix64`: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From −1 to 1.
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    /// Standard deviation 1: the sum of twelve uniform numbers, each of variance
    /// 1/3, halved.
    fn gaussian(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() / 2.0
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }
}

fn learn(readings: impl IntoIterator<Item = f64>) -> NoiseFloor {
    let mut floor = NoiseFloor::default();
    for number in readings {
        floor.observe(Reading::Number(number));
    }
    floor
}

/// What is proposed for `count` readings of a series.
fn propose(count: usize, reading: impl FnMut(usize) -> f64) -> Proposal {
    learn((0..count).map(reading)).proposal().unwrap()
}

fn to_step(number: f64, step: f64) -> f64 {
    (number / step).round() * step
}

#[test]
fn nothing_is_proposed_before_enough_readings() {
    let mut random = Random(1);
    // The first and the last have no two neighbours.
    let least = usize::from(LEAST_READINGS) + 2;
    let mut floor = learn((1..least).map(|_| random.gaussian()));
    assert_eq!(floor.proposal(), None);
    floor.observe(Reading::Number(random.gaussian()));
    assert!(floor.proposal().is_some());
}

/// The floor is 3.1 standard deviations, and the rung above it 5.
#[test]
fn gaussian_noise_gets_three_standard_deviations_rounded_up() {
    for seed in 0..20 {
        let mut random = Random(seed);
        let proposal = propose(2_000, |_| 20.0 + random.gaussian());
        assert_eq!(proposal.threshold, 5.0, "seed {seed}");
        assert!(proposal.suppressed > 0.99, "seed {seed}: {proposal:?}");
        assert!(proposal.mean_error < 3.0, "seed {seed}: {proposal:?}");
    }
}

/// The true floor is the width of the noise. Over three decades of widths the
/// proposal is at least five sixths of it and at most two and a half times.
#[test]
fn uniform_noise_gets_its_width_rounded_up() {
    for seed in 0..60 {
        let mut random = Random(seed);
        let width = [1.0, 1.3, 1.7, 2.3, 3.0, 4.0][seed as usize % 6]
            * [0.01, 0.1, 1.0, 10.0][seed as usize % 4];
        let proposal = propose(1_500, |_| 20.0 + random.uniform() * width / 2.0);
        let factor = proposal.threshold / width;
        assert!((0.83..=2.5).contains(&factor), "{width}: {proposal:?}");
        assert!(proposal.suppressed > 0.9, "{width}: {proposal:?}");
    }
}

/// A sensor of coarse steps between two of them: one step must not pass.
#[test]
fn flicker_between_two_steps_gets_two_steps() {
    for step in [0.1, 0.5, 1.0, 10.0] {
        let mut random = Random(3);
        let proposal = propose(600, |_| {
            to_step(21.0 + if random.chance(30) { step } else { 0.0 }, step)
        });
        assert_eq!(proposal.threshold, 2.0 * step);
        assert_eq!(proposal.suppressed, 1.0);
        assert!((proposal.max_error - step).abs() < 1e-9);
    }
}

#[test]
fn spikes_are_not_taken_for_noise() {
    let mut random = Random(4);
    let proposal = propose(2_000, |_| {
        let spike = if random.chance(3) { 500.0 } else { 0.0 };
        20.0 + 0.1 * random.gaussian() + spike
    });
    assert_eq!(proposal.threshold, 0.5);
}

#[test]
fn steps_and_drift_are_not_taken_for_noise() {
    for held in [2, 3, 20, 100] {
        let bare = propose(1_000, |index| 5.0 * f64::from((index / held % 2) as u8));
        assert_eq!(bare.threshold, 0.0, "steps held for {held} readings");
        assert_eq!(bare.suppressed, 0.0);
        assert_eq!(bare.max_error, 0.0);
    }
    assert_eq!(propose(1_000, |index| index as f64).threshold, 0.0);

    let mut random = Random(5);
    let mixed = propose(2_000, |index| {
        5.0 * f64::from((index / 20 % 2) as u8) + 0.1 * random.gaussian()
    });
    assert_eq!(mixed.threshold, 0.5, "the noise on the steps alone");
    let published = 1.0 - mixed.suppressed;
    assert!((0.045..0.055).contains(&published), "the steps: {mixed:?}");

    let mut random = Random(6);
    let drifting = propose(2_000, |index| 0.01 * index as f64 + 0.1 * random.gaussian());
    assert_eq!(drifting.threshold, 0.5, "the noise on the drift alone");
}

#[test]
fn noise_that_grows_or_fades_is_followed() {
    let mut random = Random(7);
    let mut floor = learn((0..3_000).map(|_| random.gaussian()));
    assert_eq!(floor.threshold(), Some(5.0));
    for factor in [10.0, 0.01] {
        for _ in 0..8_000 {
            floor.observe(Reading::Number(factor * random.gaussian()));
        }
        assert_eq!(floor.threshold(), Some(5.0 * factor));
    }
}

/// Uniform noise whose ninth decile lies on a rung: without hysteresis the
/// threshold changes with every few readings.
#[test]
fn a_threshold_between_two_rungs_does_not_waver() {
    let mut random = Random(8);
    let mut floor = NoiseFloor::default();
    let mut changes = 0;
    for _ in 0..20_000 {
        let before = floor.threshold();
        floor.observe(Reading::Number(random.uniform() * 0.1 / 1.86));
        changes += usize::from(before != floor.threshold());
    }
    assert!(changes <= 4, "{changes} changes");
}

#[test]
fn a_gap_parts_what_surrounds_it() {
    let mut floor = NoiseFloor::default();
    for _ in 0..200 {
        for reading in [
            Reading::Number(1.0),
            Reading::Number(9.0),
            Reading::Unavailable,
        ] {
            floor.observe(reading);
        }
    }
    assert_eq!(floor.proposal(), None, "no reading had two neighbours");
}

#[test]
fn noise_beyond_the_last_rung_gets_no_threshold() {
    let mut random = Random(9);
    let proposal = propose(500, |_| 1e300 * random.gaussian());
    assert_eq!(proposal.threshold, 0.0);
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => (-1_000_i32..1_000).prop_map(|number| f64::from(number) / 10.0),
        1 => any::<f64>(),
        1 => Just(20.0),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What is proposed is a number that makes sense, whatever was read.
    #[test]
    fn a_proposal_is_always_sound(
        numbers in proptest::collection::vec(number(), 0..400),
    ) {
        let mut floor = NoiseFloor::default();
        for number in numbers {
            floor.observe(Reading::of_number(number));
            let Some(proposal) = floor.proposal() else { continue };
            let threshold = proposal.threshold;
            prop_assert!(threshold == 0.0 || RUNGS.contains(&threshold));
            prop_assert!((0.0..=1.0).contains(&proposal.suppressed));
            prop_assert!(proposal.mean_error >= 0.0);
            prop_assert!(proposal.mean_error <= proposal.max_error * (1.0 + 1e-12));
            prop_assert!(proposal.max_error < threshold || proposal.max_error == 0.0);
        }
    }

    #[test]
    fn a_constant_series_proposes_any_change(
        number in any::<f64>().prop_filter("finite", |number| number.is_finite()),
    ) {
        let proposal = propose(100, |_| number);
        prop_assert_eq!(
            proposal,
            Proposal {
                threshold: 0.0,
                suppressed: 0.0,
                mean_error: 0.0,
                max_error: 0.0,
                readings: proposal.readings,
            }
        );
    }

    /// A record brings everything back, and stands up to its own check.
    #[test]
    fn a_record_brings_the_floor_back(
        numbers in proptest::collection::vec(number(), 0..1_500),
        next in number(),
    ) {
        let mut before = NoiseFloor::default();
        for number in numbers {
            before.observe(Reading::of_number(number));
        }
        let record = Record::from(&before);
        prop_assert_eq!(record.verify(), Ok(()));
        let mut after = NoiseFloor::from(record);
        prop_assert_eq!(&after, &before);
        before.observe(Reading::of_number(next));
        after.observe(Reading::of_number(next));
        prop_assert_eq!(after, before);
    }
}

#[test]
fn a_record_that_no_floor_could_have_written_is_refused() {
    let sound = Record::from(&learn((0..100).map(f64::from)));
    assert_eq!(sound.verify(), Ok(()));
    let changed = |change: fn(&mut Record)| {
        let mut record = sound.clone();
        change(&mut record);
        record.verify()
    };
    for refused in [
        changed(|record| record.counts = vec![(0, 1_024)]),
        changed(|record| record.counts = vec![(0, 1), (0, 1)]),
        changed(|record| record.counts = vec![(LEVELS as u8, 1)]),
        changed(|record| record.counts = (0..20).map(|level| (level, u16::MAX)).collect()),
        changed(|record| record.level = Some(LEVELS as u8)),
        changed(|record| record.neighbours[0] = Some(f64::NAN)),
    ] {
        assert!(refused.is_err(), "{refused:?}");
    }
}

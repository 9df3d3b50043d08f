//! A log-linear histogram: counts per bucket, with buckets that widen with the
//! value, so that percentiles have a bounded relative error over any range.
//!
//! Values are microseconds. An octave is the span from one power of two to the
//! next; each is cut into 64 equal buckets, which is the exponent of the `f64`
//! and the top 6 bits of its fraction.
//!
//! **Error of a percentile.** A bucket in the octave from `2^e` is `2^e / 64`
//! wide. Its middle lies at most `2^e / 128` from any sample in it, and a sample
//! in it is at least `2^e`: the relative error is at most 1/128, under 0.8 %.
//!
//! Memory grows by one octave (512 bytes) when a sample first falls into it; 70
//! octaves are possible. There is no clock here; a window is made of several
//! histograms.

use alloc::boxed::Box;
use alloc::vec::Vec;

/// Bits of the fraction that number a bucket within its octave.
const BUCKET_BITS: u32 = 6;
const BUCKETS: usize = 1 << BUCKET_BITS;
/// Bits of the fraction of an `f64`.
const FRACTION_BITS: u32 = 52;
/// What is added to the exponent of an `f64`.
const EXPONENT_BIAS: u64 = 1023;

/// The lowest octave, from `2^-20` µs, about a picosecond. What is below counts
/// as 0.
const LOWEST: u64 = EXPONENT_BIAS - 20;
/// The highest octave, from `2^49` µs, about 18 years: beyond every sample that
/// a timer takes. What is above it would count in its last bucket.
const HIGHEST: u64 = EXPONENT_BIAS + 49;

/// Nanoseconds in a microsecond.
const NANOS: f64 = 1000.0;

#[derive(Debug, Clone)]
struct Octave {
    /// The biased exponent of its values.
    exponent: u64,
    counts: Box<[u64; BUCKETS]>,
}

/// Counts of samples by size.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    /// Octaves with samples, ascending.
    octaves: Vec<Octave>,
    /// Samples below the lowest octave.
    zeros: u64,
    count: u64,
    /// Of all samples, each rounded to a nanosecond: exact, where a sum of
    /// floats would drift.
    sum_nanos: u128,
    min: f64,
    max: f64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            octaves: Vec::new(),
            zeros: 0,
            count: 0,
            sum_nanos: 0,
            min: f64::INFINITY,
            max: 0.0,
        }
    }
}

impl Histogram {
    /// Adds a sample in microseconds; refuses NaN, infinite and negative ones.
    pub(crate) fn record(&mut self, micros: f64) -> bool {
        if !micros.is_finite() || micros < 0.0 {
            return false;
        }
        match bucket_of(micros) {
            None => self.zeros += 1,
            Some((exponent, bucket)) => self.counts(exponent)[bucket] += 1,
        }
        self.count += 1;
        self.sum_nanos += u128::from((micros * NANOS + 0.5) as u64);
        self.min = self.min.min(micros);
        self.max = self.max.max(micros);
        true
    }

    /// Adds all samples of another.
    pub(crate) fn add(&mut self, other: &Self) {
        for octave in &other.octaves {
            let counts = self.counts(octave.exponent).iter_mut();
            for (count, more) in counts.zip(octave.counts.iter()) {
                *count += more;
            }
        }
        self.zeros += other.zeros;
        self.count += other.count;
        self.sum_nanos += other.sum_nanos;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// How many samples there are.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The least sample in microseconds, 0 without samples.
    pub(crate) fn min(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.min }
    }

    /// The greatest sample in microseconds, 0 without samples.
    pub(crate) fn max(&self) -> f64 {
        self.max
    }

    /// The mean in microseconds, 0 without samples.
    pub(crate) fn mean(&self) -> f64 {
        if self.count == 0 {
            return 0.0;
        }
        let mean_nanos = self.sum_nanos as f64 / self.count as f64;
        (mean_nanos / NANOS).clamp(self.min, self.max)
    }

    /// The sum in microseconds.
    pub(crate) fn sum(&self) -> f64 {
        self.sum_nanos as f64 / NANOS
    }

    /// How many samples are at most as large as each of `bounds`, which ascend;
    /// a bucket that a bound cuts counts by its middle.
    pub(crate) fn at_most(&self, bounds: &[f64]) -> Vec<u64> {
        let mut totals = Vec::with_capacity(bounds.len());
        let mut buckets = self.octaves.iter().flat_map(|octave| {
            let counts = octave.counts.iter().enumerate();
            counts.map(|(bucket, &count)| (middle(octave.exponent, bucket), count))
        });
        let mut next = buckets.next();
        let mut below = self.zeros;
        for &bound in bounds {
            while let Some((middle, count)) = next
                && middle <= bound
            {
                below += count;
                next = buckets.next();
            }
            totals.push(if bound < 0.0 {
                0
            } else if bound >= self.max {
                self.count
            } else {
                below
            });
        }
        totals
    }

    /// The sample at a percentile by nearest rank, within 1 %, in microseconds;
    /// 0 without samples. `percent` over 100 means 100.
    pub(crate) fn percentile(&self, percent: u8) -> f64 {
        if self.count == 0 {
            return 0.0;
        }
        let rank = (u128::from(percent.min(100)) * u128::from(self.count))
            .div_ceil(100)
            .max(1) as u64;
        let mut below = self.zeros;
        if below >= rank {
            return self.min;
        }
        for octave in &self.octaves {
            for (bucket, count) in octave.counts.iter().enumerate() {
                below += count;
                if below >= rank {
                    return middle(octave.exponent, bucket).clamp(self.min, self.max);
                }
            }
        }
        self.max
    }

    /// The counts of an octave, new if need be.
    fn counts(&mut self, exponent: u64) -> &mut [u64; BUCKETS] {
        let place = match self
            .octaves
            .binary_search_by_key(&exponent, |octave| octave.exponent)
        {
            Ok(place) => place,
            Err(place) => {
                self.octaves.insert(
                    place,
                    Octave {
                        exponent,
                        counts: Box::new([0; BUCKETS]),
                    },
                );
                place
            }
        };
        &mut self.octaves[place].counts
    }
}

/// The octave and bucket of a finite value that is not negative; none for 0.
fn bucket_of(micros: f64) -> Option<(u64, usize)> {
    // Without the sign, which only a negative zero has here.
    let bits = micros.to_bits() & !(1 << 63);
    let exponent = bits >> FRACTION_BITS;
    if exponent < LOWEST {
        return None;
    }
    if exponent > HIGHEST {
        return Some((HIGHEST, BUCKETS - 1));
    }
    let bucket = (bits >> (FRACTION_BITS - BUCKET_BITS)) as usize % BUCKETS;
    Some((exponent, bucket))
}

/// The middle of a bucket in microseconds.
fn middle(exponent: u64, bucket: usize) -> f64 {
    let half = 1 << (FRACTION_BITS - BUCKET_BITS - 1);
    f64::from_bits(
        exponent << FRACTION_BITS | (bucket as u64) << (FRACTION_BITS - BUCKET_BITS) | half,
    )
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "what is exact is compared exactly")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(samples: &[f64]) -> Histogram {
        let mut histogram = Histogram::default();
        for sample in samples {
            assert!(histogram.record(*sample), "{sample}");
        }
        histogram
    }

    /// The sample at a percentile, found by sorting.
    fn nearest_rank(samples: &[f64], percent: u8) -> f64 {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let rank = (samples.len() * usize::from(percent)).div_ceil(100).max(1);
        sorted[rank - 1]
    }

    #[test]
    fn what_is_no_length_of_time_is_refused_and_changes_nothing() {
        let mut histogram = of(&[2.0]);
        for refused in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.001] {
            assert!(!histogram.record(refused), "{refused}");
        }
        assert_eq!(histogram.count(), 1);
        assert_eq!(
            [histogram.min(), histogram.max(), histogram.mean()],
            [2.0; 3]
        );
    }

    #[test]
    fn without_samples_everything_is_zero() {
        let empty = Histogram::default();
        assert_eq!(
            [empty.min(), empty.max(), empty.mean(), empty.percentile(99)],
            [0.0; 4]
        );
    }

    #[test]
    fn a_single_sample_is_every_percentile_exactly() {
        for sample in [0.0, -0.0, 1e-9, 0.001, 1.0, 1234.567, 1e15, 1e300] {
            let histogram = of(&[sample]);
            assert_eq!(
                [0, 50, 99, 100].map(|percent| histogram.percentile(percent)),
                [sample; 4]
            );
        }
    }

    #[test]
    fn a_mean_of_many_small_samples_beside_a_large_one_stays_exact() {
        let mut histogram = of(&[1e9]);
        for _ in 0..1_000_000 {
            histogram.record(0.001);
        }
        let exact = (1e9 + 1000.0) / 1_000_001.0;
        assert!(
            (histogram.mean() - exact).abs() < 1e-3,
            "{}",
            histogram.mean()
        );
    }

    #[test]
    fn percentiles_are_ranks_of_the_samples() {
        let samples: Vec<f64> = (1..=100).map(f64::from).collect();
        let histogram = of(&samples);
        for (percent, exact) in [
            (0, 1.0),
            (1, 1.0),
            (50, 50.0),
            (95, 95.0),
            (99, 99.0),
            (100, 100.0),
        ] {
            let found = histogram.percentile(percent);
            assert!(
                (found - exact).abs() <= exact / 128.0,
                "p{percent} is {found}"
            );
        }
    }

    fn samples() -> impl Strategy<Value = Vec<f64>> {
        // Even over the exponents of what a timer can show, and zero.
        let sample = prop_oneof![
            1 => Just(0.0),
            9 => (-10.0..36.0_f64, 1.0..2.0_f64).prop_map(|(octave, within)| octave.exp2() * within),
        ];
        prop::collection::vec(sample, 1..300)
    }

    proptest! {
        #[test]
        fn a_percentile_is_within_one_percent_of_its_sample(samples in samples(), percent in 0..=100_u8) {
            let exact = nearest_rank(&samples, percent);
            let found = of(&samples).percentile(percent);
            prop_assert!((found - exact).abs() <= exact * 0.01, "found {found}, exact {exact}");
        }

        #[test]
        fn mean_min_and_max_are_exact_to_a_nanosecond(samples in samples()) {
            let histogram = of(&samples);
            let mean = samples.iter().sum::<f64>() / samples.len() as f64;
            // The sum of floats here is itself good to some 1e-13 of its value.
            prop_assert!((histogram.mean() - mean).abs() <= 0.001 + mean * 1e-12);
            prop_assert_eq!(histogram.min(), samples.iter().copied().fold(f64::INFINITY, f64::min));
            prop_assert_eq!(histogram.max(), samples.iter().copied().fold(0.0, f64::max));
        }

        #[test]
        fn counts_up_to_a_bound_are_right_but_for_samples_within_one_percent(
            samples in samples(),
            mut bounds in prop::collection::vec((-12.0..38.0_f64).prop_map(f64::exp2), 1..20),
        ) {
            bounds.sort_by(f64::total_cmp);
            let counts = of(&samples).at_most(&bounds);
            for (bound, count) in bounds.into_iter().zip(counts) {
                let up_to = |bound: f64| samples.iter().filter(|sample| **sample <= bound).count() as u64;
                prop_assert!((up_to(bound * 0.99)..=up_to(bound * 1.01)).contains(&count));
            }
        }
    }
}

//! How stale a source is that changes at random moments and is asked now and
//! then: mean age, share fresh, and what one more call removes.
//!
//! **Age** is the time since the oldest change that was not seen yet; 0 while
//! everything was seen. Under changes that follow a Poisson process of rate `r`
//! it is, a time `t` after the last call, `t − (1 − e^(−rt)) / r` on average;
//! asked every `T`, its mean over time is
//! `A(T) = T/2 − 1/r + (1 − e^(−rT)) / (r²T)`
//! (Cho and Garcia-Molina, *Effective page refresh policies for web crawlers*,
//! TODS 2003).
//!
//! Age and not the share of time that is fresh is what the planner minimises. To
//! maximise the fresh share, sources that change faster than they can be
//! followed get no calls at all; the age of a source that is not asked grows
//! without bound, so every source is asked, and faster ones never less often.
//!
//! There is no state here. Exponentials and roots come from `libm`, which gives
//! the same bits on every machine.

/// The mean age in seconds of a source that changes `rate` times a second and is
/// asked every `interval` seconds.
pub fn mean_age(rate: f64, interval: f64) -> f64 {
    let x = rate * interval;
    if x <= 0.0 {
        return 0.0;
    }
    // A(T) / T; the closed form loses its digits where x is small.
    let share = if x < 1e-2 {
        x * (1.0 / 6.0 - x * (1.0 / 24.0 - x / 120.0))
    } else {
        0.5 - 1.0 / x - libm::expm1(-x) / (x * x)
    };
    share * interval
}

/// The share of time in which such a source is fresh: everything was seen.
pub fn fresh_share(rate: f64, interval: f64) -> f64 {
    let x = rate * interval;
    if x < 1e-9 {
        return 1.0;
    }
    -libm::expm1(-x) / x
}

/// What is to be expected of a source since the last call, while its rate
/// changes.
///
/// With `S` the probability that nothing has changed yet, age grows by `1 − S` on
/// average, and `S` falls by `r` times itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    /// The probability that nothing has changed.
    unchanged: f64,
    /// Age in seconds.
    age: f64,
}

impl Expected {
    /// Right after a call.
    pub(super) const SEEN: Self = Self {
        unchanged: 1.0,
        age: 0.0,
    };

    /// Age in seconds.
    pub(super) fn age(&self) -> f64 {
        self.age
    }

    /// Lets time pass at one rate; gives the age over it in s², and for how many
    /// seconds of it the source was fresh.
    pub(super) fn pass(&mut self, rate: f64, seconds: f64) -> (f64, f64) {
        let fresh = self.unchanged * fresh_share(rate, seconds) * seconds;
        let grown = (1.0 - self.unchanged) * seconds / 2.0;
        let aged = self.age + grown + self.unchanged * mean_age(rate, seconds);
        self.age += seconds - fresh;
        self.unchanged *= libm::exp(-rate * seconds);
        (aged * seconds, fresh)
    }
}

/// What one more call per unit of time removes from the mean age, in units of
/// `1/r²`, of a source in which `x = rT` changes are expected between calls:
/// `−dA/df` at `f = 1/T`, which is `x²/2 + x e^(−x) − (1 − e^(−x))`. Rises
/// with `x`.
pub(super) fn worth_of_call(x: f64) -> f64 {
    if x < 1e-2 {
        x * x * x * (1.0 / 3.0 - x * (1.0 / 8.0 - x / 30.0))
    } else {
        let missed = -libm::expm1(-x);
        x * x / 2.0 + x * (1.0 - missed) - missed
    }
}

/// The inverse of [`worth_of_call`], within a relative error of 1e-6.
fn changes_worth(worth: f64) -> f64 {
    let cubic = libm::cbrt(3.0 * worth);
    // Exact for small and for large worth; between them a start for Newton.
    let mut x = (cubic + cubic * cubic / 8.0).min(libm::sqrt(2.0 * (worth + 1.0)));
    for _ in 0..3 {
        let slope = -x * libm::expm1(-x);
        if slope <= 0.0 {
            break;
        }
        x -= (worth_of_call(x) - worth) / slope;
    }
    x
}

/// The interval, in seconds, at which one more call is worth `price`: that is
/// how often a source of this rate and weight is asked in the plan with the
/// least mean age whose last call removes as much. Infinite where nothing ever
/// changes or nothing counts.
///
/// The marginal worth being equal everywhere is the condition of Lagrange for
/// the least `Σ weight · A(T)` at a given `Σ 1/T`.
pub(super) fn interval_at(price: f64, rate: f64, weight: f64) -> f64 {
    if rate <= 0.0 || weight <= 0.0 || price.is_infinite() {
        return f64::INFINITY;
    }
    changes_worth(price * rate * rate / weight) / rate
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same by brute force: the mean over `0..interval` of the mean age.
    fn integrated(rate: f64, interval: f64) -> f64 {
        let steps = 20_000;
        let sum: f64 = (0..steps)
            .map(|step| {
                let t = (f64::from(step) + 0.5) * interval / f64::from(steps);
                t - (1.0 - libm::exp(-rate * t)) / rate
            })
            .sum();
        sum / f64::from(steps)
    }

    #[test]
    fn the_mean_age_is_the_integral_of_its_definition() {
        for (rate, interval) in [(0.001, 60.0), (0.01, 60.0), (0.1, 60.0), (2.0, 60.0)] {
            let (closed, summed) = (mean_age(rate, interval), integrated(rate, interval));
            assert!((closed / summed - 1.0).abs() < 1e-3, "{closed} {summed}");
        }
        assert!(mean_age(0.0, 60.0).abs() < f64::EPSILON);
        assert!((fresh_share(0.0, 60.0) - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_rate_that_changes_is_as_the_sum_of_its_parts() {
        // By small steps of the definition.
        let parts = [(0.002, 300.0), (0.0, 700.0), (0.05, 100.0)];
        let (mut unchanged, mut age, mut aged, mut fresh) = (1.0_f64, 0.0, 0.0, 0.0);
        for (rate, seconds) in parts {
            let step = seconds / 10_000.0;
            for _ in 0..10_000 {
                aged += age * step;
                fresh += unchanged * step;
                age += (1.0 - unchanged) * step;
                unchanged -= rate * unchanged * step;
            }
        }
        let mut expected = Expected::SEEN;
        let passed = parts.map(|(rate, seconds)| expected.pass(rate, seconds));
        let sums: (f64, f64) = passed
            .iter()
            .fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        assert!((sums.0 / aged - 1.0).abs() < 1e-3, "{sums:?} {aged}");
        assert!((sums.1 / fresh - 1.0).abs() < 1e-3, "{sums:?} {fresh}");
        assert!(
            (expected.age / age - 1.0).abs() < 1e-3,
            "{expected:?} {age}"
        );
    }

    proptest! {
        #[test]
        fn the_inverse_inverts(exponent in -12.0_f64..4.0) {
            let x = libm::exp10(exponent);
            let back = changes_worth(worth_of_call(x));
            prop_assert!((back / x - 1.0).abs() < 1e-6, "{} {}", x, back);
        }

        #[test]
        fn the_worth_is_the_slope_of_the_mean_age(
            rate in 1e-4_f64..1.0,
            interval in 10.0_f64..1000.0,
        ) {
            let calls = 1.0 / interval;
            let step = calls * 1e-4;
            let slope = (mean_age(rate, 1.0 / (calls - step)) - mean_age(rate, 1.0 / (calls + step)))
                / (2.0 * step);
            let worth = worth_of_call(rate * interval) / (rate * rate);
            prop_assert!((slope / worth - 1.0).abs() < 1e-3, "{} {}", slope, worth);
        }

        #[test]
        fn a_faster_or_weightier_source_is_never_asked_less_often(
            price in 1e-3_f64..1e7,
            rate in 1e-7_f64..1.0,
            factor in 1.0_f64..100.0,
        ) {
            let interval = interval_at(price, rate, 1.0);
            prop_assert!(interval_at(price, rate * factor, 1.0) <= interval * (1.0 + 1e-6));
            prop_assert!(interval_at(price, rate, factor) <= interval * (1.0 + 1e-6));
        }
    }
}

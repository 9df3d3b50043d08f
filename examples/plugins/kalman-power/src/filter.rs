//! A Kalman filter of one dimension, after Kalman (1960), for a load that
//! wanders slowly and is switched at times.

/// How a reading fits what came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// As far from the estimate as noise goes.
    Expected,
    /// Farther: the load was switched, and the estimate starts from here.
    Switched,
}

/// Readings this many standard deviations away are no noise: of a thousand that
/// are, three lie beyond.
pub(crate) const SURPRISE: f64 = 3.0;

/// How fast the variance of the noise follows what is seen.
const LEARNING_RATE: f64 = 0.05;

/// What is known of one meter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Filter {
    /// The load, in watts.
    pub(crate) estimate: f64,
    /// How unsure that is: its variance.
    pub(crate) variance: f64,
    /// Variance of the meter's noise, learned.
    pub(crate) noise: f64,
}

impl Filter {
    /// A filter that knows one reading and guesses the noise: two percent of
    /// it, and at least two watts.
    pub(crate) fn at(reading: f64) -> Self {
        let deviation = (reading.abs() / 50.0).max(2.0);
        Self {
            estimate: reading,
            variance: deviation * deviation,
            noise: deviation * deviation,
        }
    }

    /// Takes a reading.
    pub(crate) fn update(&mut self, reading: f64, wander: f64) -> Fit {
        let variance = self.variance + wander * wander;
        let innovation = reading - self.estimate;
        let expected = variance + self.noise;
        if innovation * innovation > SURPRISE * SURPRISE * expected {
            *self = Self {
                noise: self.noise,
                ..Self::at(reading)
            };
            return Fit::Switched;
        }
        let gain = variance / expected;
        self.estimate += gain * innovation;
        self.variance = (1.0 - gain) * variance;
        // Of a surprise, this much is expected to be the meter's own.
        let seen = (1.0 - gain) * innovation * innovation;
        self.noise = (self.noise + LEARNING_RATE * (seen - self.noise)).max(0.01);
        Fit::Expected
    }

    pub(crate) fn estimate(&self) -> f64 {
        self.estimate
    }

    /// The standard deviation of the meter's noise.
    pub(crate) fn deviation(&self) -> f64 {
        self.noise.sqrt()
    }
}

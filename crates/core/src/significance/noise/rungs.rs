//! The thresholds that are proposed: round decimals.

use crate::reading::exceeds;

/// 1, 2 and 5 times every power of ten that a reading of a home scatters by,
/// from 10⁻⁹ (a tenth of a millimetre in degrees) to 5 × 10⁹ (bytes).
#[rustfmt::skip]
pub(in super::super) const RUNGS: [f64; 57] = [
    1e-9, 2e-9, 5e-9,
    1e-8, 2e-8, 5e-8,
    1e-7, 2e-7, 5e-7,
    1e-6, 2e-6, 5e-6,
    1e-5, 2e-5, 5e-5,
    1e-4, 2e-4, 5e-4,
    1e-3, 2e-3, 5e-3,
    1e-2, 2e-2, 5e-2,
    1e-1, 2e-1, 5e-1,
    1e0, 2e0, 5e0,
    1e1, 2e1, 5e1,
    1e2, 2e2, 5e2,
    1e3, 2e3, 5e3,
    1e4, 2e4, 5e4,
    1e5, 2e5, 5e5,
    1e6, 2e6, 5e6,
    1e7, 2e7, 5e7,
    1e8, 2e8, 5e8,
    1e9, 2e9, 5e9,
];

/// The first rung that is at least twice the distance of two numbers, compared
/// as decimals; the number of rungs if none is.
pub(super) fn reaching(one: f64, other: f64) -> usize {
    RUNGS.partition_point(|rung| exceeds(one, other, rung / 2.0))
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "rungs are written down, not computed")]
mod tests {
    use super::*;

    #[test]
    fn the_rungs_ascend() {
        assert!(RUNGS.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn a_distance_finds_the_rung_of_twice_itself() {
        for (one, other, expected) in [
            (21.3, 21.4, 0.2),
            (21.4, 21.3, 0.2),
            (-0.05, 0.05, 0.2),
            (1_000_000.1, 1_000_000.2, 0.2),
            (21.3, 21.41, 0.5),
            (0.0, 1.0, 2.0),
            (0.0, 1.01, 5.0),
            (0.0, 2.5, 5.0),
            (1.0, 1.0 + f64::EPSILON, 1e-9),
        ] {
            assert_eq!(RUNGS[reaching(one, other)], expected, "{one} {other}");
        }
        for (one, other) in [(0.0, 2.6e9), (f64::MAX, f64::MIN)] {
            assert_eq!(reaching(one, other), RUNGS.len(), "{one} {other}");
        }
    }
}

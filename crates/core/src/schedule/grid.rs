//! Declared volatility: the table of intervals, and the grid of one interval.
//!
//! A grid is anchored where it was registered. Late calls shift it by nothing,
//! and what was missed is not made up for.

/// What kind of source it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Class {
    Gps,
    Walk,
    Feeding,
    Health,
    Weather,
    Other,
}

/// How restless it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Volatility {
    High,
    Medium,
    Low,
}

/// The interval of a class at a volatility, in microseconds: the class's own,
/// halved when restless, doubled when calm.
pub fn interval_us(class: Class, volatility: Volatility) -> u64 {
    let seconds: u64 = match class {
        Class::Gps => 30,
        Class::Walk | Class::Other => 60,
        Class::Feeding => 300,
        Class::Health | Class::Weather => 900,
    };
    let medium_us = seconds * 1_000_000;
    match volatility {
        Volatility::High => medium_us / 2,
        Volatility::Medium => medium_us,
        Volatility::Low => medium_us * 2,
    }
}

/// The first point after `now_us` of the grid through `point_us`, which is not
/// after `now_us`.
pub(super) fn point_after(now_us: u64, point_us: u64, interval_us: u64) -> u64 {
    let missed = (now_us - point_us) / interval_us;
    point_us + (missed + 1) * interval_us
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: u64 = 1_000_000;

    #[test]
    fn the_table_of_intervals() {
        use Class::{Feeding, Gps, Health, Other, Walk, Weather};
        for (class, medium) in [
            (Gps, 30),
            (Walk, 60),
            (Feeding, 300),
            (Health, 900),
            (Weather, 900),
            (Other, 60),
        ] {
            assert_eq!(interval_us(class, Volatility::High), medium * S / 2);
            assert_eq!(interval_us(class, Volatility::Medium), medium * S);
            assert_eq!(interval_us(class, Volatility::Low), medium * S * 2);
        }
    }

    proptest! {
        #[test]
        fn the_next_point_is_on_the_grid_and_within_one_interval(
            point_us in 0_u64..1 << 50,
            late_us in 0_u64..1 << 50,
            interval_us in 1_u64..1 << 40,
        ) {
            let next_us = point_after(point_us + late_us, point_us, interval_us);
            prop_assert_eq!((next_us - point_us) % interval_us, 0);
            prop_assert!(next_us > point_us + late_us);
            prop_assert!(next_us <= point_us + late_us + interval_us);
        }
    }
}

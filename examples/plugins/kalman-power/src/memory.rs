//! Filters as bytes: a line for each meter, its id and three numbers.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::filter::Filter;

/// The first line; another layout gets another number.
const HEADER: &str = "kalman-power 1";

pub(crate) fn write(filters: impl Iterator<Item = (String, Filter)>) -> Vec<u8> {
    let mut text = format!("{HEADER}\n");
    for (id, filter) in filters {
        let Filter {
            estimate,
            variance,
            noise,
        } = filter;
        let _ = writeln!(text, "{id} {estimate} {variance} {noise}");
    }
    text.into_bytes()
}

pub(crate) fn read(bytes: &[u8]) -> Result<HashMap<String, Filter>, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let mut lines = text.lines();
    if lines.next() != Some(HEADER) {
        return Err(format!("expected `{HEADER}` in the first line"));
    }
    let filters = lines.map(|line| {
        let mut words = line.split(' ');
        let id = words.next().unwrap_or_default().to_owned();
        let mut number = || {
            words
                .next()?
                .parse::<f64>()
                .ok()
                .filter(|it| it.is_finite())
        };
        match (number(), number(), number()) {
            (Some(estimate), Some(variance), Some(noise)) => Ok((
                id,
                Filter {
                    estimate,
                    variance,
                    noise,
                },
            )),
            _ => Err(format!(
                "expected an id and three numbers, and not `{line}`"
            )),
        }
    });
    filters.collect()
}

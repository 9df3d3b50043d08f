//! Numbers and spans of time as people type them.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A span over zero with its unit: `10s`, `15m`, `1h 30m`, `500ms`.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("it must be over zero".to_owned()),
        Ok(span) => Ok(span),
        Err(_) => Err("write a number with its unit, such as 10s, 15m or 1h".to_owned()),
    }
}

/// An IP address with a port. A name could stand for several addresses.
pub(crate) fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "write an IP address and a port, such as 127.0.0.1:8098 or [::1]:8098".to_owned()
    })
}

/// A host without scheme and port: a name, or an IP address.
pub(crate) fn host(text: &str) -> Result<String, String> {
    let of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_name = !text.is_empty() && text.bytes().all(of_a_name);
    if is_name || text.parse::<IpAddr>().is_ok() {
        Ok(text.to_owned())
    } else {
        Err("write a host name without scheme and port, such as hub.lan".to_owned())
    }
}

/// A finite number, at least 0.
pub(crate) fn threshold(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number >= 0.0)
        .ok_or_else(|| "write a number of at least 0, such as 0.5".to_owned())
}

/// A share: `0.01` and `1%` are the same.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let parsed = match text.strip_suffix('%') {
        Some(percent) => threshold(percent.trim_end()).map(|percent| percent / 100.0),
        None => threshold(text),
    };
    parsed.map_err(|_| "write a fraction such as 0.01, or a percentage such as 1%".to_owned())
}

/// A number of bytes with a unit: `64 MiB`, `500 kB`, `1000`.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 9] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("kB", 1_000),
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("B", 1),
        ("", 1),
    ];
    let text = text.trim();
    let read = UNITS.iter().find_map(|(unit, size)| {
        let number = text.strip_suffix(unit)?.trim_end();
        number.parse::<u64>().ok()?.checked_mul(*size)
    });
    read.ok_or_else(|| "write a number of bytes with its unit, such as 64MiB".to_owned())
}

/// A finite number over 0.
pub(crate) fn rate(text: &str) -> Result<f64, String> {
    threshold(text)
        .ok()
        .filter(|number| *number > 0.0)
        .ok_or_else(|| "write a number over 0, such as 20".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_percentages_agree() {
        assert_eq!(share("0.01"), share("1%"));
        assert_eq!(share("1 %"), Ok(0.01));
        assert!(share("%").is_err());
        assert!(share("-1%").is_err());
    }

    #[test]
    fn bytes_have_units() {
        for (text, read) in [
            ("1000", 1000),
            ("64 MiB", 64 << 20),
            ("64MiB", 64 << 20),
            ("2 kB", 2000),
            ("7 B", 7),
        ] {
            assert_eq!(bytes(text), Ok(read), "{text}");
        }
        for bad in ["", "MiB", "-1", "1.5 MiB", "99999999999 GiB", "1 mb"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hosts_have_neither_scheme_nor_port() {
        for good in ["hub.lan", "Hub-2.lan.", "my_hub", "192.168.1.5", "fd00::5"] {
            assert_eq!(host(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "hub.lan:8098",
            "http://hub.lan",
            "*.lan",
            "a b",
            "hub.lan/",
            "hüb.lan",
        ] {
            assert!(host(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn spans_need_a_unit_and_are_over_zero() {
        assert_eq!(span("1h 30m"), Ok(Duration::from_mins(90)));
        assert_eq!(span("500ms"), Ok(Duration::from_millis(500)));
        for bad in ["", "10", "0s", "-1s", "soon"] {
            assert!(span(bad).is_err(), "{bad:?}");
        }
    }
}

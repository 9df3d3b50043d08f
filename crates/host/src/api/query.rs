//! Query parameters, read strictly.
//!
//! A misspelt parameter that is silently ignored stores a value with another
//! life than its caller believes, so an unknown one is an error.

use std::time::Duration;

use percent_encoding::percent_decode_str;

use super::problem::Problem;

/// The decoded `name=value` pairs, in order.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query string in which only `known` names may occur.
    pub(super) fn parse(raw: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let Some(raw) = raw.filter(|raw| !raw.is_empty()) else {
            return Ok(Self(Vec::new()));
        };
        let pairs: Vec<(String, String)> = form_urlencoded::parse(raw.as_bytes())
            .into_owned()
            .collect();
        // Decoding replaces what is no UTF-8, and a value must not become another.
        if percent_decode_str(raw).decode_utf8().is_err() {
            return Err(Problem::invalid(
                "the query parameters must be percent-encoded UTF-8",
            ));
        }
        for (name, _) in &pairs {
            if !known.contains(&name.as_str()) {
                return Err(Problem::invalid(if known.is_empty() {
                    format!("`{name}` is unknown: there are no query parameters here")
                } else {
                    format!(
                        "the query parameter `{name}` is unknown; known are {}",
                        known.join(", ")
                    )
                }));
            }
        }
        Ok(Self(pairs))
    }

    /// The values of a parameter that may be repeated.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that may stand once.
    pub(super) fn one<'a>(&'a self, name: &'a str) -> Result<Option<&'a str>, Problem> {
        let mut values = self.all(name);
        let first = values.next();
        if values.next().is_some() {
            return Err(Problem::invalid(format!(
                "the query parameter `{name}` stands there more than once"
            )));
        }
        Ok(first)
    }

    /// A time in seconds, over 0.
    pub(super) fn seconds(&self, name: &str) -> Result<Option<Duration>, Problem> {
        self.seconds_of_at_least(name, Duration::from_micros(1), "over 0")
    }

    /// A time in seconds, which may be none.
    pub(super) fn seconds_or_none(&self, name: &str) -> Result<Option<Duration>, Problem> {
        self.seconds_of_at_least(name, Duration::ZERO, "from 0 on")
    }

    /// The optimizer refuses what is longer than it can count.
    fn seconds_of_at_least(
        &self,
        name: &str,
        least: Duration,
        range: &str,
    ) -> Result<Option<Duration>, Problem> {
        let Some(text) = self.one(name)? else {
            return Ok(None);
        };
        text.parse::<f64>()
            .ok()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .filter(|length| *length >= least)
            .map(Some)
            .ok_or_else(|| {
                Problem::invalid(format!(
                    "`{name}={text}` is not a number of seconds {range}, such as `{name}=300` or `{name}=0.5`"
                ))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_and_unknown_names() {
        let query = Query::parse(Some("tag=a&tag=b%20c&ttl=1"), &["tag", "ttl"]).unwrap();
        assert_eq!(query.all("tag").collect::<Vec<_>>(), ["a", "b c"]);
        assert_eq!(query.one("ttl").unwrap(), Some("1"));
        assert_eq!(query.one("wait").unwrap(), None);
        assert!(query.one("tag").is_err());
        assert!(Query::parse(Some("tll=1"), &["ttl"]).is_err());
        assert!(Query::parse(Some("ttl=1"), &[]).is_err());
        assert!(Query::parse(Some("tag=%ff"), &["tag"]).is_err());
        assert!(Query::parse(Some("tag=%c3%a4"), &["tag"]).is_ok());
        assert!(Query::parse(None, &[]).is_ok());
        assert!(Query::parse(Some(""), &[]).is_ok());
    }
}

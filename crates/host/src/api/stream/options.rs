//! What a stream is asked for.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName};
use weirhouse_runner::wit::shaping::{Profile, Significance};

use crate::api::parameters::{self, OF_ENTITIES};
use crate::api::problem::Problem;
use crate::api::query::Query as Parameters;
use crate::hub::Resume;
use crate::mirror::{Cursor, Query};
use crate::quantity;

/// What a client of server-sent events got last, by itself.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Most entities that wait for one client: more than any home has.
const CAPACITY: u32 = 100_000;

/// Parameters that shape what a client gets.
const SHAPING: [&str; 6] = [
    "significance",
    "interval",
    "max_stale",
    "fields",
    "snapshot",
    "since",
];

/// Which events, and of what.
pub(super) struct Options {
    pub(super) query: Query,
    /// How states are shaped for this client; `None` for what the home's own
    /// rules publish.
    pub(super) shape: Option<(Profile, Resume)>,
}

impl Options {
    pub(super) fn read(raw: Option<&str>, headers: &HeaderMap) -> Result<Self, Problem> {
        let known: Vec<&str> = OF_ENTITIES.into_iter().chain(SHAPING).collect();
        let parameters = Parameters::parse(raw, &known)?;
        let query = parameters::of_stream(&parameters)?;
        let significance = parameters.one("significance")?.unwrap_or("home");
        if significance == "home" {
            for name in &SHAPING[1..] {
                if parameters.all(name).next().is_some() {
                    return Err(Problem::invalid(format!(
                        "`{name}` shapes the stream of one client; say with `significance` what matters to it: `none` for every change, a number, or a percentage such as `5%`"
                    )));
                }
            }
            return Ok(Self { query, shape: None });
        }
        let interval = parameters.one("interval")?;
        let interval = interval.map(|text| match text {
            "0" => Ok(Duration::ZERO),
            _ => span("interval", text),
        });
        let max_stale = parameters.one("max_stale")?;
        let max_stale = max_stale.map(|text| span("max_stale", text)).transpose()?;
        let profile = Profile {
            interval: micros(interval.transpose()?.unwrap_or_default()),
            significance: significance_of(significance)?,
            attributes: query.shows_attributes(),
            max_stale: max_stale.map(micros),
            capacity: CAPACITY,
        };
        let snapshot = match parameters.one("snapshot")? {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(Problem::invalid("`snapshot` must be `true` or `false`")),
        };
        // A client that reconnects by itself repeats its first request, and says
        // where it stands in the header.
        let resume = match last_event(headers).or(query.since) {
            Some(cursor) => Resume::Since(cursor),
            None if snapshot => Resume::Snapshot,
            None => Resume::Now,
        };
        Ok(Self {
            query,
            shape: Some((profile, resume)),
        })
    }
}

/// Where a client stands that reconnects.
fn last_event(headers: &HeaderMap) -> Option<Cursor> {
    let value = headers.get(LAST_EVENT_ID)?;
    // What is no cursor is none of this run, and the client has to begin anew.
    let cursor = value.to_str().ok().and_then(|text| text.parse().ok());
    Some(cursor.unwrap_or(Cursor::UNKNOWN))
}

fn significance_of(text: &str) -> Result<Significance, Problem> {
    if text == "none" {
        return Ok(Significance::Any);
    }
    let read = match text.strip_suffix('%') {
        Some(_) => quantity::share(text).map(Significance::Percentage),
        None => quantity::threshold(text).map(Significance::Absolute),
    };
    read.map_err(|_| {
        Problem::invalid(format!(
            "`significance={}` is unknown; it is `home`, `none`, a number such as `0.5`, or a percentage such as `5%`",
            text.escape_debug()
        ))
    })
}

fn span(name: &str, text: &str) -> Result<Duration, Problem> {
    quantity::span(text)
        .map_err(|error| Problem::invalid(format!("`{name}={}`: {error}", text.escape_debug())))
}

/// Beyond what the optimizer takes where it does not fit.
fn micros(span: Duration) -> i64 {
    span.as_micros().try_into().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Result<Option<(Profile, Resume)>, Problem> {
        Options::read(Some(raw), &HeaderMap::new()).map(|options| options.shape)
    }

    #[test]
    fn a_stream_is_shaped_as_it_is_asked_for() {
        assert!(read("entity=light.*&area=hall").unwrap().is_none());
        assert!(read("significance=home").unwrap().is_none());
        let (profile, resume) =
            read("significance=5%25&interval=1500ms&max_stale=1m&snapshot=true&fields=state")
                .unwrap()
                .unwrap();
        assert_eq!(profile.interval, 1_500_000);
        assert_eq!(profile.max_stale, Some(60_000_000));
        assert_eq!(profile.significance, Significance::Percentage(0.05));
        assert!(!profile.attributes);
        assert_eq!(resume, Resume::Snapshot);
        let (profile, resume) = read("significance=none&interval=0&fields=attributes.unit")
            .unwrap()
            .unwrap();
        assert_eq!((profile.interval, profile.attributes), (0, true));
        assert_eq!(resume, Resume::Now);
        let mut headers = HeaderMap::new();
        headers.insert(LAST_EVENT_ID, "17".parse().unwrap());
        let raw = Some("significance=0.5&since=00000001-1");
        let (_, resume) = Options::read(raw, &headers).unwrap().shape.unwrap();
        assert_eq!(resume, Resume::Since(Cursor::UNKNOWN));
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for raw in [
            "interval=5s",
            "snapshot=true",
            "fields=state&significance=home",
            "significance=some",
            "significance=-1",
            "significance=nan",
            "significance=5%25%25",
            "significance=none&interval=5",
            "significance=none&interval=fast",
            "significance=none&max_stale=0s",
            "significance=none&snapshot=1",
            "significance=none&since=yesterday",
            "significance=none&significance=1",
            "significance=none&entity=Sensor",
            "significance=none&limit=5",
        ] {
            assert!(read(raw).is_err(), "{raw}");
        }
    }
}

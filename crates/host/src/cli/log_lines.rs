//! Lines of the log that name the request on whose behalf they are written.
//!
//! A span for each request would do the same, and cost every request something, though most write nothing.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

use crate::config::LogFormat;
use crate::request;

/// Lines as `inner` writes them, with `request_id` at their end.
pub(super) struct OfRequest<F> {
    pub(super) inner: F,
    pub(super) format: LogFormat,
}

impl<S, N, F> FormatEvent<S, N> for OfRequest<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(id) = request::of_event(event) else {
            return self.inner.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.inner
            .format_event(context, Writer::new(&mut line), event)?;
        let line = line.trim_end();
        match self.format {
            LogFormat::Text => writeln!(writer, "{line} request_id={id}"),
            // An id is letters, digits and `-_.:`, and needs no escapes.
            LogFormat::Json => {
                let members = line.strip_suffix('}').unwrap_or(line);
                writeln!(writer, "{members},\"request_id\":\"{id}\"}}")
            }
        }
    }
}

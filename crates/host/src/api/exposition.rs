//! Prometheus' text format, version 0.0.4, as far as it is used here.
//!
//! Written out rather than collected through a registry, because all numbers
//! are already counted elsewhere and only have to be spelled.

use std::fmt::{Display, Write as _};

/// The media type of the format.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A text under construction. Each family is to be written once.
#[derive(Debug, Default)]
pub(super) struct Exposition(String);

impl Exposition {
    /// A number that only rises; `name` without the suffix `_total`.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.counters(name, help, &[(&[], value)]);
    }

    /// Counters that differ in labels.
    pub(super) fn counters(&mut self, name: &str, help: &str, samples: &[(&[Label<'_>], u64)]) {
        let name = format!("{name}_total");
        self.head(&name, help, "counter");
        for (labels, value) in samples {
            self.sample(&name, labels, value);
        }
    }

    /// A number that rises and falls.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.gauges(name, help, &[(&[], value)]);
    }

    /// Gauges that differ in labels.
    pub(super) fn gauges(
        &mut self,
        name: &str,
        help: &str,
        samples: &[(&[Label<'_>], impl Display)],
    ) {
        self.head(name, help, "gauge");
        for (labels, value) in samples {
            self.sample(name, labels, value);
        }
    }

    /// The whole text.
    pub(super) fn finish(self) -> String {
        self.0
    }

    pub(super) fn head(&mut self, name: &str, help: &str, kind: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    pub(super) fn sample(&mut self, name: &str, labels: &[Label<'_>], value: impl Display) {
        self.0.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            let open = if index == 0 { '{' } else { ',' };
            let text = text
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            let _ = write!(self.0, "{open}{label}=\"{text}\"");
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }
}

/// A label and its value.
pub(super) type Label<'a> = (&'a str, &'a str);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_as_the_format_wants() {
        let mut text = Exposition::default();
        text.counter("a", "Help with a\nbreak.", 3);
        text.gauges(
            "b",
            "Help.",
            &[(&[("x", "one"), ("y", "t\"w\\o\n")], 0.5), (&[], 2.0)],
        );
        assert_eq!(
            text.finish(),
            "# HELP a_total Help with a\\nbreak.\n# TYPE a_total counter\na_total 3\n\
             # HELP b Help.\n# TYPE b gauge\nb{x=\"one\",y=\"t\\\"w\\\\o\\n\"} 0.5\nb 2\n"
        );
    }
}

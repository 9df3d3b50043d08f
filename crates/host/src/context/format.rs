//! How lines, headings and what stands around them are written.
//!
//! In every format a line of the text is a line of the home, so that the tokens of lines add up: tokenizers hardly
//! ever join what a line break separates.

use std::fmt::Write as _;

use super::line::Line;

/// How a context is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Plain text.
    #[default]
    Text,
    /// Markdown: headings and lists.
    Markdown,
    /// A JSON object.
    Json,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Text, Self::Markdown, Self::Json];

    /// Its name in a query.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::Json => "json",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; charset=utf-8",
            Self::Markdown => "text/markdown; charset=utf-8",
            Self::Json => "application/json",
        }
    }

    /// The line of one entity, with what ends it.
    pub(super) fn line(self, line: &Line) -> String {
        let mut out = String::with_capacity(96);
        // Writing to memory has no way to fail.
        let _ = match self {
            Self::Text if line.name.is_empty() => write!(out, "{}: ", line.entity_id),
            Self::Text => write!(out, "{} ({}): ", line.name, line.entity_id),
            Self::Markdown => {
                out.push_str("- ");
                if !line.name.is_empty() {
                    escape(&mut out, &line.name);
                    out.push(' ');
                }
                write!(out, "`{}`: ", line.entity_id.replace('`', "'"))
            }
            Self::Json => {
                json_line(&mut out, line);
                return out;
            }
        };
        let mut say = |text: &str| match self {
            Self::Markdown => escape(&mut out, text),
            _ => out.push_str(text),
        };
        say(line.means.unwrap_or(&line.state));
        if !line.unit.is_empty() {
            say(" ");
            say(&line.unit);
        }
        for (name, value) in &line.details {
            say(", ");
            say(name);
            say(" ");
            say(value);
        }
        out.push('\n');
        out
    }

    /// What stands before the lines of a section.
    pub(super) fn heading(self, id: &str, name: &str) -> String {
        match self {
            Self::Text => format!("{name}:\n"),
            Self::Markdown => {
                let mut out = "## ".to_owned();
                escape(&mut out, name);
                out.push('\n');
                out
            }
            Self::Json => format!(
                "{{\"id\":{},\"name\":{},\"lines\":[\n",
                quoted(id),
                quoted(name)
            ),
        }
    }

    /// What stands behind the lines of a section.
    pub(super) fn closing(self) -> &'static str {
        match self {
            Self::Json => "]},\n",
            Self::Text | Self::Markdown => "",
        }
    }

    /// What stands before the first section.
    pub(super) fn opening(self, frame: &Frame<'_>) -> String {
        match self {
            Self::Json => format!(
                "{{\"as_of\":{},\"stale\":{},\"full\":{},\"cursor\":{},\"sections\":[\n",
                frame.as_of.map_or_else(|| "null".to_owned(), quoted),
                frame.stale,
                frame.full,
                quoted(frame.cursor),
            ),
            _ if frame.stale => "These states may be out of date.\n".to_owned(),
            _ => String::new(),
        }
    }

    /// What stands behind the last section.
    pub(super) fn ending(self, removed: &[String], omitted: u32) -> String {
        match self {
            Self::Json => {
                let removed: Vec<String> = removed.iter().map(|id| quoted(id)).collect();
                let removed = removed.join(",");
                format!("],\"removed\":[{removed}],\"omitted\":{omitted}}}\n")
            }
            _ if removed.is_empty() => String::new(),
            _ => format!("Gone: {}\n", removed.join(", ")),
        }
    }
}

/// What an answer says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) as_of: Option<&'a str>,
    pub(super) stale: bool,
    pub(super) full: bool,
    pub(super) cursor: &'a str,
}

/// Takes the comma off the last item of a list.
pub(super) fn end_list(out: &mut String) {
    if out.ends_with(",\n") {
        out.truncate(out.len() - 2);
        out.push('\n');
    }
}

fn json_line(out: &mut String, line: &Line) {
    let mut members = vec![("entity_id", line.entity_id.as_str())];
    let some = [
        ("name", line.name.as_str()),
        ("state", &line.state),
        ("means", line.means.unwrap_or_default()),
        ("unit", &line.unit),
    ];
    members.extend(some.into_iter().filter(|(_, value)| !value.is_empty()));
    let details = line.details.iter();
    members.extend(details.map(|(name, value)| (*name, value.as_str())));
    let members: Vec<String> = members
        .into_iter()
        .map(|(name, value)| format!("{}:{}", quoted(&name.replace(' ', "_")), quoted(value)))
        .collect();
    let _ = writeln!(out, "{{{}}},", members.join(","));
}

/// A JSON string.
fn quoted(text: &str) -> String {
    // Texts always serialise.
    serde_json::to_string(text).unwrap_or_default()
}

/// Appends a text in which nothing is Markdown, so that no name makes a link, a picture or HTML.
fn escape(out: &mut String, text: &str) {
    for character in text.chars() {
        if matches!(
            character,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&'
        ) {
            out.push('\\');
        }
        out.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lamp() -> Line {
        Line {
            entity_id: "light.hall".to_owned(),
            name: "![x](http://a) *Lamp*".to_owned(),
            state: "on".to_owned(),
            unit: String::new(),
            details: vec![("brightness", "50 %".to_owned())],
            means: None,
        }
    }

    #[test]
    fn a_line_in_each_format() {
        assert_eq!(
            Format::Text.line(&lamp()),
            "![x](http://a) *Lamp* (light.hall): on, brightness 50 %\n"
        );
        assert_eq!(
            Format::Markdown.line(&lamp()),
            "- !\\[x\\](http://a) \\*Lamp\\* `light.hall`: on, brightness 50 %\n"
        );
        assert_eq!(
            Format::Json.line(&lamp()),
            "{\"entity_id\":\"light.hall\",\"name\":\"![x](http://a) *Lamp*\",\"state\":\"on\",\"brightness\":\"50 %\"},\n"
        );
        let door = Line {
            entity_id: "binary_sensor.door".to_owned(),
            state: "on".to_owned(),
            means: Some("open"),
            ..Line::default()
        };
        assert_eq!(Format::Text.line(&door), "binary_sensor.door: open\n");
        assert!(
            Format::Json
                .line(&door)
                .contains(r#""state":"on","means":"open""#)
        );
    }

    #[test]
    fn a_list_ends_without_a_comma() {
        let mut text = "a,\n".to_owned();
        end_list(&mut text);
        assert_eq!(text, "a\n");
        end_list(&mut text);
        assert_eq!(text, "a\n");
    }
}

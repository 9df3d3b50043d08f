//! How an event stands in a stream: as a server-sent event, or as a message of a
//! WebSocket.
//!
//! Rows come as JSON text that was serialised once, and are copied.

/// What is said of an event beside its data.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event<'a> {
    /// What it is.
    pub(super) name: &'static str,
    /// Where to resume once it has arrived.
    pub(super) id: Option<&'a str>,
    /// Changes that were merged into it.
    pub(super) merged: u32,
}

impl Event<'_> {
    pub(super) fn named(name: &'static str) -> Self {
        Self {
            name,
            id: None,
            merged: 0,
        }
    }
}

/// The form of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// Blocks of lines, an empty one after each.
    ServerSent,
    /// One JSON object in a line of its own, which becomes a message: `event`, `id` if there is one, and `data`.
    WebSocket,
}

impl Framing {
    /// Appends an event whose data is this JSON object.
    pub(super) fn append(self, event: &Event<'_>, json: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::ServerSent => {
                out.extend_from_slice(b"event: ");
                out.extend_from_slice(event.name.as_bytes());
                if let Some(id) = event.id {
                    out.extend_from_slice(b"\nid: ");
                    out.extend_from_slice(id.as_bytes());
                }
                out.extend_from_slice(b"\ndata: ");
                append_data(event, json, out);
                out.extend_from_slice(b"\n\n");
            }
            Self::WebSocket => {
                out.extend_from_slice(b"{\"event\":\"");
                out.extend_from_slice(event.name.as_bytes());
                if let Some(id) = event.id {
                    out.extend_from_slice(b"\",\"id\":\"");
                    out.extend_from_slice(id.as_bytes());
                }
                out.extend_from_slice(b"\",\"data\":");
                append_data(event, json, out);
                out.extend_from_slice(b"}\n");
            }
        }
    }
}

/// Appends the object, with `merged` as its first member where there is
/// something to tell, in one line.
fn append_data(event: &Event<'_>, json: &[u8], out: &mut Vec<u8>) {
    let mut rest = json;
    if event.merged > 0
        && let Some((b'{', members)) = json.split_first()
    {
        out.extend_from_slice(format!("{{\"merged\":{}", event.merged).as_bytes());
        if members.trim_ascii() != b"}" {
            out.push(b',');
        }
        rest = members;
    }
    let from = out.len();
    out.extend_from_slice(rest);
    // Between the tokens of JSON a line break is white space like any other;
    // within texts there is none.
    if let Some(data) = out.get_mut(from..) {
        for byte in data.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')) {
            *byte = b' ';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(framing: Framing, event: &Event<'_>, json: &str) -> String {
        let mut out = Vec::new();
        framing.append(event, json.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn events_stand_in_their_form() {
        let plain = Event::named("reset");
        let told = Event {
            id: Some("0-1"),
            merged: 2,
            ..Event::named("change")
        };
        for (framing, event, json, expected) in [
            (
                Framing::ServerSent,
                &plain,
                "{\"a\":\n1}",
                "event: reset\ndata: {\"a\": 1}\n\n",
            ),
            (
                Framing::ServerSent,
                &told,
                "{\"a\":1}",
                "event: change\nid: 0-1\ndata: {\"merged\":2,\"a\":1}\n\n",
            ),
            (
                Framing::WebSocket,
                &plain,
                "{}",
                "{\"event\":\"reset\",\"data\":{}}\n",
            ),
            (
                Framing::WebSocket,
                &told,
                "{}",
                "{\"event\":\"change\",\"id\":\"0-1\",\"data\":{\"merged\":2}}\n",
            ),
        ] {
            assert_eq!(framed(framing, event, json), expected);
        }
    }
}

//! A stream over a WebSocket: each event is a text message.
//!
//! What is streamed is said in the request, so nothing is taken from the client
//! but pongs and its farewell.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Message, Utf8Bytes};

use super::frame::{Event, Framing};
use super::{End, Next, Open};

/// Largest message of a client: it has nothing to say.
const MESSAGE_BYTES: usize = 4 << 10;

/// Bytes that wait for the socket before the next are taken.
const BUFFER_BYTES: usize = 16 << 10;

/// A client that takes nothing for this long is gone.
const UNREAD_LIMIT: Duration = Duration::from_mins(1);

/// How long a client may take to say farewell.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why a stream ended, in words for the client; `None` if it has gone.
type Farewell = Option<(CloseCode, &'static str)>;

/// Sends the stream until either side ends it.
pub(super) async fn serve<S>(mut open: Open, connection: S)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES))
        .max_frame_size(Some(MESSAGE_BYTES))
        .read_buffer_size(MESSAGE_BYTES)
        .write_buffer_size(BUFFER_BYTES);
    let mut socket = WebSocketStream::from_raw_socket(connection, Role::Server, Some(limits)).await;
    let Some((code, reason)) = send_all(&mut open, &mut socket).await else {
        return;
    };
    let frame = CloseFrame {
        code,
        reason: Utf8Bytes::from_static(reason),
    };
    let farewell = async {
        if socket.close(Some(frame)).await.is_ok() {
            // What the client still says is of no interest.
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    let _ = timeout(FAREWELL, farewell).await;
}

async fn send_all<S>(open: &mut Open, socket: &mut WebSocketStream<S>) -> Farewell
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let next = tokio::select! {
            next = open.next(Framing::WebSocket) => next,
            message = socket.next() => match message {
                Some(Ok(Message::Text(_) | Message::Binary(_))) => {
                    return Some((
                        CloseCode::Unsupported,
                        "this stream takes no messages; say what you want in the request",
                    ));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Err(error)) => return fault(&error),
                Some(Ok(Message::Close(_))) => {
                    // The answer to it is written already, and waits to leave.
                    let _ = timeout(FAREWELL, socket.flush()).await;
                    return None;
                }
                None => return None,
            },
        };
        let events = match next {
            Next::Events(events) => events,
            Next::Silence => match open.progress() {
                Some(cursor) => {
                    let event = Event {
                        id: Some(&cursor),
                        ..Event::named("cursor")
                    };
                    let json = json!({ "cursor": cursor }).to_string();
                    let mut out = Vec::new();
                    Framing::WebSocket.append(&event, json.as_bytes(), &mut out);
                    out
                }
                None => Vec::new(),
            },
            Next::End(End::Stop) => return Some((CloseCode::Away, "Weirhouse stops")),
            Next::End(End::Revoked) => {
                return Some((CloseCode::Policy, "the token is no longer accepted"));
            }
            Next::End(End::Broken) => return Some((CloseCode::Error, "the stream broke")),
        };
        let sent = tokio::select! {
            sent = timeout(UNREAD_LIMIT, send(socket, &events)) => sent,
            // One that does not read has had its time.
            () = open.revocation.wait() => return None,
        };
        match sent {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return fault(&error),
            Err(_) => return None,
        }
    }
}

/// Sends each line as a message, and a ping where there is none.
async fn send<S>(socket: &mut WebSocketStream<S>, events: &[u8]) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if events.is_empty() {
        return socket.send(Message::Ping(Bytes::new())).await;
    }
    let events = events.strip_suffix(b"\n").unwrap_or(events);
    for event in events.split(|byte| *byte == b'\n') {
        // States are texts, and so is what was cut out of them.
        let text = Utf8Bytes::try_from(event.to_vec()).unwrap_or_default();
        socket.feed(Message::Text(text)).await?;
    }
    socket.flush().await
}

/// What a client is told that did not keep to the protocol.
fn fault(error: &Error) -> Farewell {
    match error {
        Error::Capacity(_) => Some((CloseCode::Size, "a message is over 4 KiB")),
        Error::Utf8(_) => Some((CloseCode::Invalid, "a text is no UTF-8")),
        Error::Protocol(_) => Some((CloseCode::Protocol, "a frame is malformed")),
        _ => None,
    }
}

//! The task that only reads: WebSocket in, bounded queue out.
//!
//! It parses nothing, so that Home Assistant never waits for more than a full queue.

use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::{LinkStats, dial::Socket};
use crate::DisconnectReason;
use crate::wire::one_line;

/// WebSocket close code that stands for "none given".
const NO_STATUS: u16 = 1005;

/// What the reader hands on; an error is the last.
pub(super) type Inbound = Result<Utf8Bytes, DisconnectReason>;

/// Reads until the connection ends or nobody listens.
pub(super) async fn read(
    mut stream: SplitStream<Socket>,
    queue: mpsc::Sender<Inbound>,
    stats: Arc<LinkStats>,
) {
    // A text shares its memory with the stream's buffer. While one is held the stream takes a new buffer when its own
    // is used up; otherwise it would keep that of a large message for good.
    let mut previous = None;
    loop {
        let inbound = match stream.next().await {
            Some(Ok(Message::Text(text))) => {
                stats.frames.fetch_add(1, Ordering::Relaxed);
                stats.bytes.fetch_add(text.len() as u64, Ordering::Relaxed);
                drop(previous.replace(text.clone()));
                Ok(text)
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
            Some(Ok(Message::Binary(_))) => Err(DisconnectReason::Binary),
            Some(Ok(Message::Close(frame))) => Err(DisconnectReason::Closed {
                code: frame.as_ref().map_or(NO_STATUS, |frame| frame.code.into()),
                reason: frame.map_or_else(String::new, |frame| one_line(&frame.reason)),
            }),
            Some(Err(error)) => Err(DisconnectReason::from_stream(&error)),
            None => Err(DisconnectReason::Broken {
                detail: "end of stream".to_owned(),
            }),
        };
        let last = inbound.is_err();
        let sent = match queue.try_send(inbound) {
            Err(TrySendError::Full(inbound)) => {
                stats.reader_waits.fetch_add(1, Ordering::Relaxed);
                queue.send(inbound).await.is_ok()
            }
            outcome => outcome.is_ok(),
        };
        if last || !sent {
            return;
        }
    }
}

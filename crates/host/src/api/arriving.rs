//! The body of a request on its way in.
//!
//! It tells its connection when a part has come and when it is complete, so
//! that one whose body does not come can make room.
//!
//! A request may be answered before all of it is here. To close the connection
//! then would reset it, and many a client that is still sending would never see
//! the answer: what is left is read for some seconds and thrown away.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use axum::http::{HeaderMap, header};
use http_body::{Frame, SizeHint};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::connections::Awaited;

/// Most bytes that are read of a body nobody wants: more than anyone sends by
/// mistake. They are thrown away as they come.
const MOST_UNWANTED_BYTES: u64 = 128 << 20;

/// Longest time that is spent on it: as much takes that long in most networks.
/// A connection that only throws away counts as idle, and makes room for others.
const UNWANTED_LIMIT: Duration = Duration::from_secs(10);

/// A body that is not here yet.
pub(super) struct Arriving<B>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
{
    /// `None` once nothing more is wanted of it.
    body: Option<B>,
    /// `None` once it is complete.
    awaited: Option<Awaited>,
    /// The client waits for a word before it sends anything.
    holds_back: bool,
}

impl<B> Arriving<B>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
{
    /// The body that a connection awaits, to a request with these headers.
    pub(super) fn new(body: B, headers: &HeaderMap, awaited: Awaited) -> Self {
        let holds_back = headers
            .get(header::EXPECT)
            .is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        Self {
            body: Some(body),
            awaited: Some(awaited),
            holds_back,
        }
    }
}

impl<B> HttpBody for Arriving<B>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        // To ask is the word the client waits for.
        self.holds_back = false;
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(&mut *body).poll_frame(context));
        let is_more = matches!(frame, Some(Ok(_))) && !body.is_end_stream();
        if !is_more {
            self.body = None;
            self.awaited = None;
        } else if let Some(awaited) = &self.awaited {
            awaited.progress();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let hint = self.body.as_ref().map(HttpBody::size_hint);
        hint.unwrap_or_else(|| SizeHint::with_exact(0))
    }
}

impl<B> Drop for Arriving<B>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
{
    fn drop(&mut self) {
        let (Some(body), Some(awaited)) = (self.body.take(), self.awaited.take()) else {
            return;
        };
        let left = body.size_hint().upper();
        if self.holds_back || left.is_none_or(|left| left > MOST_UNWANTED_BYTES) {
            awaited.give_up();
        }
        // One that waits for a word gets the answer instead, and sends nothing.
        if !self.holds_back
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(throw_away(body));
        }
    }
}

/// Reads what is left of a body, within bounds.
async fn throw_away<B>(mut body: B)
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    let mut left = MOST_UNWANTED_BYTES;
    let all = async {
        while let Some(Ok(frame)) = poll_fn(|it| Pin::new(&mut body).poll_frame(it)).await {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            left = left.saturating_sub(bytes as u64);
            if left == 0 {
                break;
            }
        }
    };
    let _ = timeout(UNWANTED_LIMIT, all).await;
}

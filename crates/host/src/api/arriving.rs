//! The body of a request on its way in.
//!
//! It tells its connection when a part has come and when it is complete, so
//! that one whose body does not come can make room.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::HttpBody;
use http_body::{Frame, SizeHint};

use super::connections::Awaited;

/// A body that is not here yet.
pub(super) struct Arriving<B> {
    body: B,
    /// `None` once it is complete.
    awaited: Option<Awaited>,
}

impl<B: HttpBody + Unpin> Arriving<B> {
    /// The body that a connection awaits.
    pub(super) fn new(body: B, awaited: Awaited) -> Self {
        Self {
            body,
            awaited: Some(awaited),
        }
    }
}

impl<B: HttpBody + Unpin> HttpBody for Arriving<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() || self.body.is_end_stream() {
            self.awaited = None;
        } else if let Some(awaited) = &self.awaited {
            awaited.progress();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

//! A stream that gives little before it is trusted.
//!
//! A WebSocket collects a whole message before anyone sees it. Of somebody who has not logged in, no more is read than
//! a login can have.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Most bytes read of somebody who has not logged in: Home Assistant takes 64 KiB in its login, and frames have heads.
const UNTRUSTED_BYTES: u64 = (64 << 10) + 64;

/// A stream with a bound on what is read, until that is lifted.
#[derive(Debug)]
pub(super) struct Metered<S> {
    stream: S,
    left: u64,
    trusted: Trust,
}

/// Lifts the bound of a stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Trust(Arc<AtomicBool>);

impl Trust {
    /// Lifts it.
    pub(super) fn give(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<S> Metered<S> {
    /// A stream of which little is read until `trusted` is given.
    pub(super) fn new(stream: S, trusted: Trust) -> Self {
        Self {
            stream,
            left: UNTRUSTED_BYTES,
            trusted,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if !self.trusted.0.load(Ordering::Relaxed) {
            let read = (buffer.filled().len() - before) as u64;
            let Some(left) = self.left.checked_sub(read) else {
                // Who is told of an error is told of no bytes.
                buffer.set_filled(before);
                return Poll::Ready(Err(io::Error::other("too much before the login")));
            };
            self.left = left;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn little_is_read_before_the_login_and_all_after_it() {
        let (mut client, server) = tokio::io::duplex(1 << 20);
        let trust = Trust::default();
        let mut metered = Metered::new(server, trust.clone());
        client.write_all(&vec![7; 200 << 10]).await.unwrap();
        let mut read = vec![0; 64 << 10];
        metered.read_exact(&mut read).await.unwrap();
        trust.give();
        metered.read_exact(&mut read).await.unwrap();

        let mut stranger = Metered::new(tokio::io::repeat(7), Trust::default());
        let mut given = 0;
        let mut some = [0; 1000];
        while let Ok(read) = stranger.read(&mut some).await {
            given += read as u64;
            assert!(given <= UNTRUSTED_BYTES, "{given}");
        }
        assert!(given + some.len() as u64 > UNTRUSTED_BYTES, "{given}");
    }
}

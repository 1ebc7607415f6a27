//! Lines in the head of a request of HTTP/1.1 end in CRLF.
//!
//! RFC 9112 §2.2 lets a server take a line feed alone for the end of a line, and hyper does. A proxy
//! that takes it for a part of a value would see one request where this server sees two. So it is
//! replaced by a byte that no head may have: hyper answers 400 and ends the connection.
//!
//! Bodies are not changed, nor a request that arrives before the one in front of it is answered.

use crate::activity::Activity;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A byte that no head may have (RFC 9110 §5.5).
const FORBIDDEN: u8 = 0;

/// A connection whose heads are checked before they are read.
#[derive(Debug)]
pub(crate) struct LineEnds<S> {
    stream: S,
    activity: Activity,
    head: Head,
}

/// The part of a head that has arrived.
#[derive(Debug, Default)]
struct Head {
    /// True after the first line that is not empty. Empty lines before it are allowed.
    has_begun: bool,
    /// True if the present line is not empty.
    has_text: bool,
    ends_in_cr: bool,
}

impl<S> LineEnds<S> {
    /// The requests of `stream` are counted in `activity`.
    pub(crate) fn new(stream: S, activity: Activity) -> Self {
        Self { stream, activity, head: Head::default() }
    }
}

impl Head {
    /// Replaces each line feed alone, up to the end of the head.
    fn check(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            match *byte {
                b'\n' if !self.ends_in_cr => *byte = FORBIDDEN,
                b'\n' if self.has_text => (self.has_begun, self.has_text) = (true, false),
                b'\n' if self.has_begun => {
                    *self = Self::default();
                    return;
                }
                b'\n' | b'\r' => {}
                _ => self.has_text = true,
            }
            self.ends_in_cr = *byte == b'\r';
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for LineEnds<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        // During a request its body arrives.
        if self.activity.is_idle() {
            self.head.check(&mut buffer.filled_mut()[before..]);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for LineEnds<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of a text that arrives in pieces of this size.
    fn checked(text: &str, size: usize) -> String {
        let mut head = Head::default();
        let mut bytes = text.as_bytes().to_vec();
        bytes.chunks_mut(size).for_each(|piece| head.check(piece));
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_feed_alone_is_replaced() {
        for size in [1, 2, 3, 100] {
            for (text, left) in [
                ("GET /\r\nX: y\n\nGET", "GET /\r\nX: y\0\0GET"),
                ("GET /\r\nX: y\n\r\nGET", "GET /\r\nX: y\0\r\nGET"),
                ("GET /\nX: y\r\n", "GET /\0X: y\r\n"),
                ("\nGET /\r\n", "\0GET /\r\n"),
                ("\r\n\r\nGET /\r\nX: y\n", "\r\n\r\nGET /\r\nX: y\0"),
            ] {
                assert_eq!(checked(text, size), left, "{text:?} {size}");
            }
        }
    }

    #[test]
    fn what_follows_a_head_is_unchanged() {
        let text = "POST /\r\nX: y\r\n\r\n{\n}\n";
        assert_eq!(checked(text, 100), text);
    }
}

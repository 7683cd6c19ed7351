//! A stream that decodes the WebSocket frames of the client as they pass.
//!
//! It works below the WebSocket library, so that relays which own their connection are seen too.

use std::io::Cursor;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{self, AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::deafness::Deafness;
use crate::seen::Recorder;

/// A client message longer than this is not written down.
const MAX_MESSAGE: usize = 4 << 20;

/// Passes bytes through and records the client's text messages.
pub(crate) struct Tap<S> {
    stream: S,
    recorder: Arc<Recorder>,
    decoder: Decoder,
    deafness: Option<Deafness>,
}

impl<S> Tap<S> {
    pub(crate) fn new(stream: S, recorder: Arc<Recorder>) -> Self {
        Self {
            stream,
            recorder,
            decoder: Decoder::default(),
            deafness: None,
        }
    }

    /// The same, and the relay does not hear pings.
    pub(crate) fn deafened(self) -> Self {
        Self {
            deafness: Some(Deafness::default()),
            ..self
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let this = &mut *self;
        if let Some(deafness) = &mut this.deafness {
            deafness.pass(&mut buffer.filled_mut()[before..]);
        }
        this.decoder
            .bytes
            .extend_from_slice(&buffer.filled()[before..]);
        while let Some(message) = this.decoder.next_text() {
            this.recorder.frame(&message);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
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

#[derive(Default)]
struct Decoder {
    bytes: Vec<u8>,
    message: Vec<u8>,
}

impl Decoder {
    /// The next whole text message, if all of it is there.
    fn next_text(&mut self) -> Option<String> {
        loop {
            let mut cursor = Cursor::new(self.bytes.as_slice());
            let (header, length) = FrameHeader::parse(&mut cursor).ok().flatten()?;
            let start = usize::try_from(cursor.position()).ok()?;
            let end = start.checked_add(usize::try_from(length).ok()?)?;
            if end > MAX_MESSAGE {
                self.bytes.clear();
            }
            let payload = self.bytes.get(start..end)?;
            let mask = header.mask.unwrap_or_default();
            let unmasked = payload.iter().zip(mask.iter().cycle());
            let unmasked: Vec<u8> = unmasked.map(|(byte, mask)| byte ^ mask).collect();
            self.bytes.drain(..end);
            match header.opcode {
                OpCode::Data(Data::Text) => self.message = unmasked,
                OpCode::Data(Data::Continue) => self.message.extend(unmasked),
                _ => continue,
            }
            if header.is_final {
                let message = std::mem::take(&mut self.message);
                return Some(String::from_utf8_lossy(&message).into_owned());
            }
        }
    }
}

//! Making a relay deaf to pings, whatever library speaks for it.

use std::io::Cursor;

use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;

/// First byte of a ping, and of a pong that nobody asked for, which nobody answers (RFC 6455 §5.5).
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;

/// Turns the client's pings into pongs as they pass.
#[derive(Debug, Default)]
pub(crate) struct Deafness {
    /// As much of a frame's head as came.
    head: Vec<u8>,
    /// Bytes of a frame's payload that are still to come.
    payload: u64,
}

impl Deafness {
    /// Bytes of the client, in their order.
    pub(crate) fn pass(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if self.payload > 0 {
                self.payload -= 1;
                continue;
            }
            if self.head.is_empty() && *byte == PING {
                *byte = PONG;
            }
            self.head.push(*byte);
            let head = FrameHeader::parse(&mut Cursor::new(self.head.as_slice()));
            if let Ok(Some((_, length))) = head {
                self.payload = length;
                self.head.clear();
            }
        }
    }
}

//! Frames written past the WebSocket library: slowly, or too large to be held in memory.

use anyhow::Result;
use serde_json::json;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// A final text frame of a server.
pub(crate) fn text(text: &str) -> Vec<u8> {
    let mut frame = head(text.len());
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// Writes one text frame of `bytes` bytes that begins like an EVENT message for `subscription`.
///
/// # Errors
/// When the client is gone.
pub(crate) async fn write_huge(
    stream: &mut (impl AsyncWrite + Unpin),
    subscription: &str,
    bytes: usize,
) -> Result<()> {
    const CHUNK: [u8; 16 * 1024] = [b'x'; 16 * 1024];
    const END: &str = "\"]";
    let start = format!("[\"EVENT\",{},\"", json!(subscription));
    let mut left = bytes.saturating_sub(start.len() + END.len());
    stream
        .write_all(&head(start.len() + left + END.len()))
        .await?;
    stream.write_all(start.as_bytes()).await?;
    while left > 0 {
        let part = left.min(CHUNK.len());
        stream.write_all(&CHUNK[..part]).await?;
        left -= part;
    }
    stream.write_all(END.as_bytes()).await?;
    Ok(stream.flush().await?)
}

/// The head of an unmasked final text frame (RFC 6455 §5.2).
fn head(length: usize) -> Vec<u8> {
    const FINAL_TEXT: u8 = 0x81;
    let mut head = vec![FINAL_TEXT];
    match length {
        0..=125 => head.push(length as u8),
        126..=0xFFFF => {
            head.push(126);
            head.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            head.push(127);
            head.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    head
}

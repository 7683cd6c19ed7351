//! Lines of files that may be compressed, each bounded in length.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

/// First bytes of a gzip member.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// First bytes of a Zstandard frame.
const ZSTANDARD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Largest Zstandard window, as a power of two: what `zstd --long` uses; more would be an attack on
/// our memory.
const MAX_WINDOW_LOG: u32 = 27;

const BUFFER_BYTES: usize = 256 << 10;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// Its bytes without the line break.
    Whole(Vec<u8>),
    /// Its first bytes; it was longer than allowed, and the rest was skipped.
    TooLong(Vec<u8>),
}

/// The lines of one input.
pub(super) struct Lines {
    input: Box<dyn BufRead + Send>,
    max_bytes: usize,
}

impl Lines {
    /// Opens a file, or standard input for `-`. What it is compressed with is told from its first
    /// bytes. `progress` counts the bytes that were read, before decompression.
    pub(super) fn open(
        path: &Path,
        max_bytes: usize,
        progress: Arc<AtomicU64>,
    ) -> io::Result<Self> {
        let raw: Box<dyn Read + Send> = if path == Path::new("-") {
            Box::new(io::stdin())
        } else {
            Box::new(File::open(path)?)
        };
        Self::read_from(raw, max_bytes, progress)
    }

    fn read_from(
        raw: impl Read + Send + 'static,
        max_bytes: usize,
        progress: Arc<AtomicU64>,
    ) -> io::Result<Self> {
        let counted = Counted {
            inner: raw,
            progress,
        };
        let mut buffered = BufReader::with_capacity(BUFFER_BYTES, counted);
        let start = buffered.fill_buf()?;
        let input: Box<dyn BufRead + Send> = if start.starts_with(&GZIP) {
            Box::new(BufReader::with_capacity(
                BUFFER_BYTES,
                MultiGzDecoder::new(buffered),
            ))
        } else if start.starts_with(&ZSTANDARD) {
            let mut decoder = zstd::Decoder::with_buffer(buffered)?;
            decoder.window_log_max(MAX_WINDOW_LOG)?;
            Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
        } else {
            Box::new(buffered)
        };
        Ok(Self { input, max_bytes })
    }

    fn read_line(&mut self) -> io::Result<Option<Line>> {
        let mut line = Vec::new();
        let limit = u64::try_from(self.max_bytes)
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        self.input
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.pop_if(|last| *last == b'\n').is_none() && line.len() > self.max_bytes {
            self.input.skip_until(b'\n')?;
            return Ok(Some(Line::TooLong(line)));
        }
        line.pop_if(|last| *last == b'\r');
        Ok(Some(Line::Whole(line)))
    }
}

impl Iterator for Lines {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read_line().transpose()
    }
}

struct Counted<R> {
    inner: R,
    progress: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.progress.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;

    fn lines(bytes: Vec<u8>) -> Vec<Line> {
        let lines = Lines::read_from(Cursor::new(bytes), 8, Arc::default()).unwrap();
        lines.collect::<io::Result<_>>().unwrap()
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.as_bytes().to_vec())
    }

    #[test]
    fn lines_end_with_any_break_or_none() {
        assert_eq!(
            lines(b"one\r\n\ntwo\nthree".to_vec()),
            ["one", "", "two", "three"].map(whole)
        );
        assert!(lines(Vec::new()).is_empty());
    }

    #[test]
    fn a_long_line_is_skipped_and_the_next_is_read() {
        let found = lines(b"12345678\n1234567890\nnext\n123456789".to_vec());
        assert_eq!(found[0], whole("12345678"));
        assert_eq!(found[1], Line::TooLong(b"123456789".to_vec()));
        assert_eq!(found[2], whole("next"));
        assert_eq!(found[3], Line::TooLong(b"123456789".to_vec()));
    }

    #[test]
    fn compression_is_told_from_the_first_bytes() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"a\nb\n").unwrap();
        let zstandard = zstd::encode_all(Cursor::new(b"a\nb\n"), 1).unwrap();
        for bytes in [gzip.finish().unwrap(), zstandard, b"a\nb\n".to_vec()] {
            assert_eq!(lines(bytes), ["a", "b"].map(whole));
        }
    }
}

//! Standard output that may be a closed pipe, and the terminal.

use std::io::{self, ErrorKind, IsTerminal, Write};

/// Prints a result; a reader that has gone away (`| head`) is not an error.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    unless_closed(written)
}

/// Takes a closed pipe for success.
pub(super) fn unless_closed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Whether a person watches standard error.
pub(super) fn is_terminal() -> bool {
    io::stderr().is_terminal()
}

//! `bigbrotr keygen`: a new key pair.

use anyhow::Result;
use nostr::{Keys, ToBech32};

use super::output;
use crate::lifecycle::Exit;

pub(super) fn keygen() -> Result<Exit> {
    let keys = Keys::generate();
    let text = format!(
        "nsec  {}\nnpub  {}\nhex   {} (public)\nhex   {} (secret)\n",
        keys.secret_key().to_bech32()?,
        keys.public_key().to_bech32()?,
        keys.public_key(),
        keys.secret_key().to_secret_hex(),
    );
    output::print(&text)?;
    eprintln!(
        "Keep the secret to yourself; give it to the monitor as PRIVATE_KEY or PRIVATE_KEY_FILE."
    );
    Ok(Exit::Done)
}

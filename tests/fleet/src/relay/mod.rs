//! One member at work: a listener that sorts connections, the honest core, the scripts that distort it.
//!
//! A TCP connection passes through TLS (if the member has it) and an HTTP request head. A plain GET gets
//! the NIP-11 document; an upgrade becomes a WebSocket that is handed to `nostr-relay-builder` or to the
//! scripted [`session`], with a [`tap`] in between that writes down every frame of the client.

pub(crate) mod builder;
pub(crate) mod deafness;
pub(crate) mod http;
pub(crate) mod listener;
pub(crate) mod raw_frame;
pub(crate) mod script;
pub(crate) mod selection;
pub(crate) mod session;
pub(crate) mod shelf;
pub(crate) mod syncs;
pub(crate) mod tap;

//! The relay over real sockets: a raw client that checks every frame, and `nostr-sdk`.

mod authentication;
mod basics;
pub(crate) mod client;
mod counting;
mod discovery;
mod doors;
mod hand_over;
mod information;
mod lifetime;
mod limits;
mod liveness;
mod load;
mod long_messages;
pub(crate) mod management;
mod manners;
mod overload;
mod sdk;
pub(crate) mod server;
mod serving_index;
mod shared_sets;
mod shutdown;
mod sync_vectors;
mod syncing;
mod truthful;
mod writers;

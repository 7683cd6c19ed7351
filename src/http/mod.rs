//! The two ports: the public one (relay, NIP-11, page, health) and the one for metrics.
//!
//! [`Server`] accepts connections and owns them; [`public_routes`] and [`metrics_routes`] say what is
//! answered. Everything shown about the archive comes from one [`Overview`], read at most once in a
//! few seconds however many ask. A WebSocket is handed to [`Relay::serve`](crate::relay::Relay::serve).

mod certificate;
mod error;
mod exposition;
mod health;
mod management;
pub mod moment;
mod overview;
mod page;
mod proxies;
mod proxy_protocol;
mod relay_report;
mod root;
mod server;
mod tls;

pub use error::ApiError;
pub use exposition::metrics_routes;
pub use overview::{Lag, Overview, Overviews};
pub use proxies::Proxies;
pub use relay_report::RelayReport;
pub use root::{Site, public_routes};
pub use server::{Server, ServerError, ServerLimits};
pub use tls::tls_settings;

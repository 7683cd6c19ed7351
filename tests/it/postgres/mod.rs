//! The PostgreSQL assembly, on a real server and through a real PgBouncer (`tests/servers.sh`).

mod pooler;
mod schema;
pub(crate) mod server;

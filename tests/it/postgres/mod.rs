//! The PostgreSQL assembly, on a real server and through a real PgBouncer (`tests/servers.sh`).

mod functions;
mod pooler;
mod queries;
mod schema;
pub(crate) mod server;
mod views;

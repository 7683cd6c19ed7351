//! The PostgreSQL assembly, on a real server and through a real PgBouncer (`tests/servers.sh`).

mod backup;
mod damage;
mod events;
mod functions;
mod metrics;
mod pooler;
mod queries;
mod replica;
mod roles;
mod schema;
pub(crate) mod server;
mod servers;
mod statistics;
mod views;
mod writers;

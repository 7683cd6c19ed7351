//! What is shipped around the program: containers, their settings, rules and dashboards. Each is held against the
//! program itself and against the servers that read it, so that nothing can drift.

mod compose;
mod containers;
mod dashboards;
mod files;
mod prometheus;
mod promql;
mod rules;
mod settings;
mod supply_chain;
mod units;

//! What the events take on disk, by table.

use std::path::Path;

use heed::types::Bytes;
use heed::{Database, EnvFlags, EnvOpenOptions};

/// Most bytes of a row of provenance.
const ROW_BYTES: f64 = 24.0;
/// More than the store has.
const MAX_TABLES: u32 = 64;

/// Prints the pages of every table, of a store that is closed and holds so many events.
pub(crate) fn print(store: &Path, events: usize, relays: u64) {
    let path = store.join("events");
    let mut options = EnvOpenOptions::new();
    options.max_dbs(MAX_TABLES).map_size(1 << 40);
    #[expect(unsafe_code, reason = "the store is closed, and read-only for us")]
    let env = unsafe { options.flags(EnvFlags::READ_ONLY).open(path) };
    let env = env.expect("the store can be opened");
    let txn = env.read_txn().expect("a reader has room");
    let tables: Database<Bytes, Bytes> = env
        .open_database(&txn, None)
        .expect("the table of tables can be read")
        .expect("there is one");
    println!("\n{:<28} {:>10} {:>10}", "on disk", "rows", "bytes/event");
    let (mut total, mut provenance) = (0, 0);
    for entry in tables.iter(&txn).expect("it can be read") {
        let (name, _) = entry.expect("it can be read");
        let name = str::from_utf8(name).expect("tables have names");
        let table: Option<Database<Bytes, Bytes>> =
            env.open_database(&txn, Some(name)).expect("it can be read");
        let stat = table
            .expect("it was listed")
            .stat(&txn)
            .expect("it can be read");
        let pages = stat.branch_pages + stat.leaf_pages + stat.overflow_pages;
        let bytes = pages * stat.page_size as usize;
        total += bytes;
        if name == "sightings" {
            provenance = bytes;
        }
        let per_event = bytes as f64 / events as f64;
        println!("{name:<28} {:>10} {per_event:>10.1}", stat.entries);
    }
    println!(
        "{:<28} {events:>10} {:>10.1}",
        "all tables",
        total as f64 / events as f64
    );
    let file = env.real_disk_size().expect("it has a size") as f64;
    println!(
        "{:<28} {:>10} {:>10.1}",
        "file, free pages included",
        "",
        file / events as f64
    );
    let row = provenance as f64 / (events as u64 * relays) as f64;
    println!(
        "{:<28} {relays:>10} {row:>10.1}  target ≤ {ROW_BYTES}",
        "bytes/sighting, relays/event"
    );
}

//! What statistics cost: CPU of the server to fold new sightings into the counters, and to refresh the views.
//!
//! The history is made by SQL, which takes a minute where the program would write for ten; a fold reads the
//! same rows either way.

use bigbrotr::model::VIEWS;
use bigbrotr::store::FigureStore;
use sqlx::{Connection, Executor, PgConnection, Row};

use super::server::Server;

/// Events whose sightings, 4.5 each, are counted before anything is measured, and of those that are new.
const EARLIER: u64 = 1_000_000;
const NEW: u64 = 230_000;

/// Events made at once: a multiple of what a row of event_change holds.
const PORTION: u64 = 50_000;

/// Commits that a fold takes at once, as the refresher does it.
const COMMITS_PER_FOLD: u32 = 256;

const RELAYS: &str = "INSERT INTO relay
        (url, network, discovered_at, validated_at, state, next_check_at, next_sync_at)
    SELECT 'wss://r' || n || '.nostr.net', (ARRAY['clearnet', 'clearnet', 'clearnet', 'tor'])[1 + n % 4],
        n, n, 'online', 0, 0
    FROM generate_series(1, 1000) AS n";

/// The views of the first BigBrotr, in its order.
const SEVEN: [&str; 7] = [
    "relay_metadata_latest",
    "event_stats",
    "relay_stats",
    "kind_counts",
    "kind_counts_by_relay",
    "pubkey_counts",
    "pubkey_counts_by_relay",
];

/// Measures, and prints.
pub(crate) async fn measure(server: &Server) {
    server.make_database().await;
    let store = server.store(None).await;
    let mut connection = server.connect_to_database().await;
    connection.execute(RELAYS).await.expect("it is SQL");
    let earlier = make(&mut connection, 0, EARLIER).await;
    let cpu = server.cpu_us();
    while store
        .fold_statistics(COMMITS_PER_FOLD)
        .await
        .expect("it folds")
        > 0
    {}
    report("fold, the first sightings", earlier, server.cpu_us() - cpu);
    store
        .refresh_statistics(&VIEWS)
        .await
        .expect("views refresh");
    connection
        .execute("VACUUM ANALYZE")
        .await
        .expect("it is SQL");

    let new = make(&mut connection, EARLIER, EARLIER + NEW).await;
    let cpu = server.cpu_us();
    while store
        .fold_statistics(COMMITS_PER_FOLD)
        .await
        .expect("it folds")
        > 0
    {}
    report("fold, the new ones", new, server.cpu_us() - cpu);
    println!(
        "\n{:<44} {:>12} {:>10}",
        format!("refresh at {} sightings", earlier + new),
        "server ms",
        "ms"
    );
    for round in ["what is new", "nothing new"] {
        let cpu = server.cpu_us();
        let mut elapsed = 0.0;
        for view in store
            .refresh_statistics(&VIEWS)
            .await
            .expect("views refresh")
        {
            println!(
                "  {:<42} {:>12} {:>10.0}",
                view.name,
                "",
                view.elapsed.as_secs_f64() * 1e3
            );
            if SEVEN.contains(&view.name) {
                elapsed += view.elapsed.as_secs_f64() * 1e3;
            }
        }
        let all = (server.cpu_us() - cpu) / 1e3;
        println!(
            "{:<44} {all:>12.0} {elapsed:>10.0}",
            format!("all; the seven of them ({round})")
        );
    }
    sizes(&mut connection).await;
    drop(connection.close().await);
    store.close().await;
    server.drop_database().await;
}

fn report(what: &str, sightings: u64, cpu_us: f64) {
    let million = cpu_us / sightings as f64;
    println!(
        "{what:<44} {:>12.1} s, {million:.1} s a million of {sightings}",
        cpu_us / 1e6
    );
}

/// Makes events from one number up to another. Returns their sightings.
async fn make(connection: &mut PgConnection, from: u64, to: u64) -> u64 {
    let mut sightings = 0;
    for first in (from..to).step_by(PORTION as usize) {
        let last = (first + PORTION).min(to) - 1;
        let made = sqlx::query(include_str!("history.sql"))
            .bind(first.cast_signed())
            .bind(last.cast_signed())
            .fetch_one(&mut *connection);
        sightings += made
            .await
            .expect("it is SQL")
            .get::<i64, _>(0)
            .cast_unsigned();
    }
    connection.execute("ANALYZE").await.expect("it is SQL");
    sightings
}

async fn sizes(connection: &mut PgConnection) {
    let sizes = "SELECT c.relname, c.reltuples::BIGINT, pg_total_relation_size(c.oid)
        FROM pg_class c WHERE c.relkind = 'r' AND c.relname LIKE '%\\_counter' ORDER BY 3 DESC";
    println!("\n{:<44} {:>12} {:>10}", "counters", "rows", "MB");
    for row in connection.fetch_all(sizes).await.expect("it is SQL") {
        let (name, rows, bytes): (String, i64, i64) = (row.get(0), row.get(1), row.get(2));
        println!("  {name:<42} {rows:>12} {:>10.1}", bytes as f64 / 1e6);
    }
}

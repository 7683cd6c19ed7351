//! What each role may do, and that it may do no more. That the writer may do all that services do is shown by
//! the contract suite, which runs as writer.

use bigbrotr::store::postgres::{PostgresOptions, PostgresStore, ROLES};
use bigbrotr::store::{CandidateStore, RelayStore, StoreError};
use nips::RelayUrl;
use sqlx::{Connection, PgConnection};

use super::server::{Database, PASSWORD, administrate, count, execute, refusal, text};

/// The SQLSTATE of `insufficient_privilege`.
const FORBIDDEN: &str = "42501";

const NOW: u64 = 1_700_000_000;

/// Tables, views and materialized views, all of which have a query to read them.
const READABLE: [&str; 17] = [
    "candidate",
    "candidate_tombstone",
    "coverage",
    "cycle",
    "gap",
    "metadata",
    "relay",
    "relay_metadata",
    "relay_metadata_latest",
    "relay_rtt",
    "schema_object",
    "service_state",
    "_sqlx_migrations",
    "nostr.metadata",
    "nostr.relay",
    "nostr.relay_metadata",
    "nostr.service_state",
];

/// What changes objects, or rows in a way that only their owner may.
const OWNERS_WORK: [&str; 9] = [
    "CREATE TABLE mine (a INTEGER)",
    "CREATE TABLE nostr.mine (a INTEGER)",
    "CREATE SCHEMA mine",
    "ALTER TABLE relay ADD COLUMN mine INTEGER",
    "DROP TABLE gap",
    "TRUNCATE gap",
    "CREATE OR REPLACE FUNCTION readable_json(document TEXT) RETURNS JSONB LANGUAGE sql AS 'SELECT NULL::jsonb'",
    "UPDATE schema_object SET sha256 = '\\x00'",
    "DELETE FROM _sqlx_migrations",
];

#[tokio::test]
async fn every_role_reads_everything() {
    let database = Database::create().await;
    for role in ROLES {
        let mut connection = database.connect_as(role, PASSWORD).await.unwrap();
        for name in READABLE {
            count(&mut connection, &format!("SELECT count(*) FROM {name}")).await;
        }
        let get = "SELECT count(*) FROM service_state_get('finder', 'cursor')";
        count(&mut connection, get).await;
    }
}

#[tokio::test]
async fn only_the_admin_changes_objects() {
    let database = Database::create().await;
    for role in ["writer", "refresher", "reader"] {
        let mut connection = database.connect_as(role, PASSWORD).await.unwrap();
        for statement in OWNERS_WORK {
            assert_eq!(
                refusal(&mut connection, statement).await,
                FORBIDDEN,
                "{role}: {statement}"
            );
        }
    }
}

#[tokio::test]
async fn only_the_writer_changes_rows() {
    let database = Database::create().await;
    let changes = [
        "INSERT INTO service_state VALUES ('finder', 'cursor', 'a', '{}', 1)",
        "UPDATE relay SET state = 'dead'",
        "DELETE FROM gap",
        "SELECT relay_insert('{wss://a.net}', '{clearnet}', '{1}')",
        "SELECT service_state_upsert('{finder}', '{cursor}', '{b}', ARRAY['1'::jsonb], '{1}')",
        "SELECT orphan_metadata_delete()",
    ];
    for role in ["refresher", "reader"] {
        let mut connection = database.connect_as(role, PASSWORD).await.unwrap();
        for change in changes {
            assert_eq!(
                refusal(&mut connection, change).await,
                FORBIDDEN,
                "{role}: {change}"
            );
        }
    }
    let mut writer = database.connect_as("writer", PASSWORD).await.unwrap();
    for change in changes {
        execute(&mut writer, change).await;
    }
}

#[tokio::test]
async fn only_the_refresher_and_the_admin_refresh() {
    let database = Database::create().await;
    let refresh = "SELECT relay_metadata_latest_refresh()";
    for role in ["writer", "reader"] {
        let mut connection = database.connect_as(role, PASSWORD).await.unwrap();
        assert_eq!(refusal(&mut connection, refresh).await, FORBIDDEN, "{role}");
    }
    for role in ["refresher", "admin"] {
        let mut connection = database.connect_as(role, PASSWORD).await.unwrap();
        execute(&mut connection, refresh).await;
    }
    // The way of the service, which is the writer's and not the reader's.
    for service in [
        "SELECT statistics_refresh('kind_counts')",
        "SELECT statistics_fold(1)",
    ] {
        let mut writer = database.connect_as("writer", PASSWORD).await.unwrap();
        execute(&mut writer, service).await;
        let mut reader = database.connect_as("reader", PASSWORD).await.unwrap();
        assert_eq!(refusal(&mut reader, service).await, FORBIDDEN, "{service}");
    }
}

#[tokio::test]
async fn what_is_made_later_has_the_same_rules() {
    let database = Database::create().await;
    let mut admin = database.connect().await;
    execute(
        &mut admin,
        "CREATE TABLE later (number INTEGER GENERATED ALWAYS AS IDENTITY, word TEXT);
        CREATE SEQUENCE later_sequence;
        CREATE VIEW nostr.later AS SELECT word FROM public.later;
        CREATE MATERIALIZED VIEW later_counts AS SELECT count(*) FROM later;
        CREATE FUNCTION later_insert() RETURNS VOID LANGUAGE sql
            AS $$ INSERT INTO later (word) VALUES (nextval('later_sequence')::text) $$;",
    )
    .await;
    let mut writer = database.connect_as("writer", PASSWORD).await.unwrap();
    execute(
        &mut writer,
        "SELECT later_insert(); UPDATE later SET word = word || '!'",
    )
    .await;
    for role in ["refresher", "reader"] {
        let mut connection = database.connect_as(role, PASSWORD).await.unwrap();
        let words = "SELECT string_agg(word, ',') FROM nostr.later, later_counts";
        assert_eq!(text(&mut connection, words).await.unwrap(), "1!");
        let insert = "INSERT INTO later (word) VALUES ('x')";
        assert_eq!(refusal(&mut connection, insert).await, FORBIDDEN);
        assert_eq!(
            refusal(&mut connection, "SELECT later_insert()").await,
            FORBIDDEN
        );
    }
}

#[tokio::test]
async fn everybody_else_may_do_nothing() {
    let database = Database::create().await;
    let mut admin = database.connect().await;
    execute(
        &mut admin,
        "CREATE FUNCTION later() RETURNS INTEGER LANGUAGE sql AS 'SELECT 1'",
    )
    .await;
    let functions = "SELECT count(*) FROM pg_proc AS p,
            aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS acl
        WHERE p.pronamespace = 'public'::regnamespace AND acl.grantee = 0";
    assert_eq!(count(&mut admin, functions).await, 0);
    let tables = "SELECT count(*) FROM pg_class AS c, aclexplode(c.relacl) AS acl
        WHERE c.relnamespace IN ('public'::regnamespace, 'nostr'::regnamespace) AND acl.grantee = 0";
    assert_eq!(count(&mut admin, tables).await, 0);
    let create = "SELECT count(*) FROM pg_namespace AS n, aclexplode(n.nspacl) AS acl
        WHERE n.nspname IN ('public', 'nostr') AND acl.grantee = 0 AND acl.privilege_type = 'CREATE'";
    assert_eq!(count(&mut admin, create).await, 0);
}

#[tokio::test]
async fn the_store_of_a_reader_reads() {
    let database = Database::create().await;
    let url = RelayUrl::parse("wss://a.net").unwrap();
    database.store().await.promote(&url, NOW).await.unwrap();
    let store = PostgresStore::open(database.options_as("reader"))
        .await
        .unwrap();
    assert!(store.relay_by_url(&url).await.unwrap().is_some());
    let refused = store.promote(&url, NOW).await;
    assert!(
        matches!(refused, Err(StoreError::Failed { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_password_may_hold_any_character() {
    let database = Database::create().await;
    let role = format!("test's \"{:x}\"", rand::random::<u64>());
    let quoted = format!("\"{}\"", role.replace('"', "\"\""));
    administrate(&format!("CREATE ROLE {quoted}")).await;
    let store = database.store().await;
    for password in [
        "it's",
        r#"back\slash "and" 'quotes' $1 $$ ; --"#,
        "k\u{e4}se",
    ] {
        store.set_password(&role, password).await.unwrap();
        let connection = database.connect_as(&role, password).await.unwrap();
        connection.close().await.unwrap();
        assert!(database.connect_as(&role, "another").await.is_err());
    }
    let refused = store.set_password(&role, "nul\0").await;
    assert!(
        matches!(refused, Err(StoreError::Failed { .. })),
        "{refused:?}"
    );
    administrate(&format!("DROP ROLE {quoted}")).await;
    let refused = store.set_password(&role, "x").await;
    assert!(
        matches!(refused, Err(StoreError::Failed { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn an_owner_who_may_make_no_roles_migrates_all_the_same() {
    let database = Database::empty().await;
    let role = format!("test_owner_{:x}", rand::random::<u64>());
    administrate(&format!("CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")).await;
    administrate(&format!(
        "ALTER DATABASE {} OWNER TO {role}",
        database.name()
    ))
    .await;
    // The pooler does not know this role.
    let options = database.options_as(&role);
    let url = options.direct_url.clone().unwrap();
    let store = PostgresStore::open(PostgresOptions { url, ..options })
        .await
        .unwrap();
    let url = RelayUrl::parse("wss://a.net").unwrap();
    store.promote(&url, NOW).await.unwrap();
    let mut owner = database.connect_as(&role, PASSWORD).await.unwrap();
    execute(&mut owner, "SELECT relay_metadata_latest_refresh()").await;
    assert_eq!(create_in_public(&mut database.connect().await).await, 0);
    store.close().await;
    owner.close().await.unwrap();
    drop(database);
    administrate(&format!("DROP ROLE {role}")).await;
}

/// How many roles were left with the right to make objects that they are only lent.
async fn create_in_public(connection: &mut PgConnection) -> i64 {
    let lent = "SELECT count(*) FROM pg_namespace AS n, aclexplode(n.nspacl) AS acl
        WHERE n.nspname = 'public' AND acl.privilege_type = 'CREATE'
            AND acl.grantee = 'refresher'::regrole";
    count(connection, lent).await
}

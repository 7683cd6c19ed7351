//! Service state.

use bigbrotr::model::{ServiceName, ServiceState, StateType};
use bigbrotr::store::StateStore;
use serde_json::json;

use super::given;
use crate::postgres::server::{count, execute, text};

#[tokio::test]
async fn the_last_of_repeated_states_wins() {
    let (_database, store, mut connection) = given().await;
    let upsert = |values: &str| {
        format!(
            "SELECT service_state_upsert(array_fill('finder'::text, ARRAY[3]),
                array_fill('cursor'::text, ARRAY[3]), ARRAY['b', 'a', 'b'], {values}, ARRAY[9, 8, 7])"
        )
    };
    let first = upsert(r#"ARRAY['1', '{"n": null}', '3']::jsonb[]"#);
    assert_eq!(count(&mut connection, &first).await, 2);
    let states = store
        .states(ServiceName::Finder, StateType::Cursor)
        .await
        .unwrap();
    let found: Vec<_> = states
        .iter()
        .map(|state| (state.key.as_str(), &state.value, state.updated_at))
        .collect();
    assert_eq!(found, [("a", &json!({"n": null}), 8), ("b", &json!(3), 7)]);
    let second = upsert("ARRAY['4', '5', '6']::jsonb[]");
    assert_eq!(count(&mut connection, &second).await, 2);
    let state = store
        .state(ServiceName::Finder, StateType::Cursor, "b")
        .await;
    assert_eq!(state.unwrap().unwrap().value, json!(6));
}

#[tokio::test]
async fn state_is_read_by_key_or_oldest_first() {
    let (_database, store, mut connection) = given().await;
    let states = [("b", 5), ("a", 5), ("c", 1)].map(|(key, updated_at)| ServiceState {
        service: ServiceName::Monitor,
        state_type: StateType::Checkpoint,
        key: key.to_owned(),
        // What jsonb cannot hold is read by its rule, and hides no row.
        value: json!({"text": "\u{0}x"}),
        updated_at,
    });
    store.put_states(&states).await.unwrap();
    let all = "SELECT string_agg(format('%s %s %s', state_key, state_value, updated_at), ', ')
        FROM service_state_get('monitor', 'checkpoint')";
    let expected = r#"c {"text": "x"} 1, a {"text": "x"} 5, b {"text": "x"} 5"#;
    assert_eq!(text(&mut connection, all).await.unwrap(), expected);
    let one =
        "SELECT string_agg(state_key, ', ') FROM service_state_get('monitor', 'checkpoint', 'b')";
    assert_eq!(text(&mut connection, one).await.unwrap(), "b");
    let none = "SELECT count(*) FROM service_state_get('monitor', 'cursor')";
    assert_eq!(count(&mut connection, none).await, 0);
}

#[tokio::test]
async fn deleting_states_counts_what_existed() {
    let (_database, _store, mut connection) = given().await;
    execute(
        &mut connection,
        "SELECT service_state_upsert('{finder,finder,monitor}', '{cursor,cursor,cursor}', '{a,b,a}',
            ARRAY['1', '2', '3']::jsonb[], '{1,1,1}')",
    )
    .await;
    let delete = "SELECT service_state_delete('{finder,finder,finder}', '{cursor,cursor,checkpoint}', '{a,x,b}')";
    assert_eq!(count(&mut connection, delete).await, 1);
    assert_eq!(count(&mut connection, delete).await, 0);
    assert_eq!(
        count(&mut connection, "SELECT count(*) FROM service_state").await,
        2
    );
}

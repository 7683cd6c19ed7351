//! Cursors and checkpoints.

use bigbrotr::model::{ServiceName, ServiceState, StateType};
use bigbrotr::store::{RelationalStore, StoreError};
use serde_json::{Value, json};

use crate::contract::given::NOW;

const FINDER: ServiceName = ServiceName::Finder;
const CURSOR: StateType = StateType::Cursor;

pub(super) async fn a_row_is_read_back(store: &dyn RelationalStore) {
    assert_eq!(store.state(FINDER, CURSOR, "batch").await.unwrap(), None);
    let value = json!({"batch": u64::MAX, "text": "\u{0}\u{1f9c0}", "none": null});
    let row = state("batch", value);
    assert_eq!(
        store.put_states(std::slice::from_ref(&row)).await.unwrap(),
        1
    );
    assert_eq!(
        store.state(FINDER, CURSOR, "batch").await.unwrap(),
        Some(row)
    );
}

pub(super) async fn rows_are_ordered_by_key(store: &dyn RelationalStore) {
    let rows = ["b", "a", "c"].map(|key| state(key, json!(key)));
    assert_eq!(store.put_states(&rows).await.unwrap(), 3);
    assert_eq!(keys(store).await, ["a", "b", "c"]);
}

pub(super) async fn the_last_write_wins(store: &dyn RelationalStore) {
    let rows = [1, 2, 3].map(|value| state("same", json!(value)));
    assert_eq!(store.put_states(&rows).await.unwrap(), 1);
    assert_eq!(value(store, "same").await, Some(json!(3)));
    let later = state("same", json!({"deep": [4]}));
    assert_eq!(store.put_states(&[later]).await.unwrap(), 1);
    assert_eq!(value(store, "same").await, Some(json!({"deep": [4]})));
}

pub(super) async fn an_empty_key_writes_nothing(store: &dyn RelationalStore) {
    let rows = [state("good", json!(1)), state("", json!(2))];
    let failed = store.put_states(&rows).await;
    assert!(
        matches!(failed, Err(StoreError::Failed { .. })),
        "{failed:?}"
    );
    assert!(keys(store).await.is_empty());
}

pub(super) async fn deleting_counts_what_existed(store: &dyn RelationalStore) {
    let rows: Vec<ServiceState> = (0..1_200)
        .map(|number| state(&format!("{number:04}"), Value::Null))
        .collect();
    assert_eq!(store.put_states(&rows).await.unwrap(), 1_200);
    let mut gone: Vec<String> = rows[1..].iter().map(|row| row.key.clone()).collect();
    gone.push("never".to_owned());
    let delete = async |keys: &[String]| {
        let deleted = store.delete_states(FINDER, CURSOR, keys).await;
        deleted.unwrap()
    };
    assert_eq!(delete(&gone).await, 1_199);
    assert_eq!(delete(&gone).await, 0);
    assert_eq!(delete(&[]).await, 0);
    assert_eq!(keys(store).await, ["0000"]);
}

pub(super) async fn services_and_types_are_apart(store: &dyn RelationalStore) {
    let cursor = state("key", json!(1));
    let checkpoint = ServiceState {
        state_type: StateType::Checkpoint,
        value: json!(2),
        ..cursor.clone()
    };
    let monitor = ServiceState {
        service: ServiceName::Monitor,
        value: json!(3),
        ..cursor.clone()
    };
    let rows = [cursor, checkpoint, monitor];
    assert_eq!(store.put_states(&rows).await.unwrap(), 3);
    for row in &rows {
        let states = store.states(row.service, row.state_type).await;
        assert_eq!(states.unwrap(), std::slice::from_ref(row));
    }
    let key = ["key".to_owned()];
    let deleted = store.delete_states(FINDER, CURSOR, &key).await.unwrap();
    assert_eq!(deleted, 1);
    let kept = store.state(ServiceName::Monitor, CURSOR, "key").await;
    assert!(kept.unwrap().is_some());
}

fn state(key: &str, value: Value) -> ServiceState {
    ServiceState {
        service: FINDER,
        state_type: CURSOR,
        key: key.to_owned(),
        value,
        updated_at: NOW,
    }
}

async fn value(store: &dyn RelationalStore, key: &str) -> Option<Value> {
    let row = store.state(FINDER, CURSOR, key).await.unwrap();
    row.map(|row| row.value)
}

async fn keys(store: &dyn RelationalStore) -> Vec<String> {
    let rows = store.states(FINDER, CURSOR).await.unwrap();
    rows.into_iter().map(|row| row.key).collect()
}

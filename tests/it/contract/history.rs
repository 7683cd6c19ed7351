//! What became of relays.

use bigbrotr::model::{CheckOutcome, FailureCount, RelayId, RelayState, Transition};
use bigbrotr::store::RelationalStore;

use crate::contract::given::{NOW, one_relay};

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// A check that is answered after some milliseconds, or fails for a reason; the next is due after an hour.
fn outcome(relay: RelayId, checked_at: u64, answer: Result<u32, &str>) -> CheckOutcome {
    CheckOutcome {
        relay,
        checked_at,
        state: if answer.is_ok() {
            RelayState::Online
        } else {
            RelayState::Flaky
        },
        next_check_at: checked_at + HOUR,
        open_ms: answer.ok(),
        failure: answer.err().map(str::to_owned),
    }
}

pub(super) async fn nothing_is_known_of_a_relay_that_was_never_checked(
    store: &dyn RelationalStore,
) {
    let relay = one_relay(store, 1).await;
    for window in store.uptime(relay, NOW).await.unwrap() {
        assert_eq!(
            (window.checks, window.uptime(), window.p50_ms),
            (0, None, None)
        );
    }
    assert_eq!(store.transitions(relay, 10).await.unwrap(), []);
    assert_eq!(store.failures(relay, 0).await.unwrap(), []);
}

pub(super) async fn windows_say_how_often_and_how_fast(store: &dyn RelationalStore) {
    let relay = one_relay(store, 1).await;
    // A year of checks would take its time; five weeks say as much.
    let days = 35;
    let begin = NOW - days * DAY;
    for number in 0..=days * 4 {
        let at = begin + number * 6 * HOUR;
        let is_last_week = at > NOW - 7 * DAY;
        let answer = if is_last_week && number % 4 == 0 {
            Err("timed_out")
        } else {
            Ok(100)
        };
        let outcome = CheckOutcome {
            next_check_at: at + 6 * HOUR,
            ..outcome(relay, at, answer)
        };
        store.add_outcome(&outcome).await.unwrap();
    }
    let [day, week, month, year] = store.uptime(relay, NOW).await.unwrap();
    let answered = |window: &bigbrotr::model::WindowFigures| (window.answered, window.checks);
    assert_eq!(answered(&day), (3, 4));
    assert_eq!(answered(&week), (21, 28));
    assert_eq!(month.checks - month.answered, 7);
    assert_eq!(answered(&year), (134, 141));
    assert_eq!(year.window_s, 365 * DAY);
    assert!((week.uptime().unwrap() - 0.75).abs() < 0.05, "{week:?}");
    assert!((month.uptime().unwrap() - 0.94).abs() < 0.02, "{month:?}");
    assert_eq!(year.up_s + year.down_s, days * DAY);
    for window in [day, week, month, year] {
        let p50 = window.p50_ms.unwrap();
        assert!(p50.abs_diff(100) <= 7, "{window:?}");
    }
}

pub(super) async fn latencies_are_told_by_percentiles(store: &dyn RelationalStore) {
    let relay = one_relay(store, 1).await;
    for number in 0..100_u32 {
        let ms = if number < 90 { 50 } else { 2_000 };
        let at = NOW - 12 * HOUR + u64::from(number) * 300;
        store
            .add_outcome(&outcome(relay, at, Ok(ms)))
            .await
            .unwrap();
    }
    let [day, ..] = store.uptime(relay, NOW).await.unwrap();
    assert!(day.p50_ms.unwrap().abs_diff(50) <= 4, "{day:?}");
    assert!(day.p95_ms.unwrap().abs_diff(2_000) <= 140, "{day:?}");
}

pub(super) async fn a_check_counts_once(store: &dyn RelationalStore) {
    let relay = one_relay(store, 1).await;
    for at in [NOW, NOW, NOW + 60, NOW + 30] {
        let failed = outcome(relay, at, Err("refused"));
        store.add_outcome(&failed).await.unwrap();
    }
    let [day, ..] = store.uptime(relay, NOW + 60).await.unwrap();
    assert_eq!((day.checks, day.down_s), (2, 60));
    let expected = [FailureCount {
        reason: "refused".to_owned(),
        failures: 2,
    }];
    assert_eq!(store.failures(relay, NOW).await.unwrap(), expected);
}

pub(super) async fn time_that_nobody_looked_at_is_neither_up_nor_down(store: &dyn RelationalStore) {
    let relay = one_relay(store, 1).await;
    store
        .add_outcome(&outcome(relay, NOW, Ok(5)))
        .await
        .unwrap();
    let late = outcome(relay, NOW + 10 * HOUR, Err("timed_out"));
    store.add_outcome(&late).await.unwrap();
    let [day, ..] = store.uptime(relay, NOW + 10 * HOUR).await.unwrap();
    assert_eq!((day.up_s, day.down_s), (2 * HOUR, 0));
}

pub(super) async fn changes_of_state_are_written_down(store: &dyn RelationalStore) {
    let relay = one_relay(store, 1).await;
    let answers = [Ok(1), Ok(1), Err("timed_out"), Err("refused"), Ok(1)];
    for (number, answer) in (0..).zip(answers) {
        let checked = outcome(relay, NOW + number, answer);
        store.add_outcome(&checked).await.unwrap();
    }
    let change = |changed_at, from, to, reason: &str| Transition {
        changed_at: NOW + changed_at,
        from,
        to,
        reason: reason.to_owned(),
    };
    use RelayState::{Flaky, New, Online};
    let expected = [
        change(4, Flaky, Online, "answered"),
        change(2, Online, Flaky, "timed_out"),
        change(0, New, Online, "answered"),
    ];
    assert_eq!(store.transitions(relay, 10).await.unwrap(), expected);
    assert_eq!(store.transitions(relay, 1).await.unwrap(), expected[..1]);
}

pub(super) async fn histories_are_bounded(store: &dyn RelationalStore) {
    let relay = one_relay(store, 1).await;
    for number in 0..205_u64 {
        let answer = if number % 2 == 0 {
            Ok(1)
        } else {
            Err("refused")
        };
        let checked = outcome(relay, NOW + number * DAY, answer);
        store.add_outcome(&checked).await.unwrap();
    }
    assert_eq!(store.transitions(relay, 1_000).await.unwrap().len(), 200);
    // Two years later one check clears away what is beyond its age.
    let end = NOW + 730 * DAY;
    let checked = outcome(relay, end, Err("timed_out"));
    store.add_outcome(&checked).await.unwrap();
    let [.., year] = store.uptime(relay, NOW + 204 * DAY).await.unwrap();
    assert_eq!(year.checks, 1, "only the last is left");
    let failures = store.failures(relay, 0).await.unwrap();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(failures[0].reason, "timed_out");
}

pub(super) async fn an_unknown_relay_has_no_history(store: &dyn RelationalStore) {
    let stranger = outcome(RelayId(77), NOW, Ok(1));
    assert!(store.add_outcome(&stranger).await.is_err());
}

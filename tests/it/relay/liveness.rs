//! Who is still there is asked, and who is not is let go.

use std::time::Duration;

use bigbrotr::relay::RelaySettings;

use super::server::relay_with;

#[tokio::test]
async fn a_client_that_answers_pings_stays_and_a_silent_one_is_let_go() {
    let mut settings = RelaySettings::default();
    settings.limits.ping_every = Duration::from_millis(100);
    settings.limits.max_silence = Duration::from_millis(500);
    let relay = relay_with(settings).await;
    let mut attentive = relay.client().await;
    attentive.expect_silence().await;
    // This one never reads, so it never sees a ping.
    let silent = relay.client().await;
    let answering = async { attentive.ended().await };
    let letting_go = async {
        while relay.relay.counts().connections != 1 || relay.relay.counts().connections_total != 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        () = answering => panic!("a client that answers was let go"),
        gone = tokio::time::timeout(Duration::from_secs(20), letting_go) => {
            gone.expect("a client that does not answer is let go");
        }
    }
    attentive.expect_silence().await;
    drop(silent);
}

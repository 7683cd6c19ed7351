//! One scripted WebSocket connection: the honest NIP-01 conversation and the script's departures from it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Result, bail};
use futures_util::{SinkExt, StreamExt};
use nips::{Event, Filter, Kind};
use serde_json::{Value, json};
use tokio::sync::broadcast;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::http::drip;
use super::listener::Wire;
use super::raw_frame;
use super::script::{Answer, EventPolicy, Greeting, Hearing, Lapse, Refusal, Script};
use super::selection;
use super::shelf::{Shelf, matches};
use super::syncs::Syncs;
use super::tap::Tap;
use crate::events::verify;
use crate::lies::Lies;
use crate::seen::{self, Recorder};

/// The kind of socket a session speaks on.
pub(crate) type Socket = WebSocketStream<Tap<Wire>>;

/// What the sessions of one member share.
pub(crate) struct Stage {
    script: RwLock<Arc<Script>>,
    pub shelf: Shelf,
    pub lies: Lies,
    /// The URL that an AUTH event has to name.
    pub url: String,
    reqs: AtomicUsize,
    /// Comparisons of sets that were begun.
    pub syncs: AtomicUsize,
}

impl Stage {
    pub(crate) fn new(script: Script, shelf: Shelf, lies: Lies, url: String) -> Self {
        Self {
            script: RwLock::new(Arc::new(script)),
            shelf,
            lies,
            url,
            reqs: AtomicUsize::new(0),
            syncs: AtomicUsize::new(0),
        }
    }

    /// What connections follow that begin now.
    fn script(&self) -> Arc<Script> {
        let script = self.script.read();
        Arc::clone(&script.unwrap_or_else(PoisonError::into_inner))
    }

    /// Gives connections that begin from now on another script.
    pub(crate) fn rewrite(&self, script: Script) {
        let mut current = self.script.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(script);
    }
}

/// One connection.
pub(crate) struct Session {
    stage: Arc<Stage>,
    script: Arc<Script>,
    socket: Socket,
    recorder: Arc<Recorder>,
    subscriptions: HashMap<String, Vec<Filter>>,
    syncs: Syncs,
    /// The subscription that gets new events for ever.
    endless: Option<(String, Filter)>,
    challenge: String,
    is_authenticated: bool,
    sent: usize,
}

impl Session {
    pub(crate) fn new(stage: Arc<Stage>, socket: Socket, recorder: Arc<Recorder>) -> Self {
        let challenge = stage.lies.challenge();
        Self {
            script: stage.script(),
            stage,
            socket,
            recorder,
            subscriptions: HashMap::new(),
            syncs: Syncs::default(),
            endless: None,
            challenge,
            is_authenticated: false,
            sent: 0,
        }
    }

    /// Serves the connection until either side ends it.
    ///
    /// # Errors
    /// When the socket breaks, or the script cuts the connection.
    pub(crate) async fn run(mut self) -> Result<()> {
        match self.script.greeting {
            Greeting::Nothing => {}
            Greeting::Challenge => self.send(json!(["AUTH", self.challenge])).await?,
            Greeting::Close => return Ok(self.socket.close(None).await?),
        }
        let mut live = self.stage.shelf.listen();
        loop {
            tokio::select! {
                biased;
                frame = self.socket.next() => match frame {
                    Some(Ok(Message::Text(text))) => self.hear(&text).await?,
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error.into()),
                    None => return Ok(()),
                },
                event = live.recv() => match event {
                    Ok(event) => self.deliver(&event).await?,
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return Ok(()),
                },
                () = pause(&self.script.answer), if self.endless.is_some() => self.stream_on().await?,
            }
        }
    }

    async fn hear(&mut self, text: &str) -> Result<()> {
        match self.script.hearing {
            Hearing::Deaf => return Ok(()),
            Hearing::Parrot(words) => return Ok(self.socket.send(Message::text(words)).await?),
            Hearing::Nostr => {}
        }
        let longest = self.script.conduct.max_message_length;
        if longest.is_some_and(|longest| text.len() > longest) {
            bail!("the script hangs up on long messages");
        }
        let message: Value = serde_json::from_str(text).unwrap_or_default();
        let name = message.get(1).and_then(Value::as_str).unwrap_or_default();
        match message.get(0).and_then(Value::as_str) {
            Some("REQ") => self.request(name, &message).await,
            Some("CLOSE") => {
                self.subscriptions.remove(name);
                self.endless
                    .take_if(|(subscription, _)| subscription == name);
                Ok(())
            }
            Some("EVENT") => self.event(&message[1]).await,
            Some("AUTH") => self.auth(&message[1]).await,
            Some(verb @ ("NEG-OPEN" | "NEG-MSG" | "NEG-CLOSE"))
                if self.script.syncing.is_some() =>
            {
                match self.sync(verb, name, &message) {
                    Some(answer) => self.send(answer).await,
                    None => Ok(()),
                }
            }
            Some("COUNT") => {
                match selection::count(&self.script, &self.stage.shelf, name, &message) {
                    Some(answer) => self.send(answer).await,
                    None => Ok(()),
                }
            }
            Some("NEG-OPEN") => self.send(selection::unsupported(name)).await,
            _ => {
                self.send(json!(["NOTICE", "invalid: not a message of NIP-01"]))
                    .await
            }
        }
    }

    fn sync(&mut self, verb: &str, name: &str, message: &Value) -> Option<Value> {
        let syncing = self.script.syncing?;
        match verb {
            "NEG-OPEN" => {
                let filter = Filter::from_value(&message[2]).unwrap_or_default();
                let begun = self.stage.syncs.fetch_add(1, Ordering::Relaxed);
                let held = self.stage.shelf.matching(&filter);
                self.syncs
                    .open(syncing, begun, name, &held)
                    .or_else(|| self.syncs.answer(syncing, name, &message[3]))
            }
            "NEG-MSG" => self.syncs.answer(syncing, name, &message[2]),
            _ => {
                self.syncs.close(name);
                None
            }
        }
    }

    async fn request(&mut self, name: &str, message: &Value) -> Result<()> {
        let filters = seen::filters(message);
        let others = self.subscriptions.keys().filter(|open| *open != name);
        let open = others.count();
        let conduct = self.script.conduct;
        let reason = self.refusal(&filters);
        if let Some(reason) = reason.or_else(|| conduct.refusal(name, filters.len(), open)) {
            return self.send(json!(["CLOSED", name, reason])).await;
        }
        match self.lapse() {
            Some(Lapse::Unanswered) => return Ok(()),
            Some(Lapse::RateLimited) => {
                let reason = "rate-limited: slow down";
                return self.send(json!(["CLOSED", name, reason])).await;
            }
            None => {}
        }
        match self.script.answer.clone() {
            Answer::Page => self.page(name, filters).await,
            Answer::Lies => self.lie(name, filters).await,
            Answer::Closed(reason) => self.send(json!(["CLOSED", name, reason])).await,
            Answer::WrongSubscription => self.send(json!(["EOSE", "nobody-asked"])).await,
            Answer::Endless(_) => {
                self.endless = Some((
                    name.to_owned(),
                    filters.into_iter().next().unwrap_or_default(),
                ));
                Ok(())
            }
            Answer::HugeFrame(bytes) => {
                self.socket.flush().await?;
                raw_frame::write_huge(self.socket.get_mut(), name, bytes).await
            }
            Answer::SlowFrame(pace) => {
                self.socket.flush().await?;
                let text = json!(["EOSE", name]).to_string();
                drip(self.socket.get_mut(), &raw_frame::text(&text), pace).await
            }
        }
    }

    fn refusal(&self, filters: &[Filter]) -> Option<&'static str> {
        let script = &self.script;
        if script.needs_auth && !self.is_authenticated {
            return Some("auth-required: log in first");
        }
        if filters.is_empty() {
            return Some("invalid: no filter that this relay can read");
        }
        let is_scraping = |filter: &Filter| {
            filter.ids.is_none() && filter.authors.is_none() && filter.tags.is_empty()
        };
        match script.refusal {
            Refusal::WithoutKinds if filters.iter().any(|filter| filter.kinds.is_none()) => {
                Some("unsupported: a filter needs kinds")
            }
            // A relay that asks for so little does not look like a scraper.
            Refusal::Scraping if filters.iter().any(|f| is_scraping(f) && f.limit != Some(1)) => {
                Some("blocked: scraping is not allowed here")
            }
            Refusal::EveryScrape if filters.iter().any(is_scraping) => {
                Some("blocked: scraping is not allowed here")
            }
            _ => None,
        }
    }

    /// Counts the REQ, over all connections, so that a crawler which reconnects gains nothing.
    fn lapse(&self) -> Option<Lapse> {
        let number = self.stage.reqs.fetch_add(1, Ordering::Relaxed) + 1;
        let (every, lapse) = self.script.every?;
        number.is_multiple_of(every).then_some(lapse)
    }

    async fn page(&mut self, name: &str, filters: Vec<Filter>) -> Result<()> {
        for event in selection::select(&self.script, &self.stage, &filters) {
            self.send_event(name, &event.to_json()).await?;
        }
        self.send(json!(["EOSE", name])).await?;
        self.subscriptions.insert(name.to_owned(), filters);
        Ok(())
    }

    async fn lie(&mut self, name: &str, filters: Vec<Filter>) -> Result<()> {
        let truth = selection::select(&self.script, &self.stage, &filters);
        for json in self.stage.lies.mix(&truth, &filters) {
            self.send_event(name, &json).await?;
        }
        self.send(json!(["EOSE", name])).await
    }

    async fn event(&mut self, value: &Value) -> Result<()> {
        let event = match Event::from_json(&value.to_string()) {
            Ok(event) if verify(&event) => Arc::new(event),
            _ => {
                let id = value.get("id").and_then(Value::as_str).unwrap_or_default();
                return self.ok(id, false, "invalid: id or signature").await;
            }
        };
        let id = event.id().to_hex();
        if let Some(reason) = self.script.conduct.refuses(&event) {
            return self.ok(&id, false, reason).await;
        }
        match self.script.event {
            EventPolicy::Refuse(reason) => return self.ok(&id, false, reason).await,
            EventPolicy::Forget => return self.ok(&id, true, "").await,
            EventPolicy::Store => {}
        }
        let is_new = event.kind().is_ephemeral() || self.stage.shelf.insert(Arc::clone(&event));
        if is_new {
            self.stage.shelf.announce(event);
        }
        let note = if is_new {
            ""
        } else {
            "duplicate: already have it"
        };
        self.ok(&id, true, note).await
    }

    /// NIP-42: kind, relay, challenge and signature, not the time, since clocks are not the subject.
    async fn auth(&mut self, value: &Value) -> Result<()> {
        let id = value.get("id").and_then(Value::as_str).unwrap_or_default();
        let event = Event::from_json(&value.to_string()).ok();
        let is_good = event.is_some_and(|event| {
            let tag = |name: &str| event.as_ref().first_tag(name).map(|tag| tag.into_owned());
            let relay = tag("relay").unwrap_or_default();
            event.kind() == Kind::CLIENT_AUTH
                && tag("challenge").as_deref() == Some(&self.challenge)
                && relay.trim_end_matches('/') == self.stage.url
                && verify(&event)
        });
        self.is_authenticated |= is_good;
        let note = if is_good {
            ""
        } else {
            "invalid: wrong relay, challenge or signature"
        };
        self.ok(id, is_good, note).await
    }

    async fn deliver(&mut self, event: &Event) -> Result<()> {
        let wants = |filters: &Vec<Filter>| filters.iter().any(|filter| matches(filter, event));
        let names: Vec<String> = self
            .subscriptions
            .iter()
            .filter(|(_, filters)| wants(filters))
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            self.send_event(&name, &event.to_json()).await?;
        }
        Ok(self.socket.flush().await?)
    }

    async fn stream_on(&mut self) -> Result<()> {
        let Some((name, filter)) = self.endless.clone() else {
            return Ok(());
        };
        let event = self.stage.lies.fresh(&filter);
        self.send_event(&name, &event.to_json()).await?;
        self.socket.flush().await?;
        Ok(())
    }

    async fn send_event(&mut self, name: &str, event: &str) -> Result<()> {
        if self.script.disconnect_after == Some(self.sent) {
            self.socket.flush().await?;
            bail!("the script cuts the connection");
        }
        self.sent += 1;
        self.recorder.sent_event(event);
        let text = format!("[\"EVENT\",{},{event}]", json!(name));
        self.socket.feed(Message::text(text)).await?;
        Ok(())
    }

    async fn ok(&mut self, id: &str, accepted: bool, note: &str) -> Result<()> {
        self.send(json!(["OK", id, accepted, note])).await
    }

    async fn send(&mut self, message: Value) -> Result<()> {
        Ok(self.socket.send(Message::text(message.to_string())).await?)
    }
}

/// The time between two events of an endless stream.
async fn pause(answer: &Answer) {
    match answer {
        Answer::Endless(pace) if !pace.is_zero() => tokio::time::sleep(*pace).await,
        // Signing never waits, so give the other connections of the laboratory a turn.
        _ => tokio::task::yield_now().await,
    }
}

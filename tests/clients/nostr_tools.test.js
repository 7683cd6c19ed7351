// nostr-tools: the library under most web clients.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { nip11, nip77, SimplePool } from "nostr-tools";
import * as nip45 from "nostr-tools/nip45";
import { verifyEvent } from "nostr-tools/pure";
import { Relay } from "nostr-tools/relay";

import { freshRelay, within } from "./bigbrotr.js";
import { author, idsInOrder, now } from "./events.js";

let ours, other;

before(async () => {
  [ours, other] = await Promise.all([freshRelay(), freshRelay()]);
});

after(() => Promise.all([ours.end(), other.end()]));

test("a pool publishes to several relays, and finds each event once and in order", async () => {
  const pool = new SimplePool();
  const writer = author();
  const events = Array.from({ length: 40 }, (_, n) => writer.sign(1, `note ${n}`, [], now() - (n >> 2)));
  for (const event of events) {
    const answers = await Promise.all(pool.publish([ours.url, other.url], event));
    assert.equal(answers.length, 2);
  }
  const filter = { kinds: [1], authors: [writer.pubkey] };
  const found = await pool.querySync([ours.url, other.url], filter);
  assert.deepEqual(idsInOrder(found), idsInOrder(events));
  assert.ok(found.every((event) => verifyEvent(event)));

  const first = await pool.querySync([ours.url], { ...filter, limit: 7 });
  assert.deepEqual(first.map((event) => event.id), idsInOrder(events).slice(0, 7));
  const newest = await pool.get([other.url], { authors: [writer.pubkey] });
  assert.equal(newest.id, idsInOrder(events)[0]);
  pool.destroy();
});

test("a pool hears what another publishes, after the stored part", async () => {
  const [pool, elsewhere] = [new SimplePool(), new SimplePool()];
  const writer = author();
  const stored = writer.sign(1, "before", [["t", "live"]]);
  await Promise.all(elsewhere.publish([ours.url], stored));
  const heard = [];
  const live = writer.sign(1, "after", [["t", "live"]]);
  let published;
  await within(
    new Promise((resolve) => {
      const subscription = pool.subscribe([ours.url], { "#t": ["live"] }, {
        onevent(event) {
          heard.push(event.content);
          if (event.id === live.id) {
            subscription.close();
            resolve();
          }
        },
        oneose() {
          published = Promise.all(elsewhere.publish([ours.url], live));
        },
      });
    }),
    "the live event",
  );
  assert.deepEqual(heard, ["before", "after"]);
  await published;
  pool.destroy();
  elsewhere.destroy();
});

test("a refused event is refused with a reason, and a known one is taken", async () => {
  const relay = await Relay.connect(ours.url);
  const event = author().sign(1, "twice");
  assert.equal(await relay.publish(event), "");
  assert.match(await relay.publish(event), /^duplicate:/);
  const forged = { ...author().sign(1, "forged"), content: "changed" };
  await assert.rejects(relay.publish(forged), /^Error: invalid:/);
  relay.close();
});

test("counts are those of the answers, and sketches add up", async () => {
  const [pool, relay, another] = [new SimplePool(), await Relay.connect(ours.url), await Relay.connect(other.url)];
  const target = author().sign(1, "liked");
  const reactions = Array.from({ length: 30 }, () => author().sign(7, "+", [["e", target.id]]));
  for (const [n, reaction] of reactions.entries()) {
    // Some are on both relays.
    if (n < 20) await relay.publish(reaction);
    if (n >= 10) await another.publish(reaction);
  }
  const filter = nip45.getCountManyFilter(target.id, "reactions");
  assert.equal(await relay.count([filter], {}), 20);
  const { count, hll } = await relay.countWithHLL([filter], {});
  assert.equal(count, 20);
  const expected = nip45.newHll();
  const offset = nip45.computeOffset(nip45.getFilterFirstTagValue(filter));
  reactions.slice(0, 20).forEach((event) => nip45.feedEvent(expected, event, offset));
  assert.equal(hll, nip45.hllEncode(expected));

  const together = await pool.countMany([ours.url, other.url], target.id, "reactions");
  reactions.slice(20).forEach((event) => nip45.feedEvent(expected, event, offset));
  assert.equal(together.hll, nip45.hllEncode(expected));
  pool.destroy();
  relay.close();
  another.close();
});

test("a sync session finds what each side lacks", async () => {
  const relay = await Relay.connect(ours.url);
  const writer = author();
  const events = Array.from({ length: 300 }, (_, n) => writer.sign(1, `${n}`, [], now() - (n >> 3)));
  await Promise.all(events.slice(0, 280).map((event) => relay.publish(event)));
  const storage = new nip77.NegentropyStorageVector();
  events.slice(30).forEach((event) => storage.insert(event.created_at, event.id));
  storage.seal();
  const [have, need] = [new Set(), new Set()];
  const reason = await within(
    new Promise((resolve) => {
      const filter = { authors: [writer.pubkey], kinds: [1] };
      const session = new nip77.NegentropySync(relay, storage, filter, {
        onhave: (id) => have.add(id),
        onneed: (id) => need.add(id),
        onclose: resolve,
      });
      session.start();
    }),
    "the end of the session",
  );
  assert.equal(reason, undefined);
  const ids = (some) => new Set(some.map((event) => event.id));
  assert.deepEqual(have, ids(events.slice(280)));
  assert.deepEqual(need, ids(events.slice(0, 30)));
  relay.close();
});

test("a client that pings with a request stays connected", async () => {
  const relay = new Relay(ours.url, { enablePing: true });
  relay.pingFrequency = 50;
  relay.pingTimeout = 5_000;
  let pings = 0;
  const send = relay.send.bind(relay);
  await relay.connect();
  const several = new Promise((resolve) => {
    relay.send = (message) => {
      pings += message.startsWith('["REQ"') ? 1 : 0;
      if (pings === 4) resolve();
      return send(message);
    };
  });
  relay.onclose = () => assert.fail("the relay seemed dead");
  await within(several, "four pings");
  assert.ok(relay.connected);
  relay.onclose = null;
  relay.close();
});

test("a pool authenticates where it has to, and sees what is for it", async () => {
  const reader = author();
  const wrap = author().sign(1059, "?", [["p", reader.pubkey]]);
  const pool = new SimplePool();
  await Promise.all(pool.publish([ours.url], wrap));
  const filter = { kinds: [1059], "#p": [reader.pubkey] };
  const stranger = await within(closedWith(pool, filter, {}), "a refusal");
  assert.match(stranger, /^auth-required:/);
  pool.destroy();

  const signer = async (template) => reader.sign(template.kind, template.content, template.tags, template.created_at);
  const known = new SimplePool();
  const found = await within(
    new Promise((resolve) => {
      known.subscribe([ours.url], filter, { onauth: signer, onevent: resolve });
    }),
    "the gift wrap",
  );
  assert.equal(found.id, wrap.id);
  known.destroy();
});

test("a protected event is taken from its author only", async () => {
  const [writer, stranger] = [author(), author()];
  const secret = writer.sign(1, "for this relay", [["-"]]);
  const onauth = (who) => async (template) => who.sign(template.kind, template.content, template.tags, template.created_at);
  const pool = new SimplePool();
  await assert.rejects(pool.publish([ours.url], secret)[0], /auth-required:/);
  await assert.rejects(pool.publish([ours.url], secret, { onauth: onauth(stranger) })[0], /restricted:/);
  pool.destroy();
  const own = new SimplePool();
  await Promise.all(own.publish([ours.url], secret, { onauth: onauth(writer) }));
  own.destroy();
});

test("the information document is found where clients look for it", async () => {
  const document = await nip11.fetchRelayInformation(ours.url);
  assert.equal(document.name, "BigBrotr");
  assert.ok([1, 11, 45, 77].every((nip) => document.supported_nips.includes(nip)));
});

function closedWith(pool, filter, options) {
  return new Promise((resolve) => {
    pool.subscribe([ours.url], filter, { ...options, onclose: ([{ reason }]) => resolve(reason) });
  });
}

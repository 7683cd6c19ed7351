// NDK: the kit under most larger clients, and its sync package.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import NDK, { NDKEvent, NDKPrivateKeySigner, NDKRelayAuthPolicies } from "@nostr-dev-kit/ndk";
import { NDKSync } from "@nostr-dev-kit/sync";

import { freshRelay, within } from "./bigbrotr.js";
import { author, now } from "./events.js";
import { MemoryCache } from "./memory_cache.js";

let relay;
const kits = [];

before(async () => {
  relay = await freshRelay();
});

after(async () => {
  for (const ndk of kits) {
    for (const connected of ndk.pool.relays.values()) {
      connected.disconnect();
    }
  }
  await relay.end();
});

async function kit(options = {}) {
  const ndk = new NDK({ explicitRelayUrls: [relay.url], enableOutboxModel: false, ...options });
  kits.push(ndk);
  await within(ndk.connect(), "the connection");
  await within(connected(ndk), "a relay that answers");
  return ndk;
}

/** NDK takes a relay for connected when it has answered a request that finds nothing. */
function connected(ndk) {
  if (ndk.pool.connectedRelays().length > 0) return Promise.resolve();
  return new Promise((resolve) => ndk.pool.once("relay:connect", resolve));
}

test("what is published is fetched, with replaceable events as they are now", async () => {
  const signer = NDKPrivateKeySigner.generate();
  const ndk = await kit({ signer });
  const { pubkey } = await signer.user();
  for (const [kind, name, at] of [[1, "a note", 30], [0, '{"name":"old"}', 20], [0, '{"name":"new"}', 10]]) {
    const event = new NDKEvent(ndk, { kind, content: name, created_at: now() - at, tags: [] });
    const relays = await event.publish();
    assert.equal(relays.size, 1);
  }
  const events = await within(ndk.fetchEvents({ authors: [pubkey] }), "the events");
  const contents = [...events].map((event) => event.content).sort();
  assert.deepEqual(contents, ["a note", '{"name":"new"}']);
});

test("a subscription gets what is stored, its end, and what comes later", async () => {
  const [ndk, elsewhere] = [await kit(), await kit({ signer: NDKPrivateKeySigner.generate() })];
  const topic = `topic-${now()}`;
  const publish = (content) => new NDKEvent(elsewhere, { kind: 1, content, tags: [["t", topic]] }).publish();
  await publish("before");
  const said = [];
  await within(
    new Promise((resolve) => {
      const subscription = ndk.subscribe({ kinds: [1], "#t": [topic] }, { closeOnEose: false, groupable: false });
      subscription.on("event", (event) => {
        said.push(event.content);
        if (event.content === "after") {
          subscription.stop();
          resolve();
        }
      });
      subscription.on("eose", () => {
        said.push("end");
        publish("after");
      });
    }),
    "the live event",
  );
  assert.deepEqual(said, ["before", "end", "after"]);
});

test("a refusal reaches whoever publishes", async () => {
  const ndk = await kit();
  const forged = { ...author().sign(1, "forged"), content: "changed" };
  const event = new NDKEvent(ndk, forged);
  await assert.rejects(event.publish(undefined, 10_000), (error) => {
    const reasons = [...error.errors.values()].map((reason) => reason.message);
    assert.match(reasons[0], /^invalid:/);
    return true;
  });
});

test("a client that may authenticate sees what is for it", async () => {
  const signer = NDKPrivateKeySigner.generate();
  const { pubkey } = await signer.user();
  const wrap = author().sign(1059, "?", [["p", pubkey]]);
  const stranger = await kit();
  await new NDKEvent(stranger, wrap).publish();
  const ndk = await kit({ signer });
  ndk.relayAuthDefaultPolicy = NDKRelayAuthPolicies.signIn({ ndk, signer });
  const found = await within(
    new Promise((resolve) => {
      const subscription = ndk.subscribe({ kinds: [1059], "#p": [pubkey] }, { closeOnEose: false });
      subscription.on("event", resolve);
    }),
    "the gift wrap",
  );
  assert.equal(found.id, wrap.id);
});

test("the sync package finds and fetches what is missing, with its filters in a list", async () => {
  const writer = author();
  const events = Array.from({ length: 200 }, (_, n) => writer.sign(1, `${n}`, [], now() - (n >> 2)));
  const writing = await kit();
  await Promise.all(events.slice(0, 190).map((event) => new NDKEvent(writing, event).publish()));

  const cacheAdapter = new MemoryCache(events.slice(40));
  const ndk = await kit({ cacheAdapter });
  const sync = new NDKSync(ndk);
  const [ours] = ndk.pool.connectedRelays();
  assert.ok(await sync.checkRelaySupport(ours));
  const errors = [];
  const result = await sync.sync([{ authors: [writer.pubkey], kinds: [1] }], {
    onRelayError: (_, error) => errors.push(error.message),
  });
  assert.deepEqual(errors, []);
  const ids = (some) => new Set(some.map((event) => event.id));
  assert.deepEqual(result.need, ids(events.slice(0, 40)));
  assert.deepEqual(result.have, ids(events.slice(190)));
  assert.deepEqual(ids(result.events), result.need);
  assert.equal(cacheAdapter.events.size, events.length);
});

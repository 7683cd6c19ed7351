// What our monitor publishes, read by clients and held against the schemata of Nostrability.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import NDK, { NDKEvent } from "@nostr-dev-kit/ndk";
import Ajv from "ajv";
import { nip11, SimplePool } from "nostr-tools";
import { verifyEvent } from "nostr-tools/pure";

import { Folder, freshRelay } from "./bigbrotr.js";

let watched, folder, relay, pool, published;

before(async () => {
  watched = await freshRelay();
  folder = await Folder.make({ "seeds.txt": `${watched.url}\n` });
  await folder.run("run", "--once");
  relay = await folder.startRelay();
  pool = new SimplePool();
  published = await pool.querySync([relay.url], { kinds: [0, 10166, 30166] });
});

after(async () => {
  pool.destroy();
  await relay.stop();
  await folder.remove();
  await watched.end();
});

test("the monitor is found with its profile and what it has seen", async () => {
  const kinds = published.map((event) => event.kind).sort((a, b) => a - b);
  assert.deepEqual(kinds, [0, 10166, 30166]);
  assert.ok(published.every((event) => verifyEvent(event)));
  const [monitor] = new Set(published.map((event) => event.pubkey));
  const url = `${watched.url}/`;
  const seen = await pool.get([relay.url], { kinds: [30166], authors: [monitor], "#d": [url], "#n": ["local"] });
  assert.deepEqual(tag(seen, "d"), [url]);
  assert.ok(Number(tag(seen, "rtt-open")) >= 0);
  assert.equal(JSON.parse(seen.content).name, "BigBrotr");
});

test("NDK reads the same", async () => {
  const ndk = new NDK({ explicitRelayUrls: [relay.url], enableOutboxModel: false });
  await ndk.connect();
  const events = await ndk.fetchEvents({ kinds: [10166, 30166] });
  assert.equal(events.size, 2);
  for (const event of events) {
    assert.ok(event instanceof NDKEvent);
    assert.ok(event.verifySignature(false));
    if (event.kind === 30166) {
      assert.equal(event.dTag, `${watched.url}/`);
      assert.equal(event.tagAddress(), `30166:${event.pubkey}:${watched.url}/`);
    }
  }
  ndk.pool.relays.forEach((connected) => connected.disconnect());
});

for (const [kind, schema] of [
  [10166, "nips/nip-66/kind-10166/schema.json"],
  [30166, "nips/nip-66/kind-30166/schema.json"],
  [0, "nips/nip-01/kind-0/schema.json"],
]) {
  test(`kind ${kind} follows its schema`, async () => {
    const { id, pubkey, created_at, tags, content, sig } = published.find((event) => event.kind === kind);
    await follows({ id, pubkey, created_at, kind, tags, content, sig }, schema);
  });
}

test("the information document follows its schema, and so does the one that was published", async () => {
  const document = await nip11.fetchRelayInformation(relay.url);
  await follows(document, "nips/nip-11/schema.json");
  const { content } = published.find((event) => event.kind === 30166);
  await follows(JSON.parse(content), "nips/nip-66/kind-30166/schema.content.json");
});

async function follows(value, name) {
  const schema = JSON.parse(await readFile(join(process.env.SCHEMATA, "dist", name)));
  const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
  assert.ok(validate(value), JSON.stringify({ value, errors: validate.errors }, null, 1));
}

function tag(event, name) {
  return event.tags.find(([first]) => first === name)?.slice(1);
}

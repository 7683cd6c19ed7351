// Events that the tests publish, made by nostr-tools.

import { finalizeEvent, generateSecretKey, getPublicKey } from "nostr-tools/pure";

/** Somebody with a key of their own. */
export function author() {
  const secret = generateSecretKey();
  return {
    secret,
    pubkey: getPublicKey(secret),
    sign(kind, content = "", tags = [], created_at = now()) {
      return finalizeEvent({ kind, content, tags, created_at }, secret);
    },
  };
}

export function now() {
  return Math.floor(Date.now() / 1000);
}

/** The ids in NIP-01's order: newest first, lowest id first within a second. */
export function idsInOrder(events) {
  const order = (a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1);
  return [...events].sort(order).map((event) => event.id);
}

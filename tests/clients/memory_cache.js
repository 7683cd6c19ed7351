// The least that NDK takes for a cache: the sync package compares the relay with it.

import { NDKEvent } from "@nostr-dev-kit/ndk";
import { matchFilter } from "nostr-tools/filter";

export class MemoryCache {
  locking = false;
  events = new Map();

  constructor(events) {
    events.forEach((event) => this.events.set(event.id, event));
  }

  query({ filters, ndk }) {
    const all = [...this.events.values()];
    const found = all.filter((event) => filters.some((filter) => matchFilter(filter, event)));
    return found.map((event) => new NDKEvent(ndk, event));
  }

  async setEvent(event) {
    this.events.set(event.id, event.rawEvent());
  }
}

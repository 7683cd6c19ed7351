-- Relays, the URLs that wait for validation, and those that were given up.
-- A URL is in at most one of relay and candidate. All moments are unix seconds. Texts that are compared
-- are ordered byte by byte ("C"), whatever the database's own locale: faster, and the same everywhere.

CREATE TABLE relay (
    relay_id        INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url             TEXT COLLATE "C" NOT NULL UNIQUE,
    network         TEXT COLLATE "C" NOT NULL,
    discovered_at   BIGINT  NOT NULL,
    validated_at    BIGINT  NOT NULL,
    state           TEXT    NOT NULL,
    check_failures  BIGINT  NOT NULL DEFAULT 0,
    next_check_at   BIGINT  NOT NULL,
    sync_failures   BIGINT  NOT NULL DEFAULT 0,
    next_sync_at    BIGINT  NOT NULL
);

-- They end in the key: thousands of relays may be due at one moment, and are met in one order.
CREATE INDEX relay_by_check ON relay (network, next_check_at, relay_id);
CREATE INDEX relay_by_sync ON relay (network, next_sync_at, relay_id);

CREATE TABLE candidate (
    url             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    network         TEXT COLLATE "C" NOT NULL,
    source          TEXT    NOT NULL,
    discovered_at   BIGINT  NOT NULL,
    failures        BIGINT  NOT NULL DEFAULT 0,
    next_attempt_at BIGINT  NOT NULL,
    last_reason     TEXT
);

CREATE INDEX candidate_by_attempt ON candidate (network, failures, next_attempt_at, url);

CREATE TABLE candidate_tombstone (
    url             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    expires_at      BIGINT  NOT NULL,
    last_reason     TEXT
);

CREATE INDEX candidate_tombstone_by_expiry ON candidate_tombstone (expires_at);

-- Relays, the URLs that wait for validation, and those that were given up.
-- A URL is in at most one of relay and candidate. All moments are unix seconds.

CREATE TABLE relay (
    relay_id        INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url             TEXT    NOT NULL UNIQUE,
    network         TEXT    NOT NULL,
    discovered_at   BIGINT  NOT NULL,
    validated_at    BIGINT  NOT NULL,
    state           TEXT    NOT NULL,
    check_failures  BIGINT  NOT NULL DEFAULT 0,
    next_check_at   BIGINT  NOT NULL,
    sync_failures   BIGINT  NOT NULL DEFAULT 0,
    next_sync_at    BIGINT  NOT NULL
);

CREATE INDEX relay_by_check ON relay (network, next_check_at);
CREATE INDEX relay_by_sync ON relay (network, next_sync_at);

CREATE TABLE candidate (
    url             TEXT    NOT NULL PRIMARY KEY,
    network         TEXT    NOT NULL,
    source          TEXT    NOT NULL,
    discovered_at   BIGINT  NOT NULL,
    failures        BIGINT  NOT NULL DEFAULT 0,
    next_attempt_at BIGINT  NOT NULL,
    last_reason     TEXT
);

CREATE INDEX candidate_by_attempt ON candidate (network, failures, next_attempt_at);

CREATE TABLE candidate_tombstone (
    url             TEXT    NOT NULL PRIMARY KEY,
    expires_at      BIGINT  NOT NULL,
    last_reason     TEXT
);

CREATE INDEX candidate_tombstone_by_expiry ON candidate_tombstone (expires_at);

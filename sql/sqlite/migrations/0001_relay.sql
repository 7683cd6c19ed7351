-- Relays, the URLs that wait for validation, and those that were given up.
-- A URL is in at most one of relay and candidate. All moments are unix seconds.

CREATE TABLE relay (
    -- Also the relay's key in the event engine's sightings, so a number is never used twice.
    relay_id        INTEGER PRIMARY KEY AUTOINCREMENT,
    url             TEXT    NOT NULL UNIQUE,
    network         TEXT    NOT NULL,
    discovered_at   INTEGER NOT NULL,
    validated_at    INTEGER NOT NULL,
    state           TEXT    NOT NULL,
    check_failures  INTEGER NOT NULL DEFAULT 0,
    next_check_at   INTEGER NOT NULL,
    sync_failures   INTEGER NOT NULL DEFAULT 0,
    next_sync_at    INTEGER NOT NULL
) STRICT;

CREATE INDEX relay_by_check ON relay (network, next_check_at);
CREATE INDEX relay_by_sync ON relay (network, next_sync_at);

CREATE TABLE candidate (
    url             TEXT    NOT NULL PRIMARY KEY,
    network         TEXT    NOT NULL,
    source          TEXT    NOT NULL,
    discovered_at   INTEGER NOT NULL,
    failures        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL,
    last_reason     TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX candidate_by_attempt ON candidate (network, failures, next_attempt_at);

CREATE TABLE candidate_tombstone (
    url             TEXT    NOT NULL PRIMARY KEY,
    expires_at      INTEGER NOT NULL,
    last_reason     TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX candidate_tombstone_by_expiry ON candidate_tombstone (expires_at);

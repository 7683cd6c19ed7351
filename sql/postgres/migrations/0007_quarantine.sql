-- Events that the store failed on, each by itself, so that the rest of its batch is stored.

CREATE TABLE quarantine (
    id              BYTEA   NOT NULL PRIMARY KEY,
    -- The event as JSON, null when it is stored and only a sighting of it failed. Bytes, because what made it
    -- fail as text must not do so again.
    event           BYTEA,
    -- Where it came from; no foreign key, because a relay may be forgotten before its events.
    relay_id        INTEGER,
    reason          TEXT    NOT NULL,
    quarantined_at  BIGINT  NOT NULL
);

CREATE INDEX quarantine_by_time ON quarantine (quarantined_at, id);

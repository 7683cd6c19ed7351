-- Documents addressed by their content, when each was current for a relay, and round-trip times.

CREATE TABLE metadata (
    metadata_id     INTEGER PRIMARY KEY,
    -- SHA-256 of data: the id of the document everywhere outside of this database.
    id              BLOB    NOT NULL,
    metadata_type   TEXT    NOT NULL,
    data            TEXT    NOT NULL,
    UNIQUE (id, metadata_type)
) STRICT;

-- One row for each stretch of time in which the same document was observed: generated_at is its
-- first observation and last_generated_at its last. Stretches of a relay and type never overlap.
CREATE TABLE relay_metadata (
    relay_id            INTEGER NOT NULL REFERENCES relay (relay_id) ON DELETE CASCADE,
    metadata_type       TEXT    NOT NULL,
    generated_at        INTEGER NOT NULL,
    last_generated_at   INTEGER NOT NULL,
    metadata_id         INTEGER NOT NULL REFERENCES metadata (metadata_id) ON DELETE CASCADE,
    PRIMARY KEY (relay_id, metadata_type, generated_at)
) STRICT, WITHOUT ROWID;

CREATE INDEX relay_metadata_by_metadata ON relay_metadata (metadata_id);

CREATE TABLE relay_rtt (
    relay_id        INTEGER NOT NULL REFERENCES relay (relay_id) ON DELETE CASCADE,
    checked_at      INTEGER NOT NULL,
    open_ms         INTEGER,
    read_ms         INTEGER,
    write_ms        INTEGER,
    PRIMARY KEY (relay_id, checked_at)
) STRICT, WITHOUT ROWID;

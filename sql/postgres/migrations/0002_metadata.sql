-- Documents addressed by their content, when each was current for a relay, and round-trip times.

CREATE TABLE metadata (
    metadata_id     BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- SHA-256 of data: the id of the document everywhere outside of this database.
    id              BYTEA   NOT NULL,
    metadata_type   TEXT    NOT NULL,
    -- Canonical JSON. Not jsonb, which would print numbers in a way of its own: the hash is of this text.
    data            TEXT    COMPRESSION lz4 NOT NULL,
    UNIQUE (id, metadata_type)
);

-- One row for each stretch of time in which the same document was observed: generated_at is its
-- first observation and last_generated_at its last. Stretches of a relay and type never overlap.
CREATE TABLE relay_metadata (
    relay_id            INTEGER NOT NULL REFERENCES relay (relay_id) ON DELETE CASCADE,
    metadata_type       TEXT    NOT NULL,
    generated_at        BIGINT  NOT NULL,
    last_generated_at   BIGINT  NOT NULL,
    metadata_id         BIGINT  NOT NULL REFERENCES metadata (metadata_id) ON DELETE CASCADE,
    PRIMARY KEY (relay_id, metadata_type, generated_at)
);

CREATE INDEX relay_metadata_by_metadata ON relay_metadata (metadata_id);

CREATE TABLE relay_rtt (
    relay_id        INTEGER NOT NULL REFERENCES relay (relay_id) ON DELETE CASCADE,
    checked_at      BIGINT  NOT NULL,
    open_ms         BIGINT,
    read_ms         BIGINT,
    write_ms        BIGINT,
    PRIMARY KEY (relay_id, checked_at)
);

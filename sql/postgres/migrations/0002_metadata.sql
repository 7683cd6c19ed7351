-- Documents addressed by their content, when each was current for a relay, and round-trip times.

CREATE TABLE metadata (
    metadata_id     BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- SHA-256 of data: the id of the document everywhere outside of this database.
    id              BYTEA   NOT NULL,
    metadata_type   TEXT COLLATE "C" NOT NULL,
    -- Canonical JSON. Not jsonb, which would print numbers in a way of its own: the hash is of this text.
    data            TEXT    NOT NULL,
    UNIQUE (id, metadata_type)
);

DO $$
BEGIN
    ALTER TABLE metadata ALTER COLUMN data SET COMPRESSION lz4;
EXCEPTION
    WHEN feature_not_supported THEN NULL; -- A server that was built without LZ4 has its own way.
END
$$;

-- One row for each stretch of time in which the same document was observed: generated_at is its
-- first observation and last_generated_at its last. Stretches of a relay and type never overlap.
CREATE TABLE relay_metadata (
    relay_id            INTEGER NOT NULL REFERENCES relay (relay_id) ON DELETE CASCADE,
    metadata_type       TEXT COLLATE "C" NOT NULL,
    generated_at        BIGINT  NOT NULL,
    last_generated_at   BIGINT  NOT NULL,
    metadata_id         BIGINT  NOT NULL REFERENCES metadata (metadata_id) ON DELETE CASCADE,
    PRIMARY KEY (relay_id, metadata_type, generated_at)
);

CREATE INDEX relay_metadata_by_metadata ON relay_metadata (metadata_id);

-- The widest column first and nothing wider than needed: no other table here has a row for every check
-- of every relay.
CREATE TABLE relay_rtt (
    checked_at      BIGINT  NOT NULL,
    relay_id        INTEGER NOT NULL REFERENCES relay (relay_id) ON DELETE CASCADE,
    open_ms         INTEGER,
    read_ms         INTEGER,
    write_ms        INTEGER,
    PRIMARY KEY (relay_id, checked_at)
);

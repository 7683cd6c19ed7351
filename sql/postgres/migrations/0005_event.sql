-- Events, where they were seen, what readers may see of them, and the log of arrivals.
--
-- eid = created_at << 30 | (not the first 30 bits of the id). Its descending order is NIP-01's, so since,
-- until and partitions are ranges of it. A row of event never changes: what readers may see of an
-- event changes, and is kept apart in event_standing.

CREATE TABLE event (
    eid         BIGINT  NOT NULL,
    kind        INTEGER NOT NULL,
    id          BYTEA   NOT NULL,
    pubkey      BYTEA   NOT NULL,
    -- NULL, as tags and content are, where only provenance is kept (lightweight mode); the tags of a gift
    -- wrap are then those of its recipients.
    sig         BYTEA,
    -- Escaped JSON exactly as it was hashed, so that any text comes back byte for byte.
    tags        TEXT,
    content     TEXT,
    -- tag_hash() of its one-letter tags, each once, sorted; of a private kind only those of the recipients.
    tag_hashes  INTEGER[],
    PRIMARY KEY (eid)
) PARTITION BY RANGE (eid);

-- Before there are partitions, which take it over. Some servers are built without LZ4.
DO $$
BEGIN
    ALTER TABLE event ALTER COLUMN tags SET COMPRESSION lz4, ALTER COLUMN content SET COMPRESSION lz4;
EXCEPTION
    WHEN feature_not_supported THEN NULL;
END
$$;

-- Full pages cost nothing here: a hash index splits buckets as it grows, whatever was chosen.
CREATE INDEX event_by_id ON event USING hash (id) WITH (fillfactor = 100);
-- Equal keys share an entry, which makes these two a third of what they were with eid as last column.
CREATE INDEX event_by_author ON event (pubkey, kind);
CREATE INDEX event_by_kind ON event (kind);
CREATE INDEX event_by_tag ON event USING gin (tag_hashes);

-- The oldest sighting of an event on a relay.
CREATE TABLE event_relay (
    eid         BIGINT  NOT NULL,
    relay_id    INTEGER NOT NULL,
    -- Seconds since 2020-01-01 00:00 UTC (unix second 1577836800).
    seen_at     INTEGER NOT NULL,
    PRIMARY KEY (eid, relay_id)
) PARTITION BY RANGE (eid);

-- The same bounds for both: what was before 2023, quarters, and what is later than the last quarter.
-- event_partitions_cover() adds quarters as time goes on.
DO $$
DECLARE
    starts_at TIMESTAMPTZ := '2023-01-01 00:00+00';
    ends_at TIMESTAMPTZ;
    low BIGINT;
    high BIGINT;
    suffix TEXT;
    parent TEXT;
    storage CONSTANT TEXT := 'WITH (autovacuum_vacuum_insert_scale_factor = 0.02)';
BEGIN
    FOREACH parent IN ARRAY ARRAY['event', 'event_relay'] LOOP
        low := extract(epoch FROM starts_at)::BIGINT << 30;
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (MINVALUE) TO (%s) %s',
            parent || '_past', parent, low, storage);
    END LOOP;
    WHILE starts_at < '2027-01-01 00:00+00' LOOP
        ends_at := starts_at + INTERVAL '3 months';
        low := extract(epoch FROM starts_at)::BIGINT << 30;
        high := extract(epoch FROM ends_at)::BIGINT << 30;
        suffix := to_char(starts_at AT TIME ZONE 'UTC', '_YYYY"q"Q');
        FOREACH parent IN ARRAY ARRAY['event', 'event_relay'] LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s) %s',
                parent || suffix, parent, low, high, storage);
        END LOOP;
        starts_at := ends_at;
    END LOOP;
    FOREACH parent IN ARRAY ARRAY['event', 'event_relay'] LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (MAXVALUE) %s',
            parent || '_future', parent, high, storage);
    END LOOP;
END
$$;

-- One row for each event whose standing does not follow from its kind alone: versions of an address,
-- protected, expiring and deleted ones. Without a row an event is private if its kind is, else public.
CREATE TABLE event_standing (
    eid         BIGINT   NOT NULL PRIMARY KEY,
    -- What it is now: 0 public, 1 private, 2 superseded, 3 deleted, 4 expired, 5 protected.
    visibility  SMALLINT NOT NULL,
    -- What it would be if nothing else were stored: 0, 1 or 5.
    own         SMALLINT NOT NULL,
    -- NIP-40, unix seconds.
    expires_at  BIGINT,
    -- What it is a version of: 16 bytes of the SHA-256 of kind:pubkey:d, d escaped as in JSON.
    address     UUID
) WITH (fillfactor = 90);

CREATE INDEX event_standing_by_address ON event_standing (address, eid) WHERE address IS NOT NULL;

-- Expirations that are still to come.
CREATE TABLE event_expiration (
    expires_at  BIGINT  NOT NULL,
    eid         BIGINT  NOT NULL,
    PRIMARY KEY (expires_at, eid)
);

-- What the deletion requests that are stored ask for (NIP-09), whether it is here yet or not; eid is the request.
CREATE TABLE deleted_id (
    id          BYTEA   NOT NULL,
    eid         BIGINT  NOT NULL,
    requester   BYTEA   NOT NULL,
    PRIMARY KEY (id, eid)
);

CREATE INDEX deleted_id_by_request ON deleted_id (eid);

-- All versions up to the second of the request.
CREATE TABLE deleted_address (
    address     UUID    NOT NULL,
    eid         BIGINT  NOT NULL,
    PRIMARY KEY (address, eid)
);

CREATE INDEX deleted_address_by_request ON deleted_address (eid);

-- Requests to vanish that concern this archive (NIP-62): the key has vanished up to the second of eid. Rows
-- stay for ever.
CREATE TABLE vanish_request (
    pubkey      BYTEA   NOT NULL,
    eid         BIGINT  NOT NULL,
    PRIMARY KEY (pubkey, eid)
);

-- The one row that writers lock, last, to commit one after the other.
CREATE TABLE arrival_head (
    is_only     BOOLEAN NOT NULL DEFAULT true PRIMARY KEY CHECK (is_only),
    -- Number of the last batch of arrivals.
    batch       BIGINT  NOT NULL,
    -- Number of the last row of event_change.
    change      BIGINT  NOT NULL,
    -- How often events were removed.
    removal     BIGINT  NOT NULL,
    -- Rows of event_relay.
    sightings   BIGINT  NOT NULL
) WITH (fillfactor = 10);

INSERT INTO arrival_head (batch, change, removal, sightings) VALUES (0, 0, 0, 0);

-- The events that were stored by each commit, newest first, for whoever follows the archive.
CREATE TABLE arrival (
    batch       BIGINT   NOT NULL PRIMARY KEY,
    arrived_at  BIGINT   NOT NULL,
    eids        BIGINT[] NOT NULL
);

-- What each commit changed, for counters that follow: events and sightings that came, and those that went.
-- Whoever has folded a row in deletes it.
CREATE TABLE event_change (
    change              BIGINT    NOT NULL PRIMARY KEY,
    stored              BIGINT[]  NOT NULL DEFAULT '{}',
    sighted             BIGINT[]  NOT NULL DEFAULT '{}',
    sighted_relays      INTEGER[] NOT NULL DEFAULT '{}',
    removed             BIGINT[]  NOT NULL DEFAULT '{}',
    removed_kinds       INTEGER[] NOT NULL DEFAULT '{}',
    removed_pubkeys     BYTEA[]   NOT NULL DEFAULT '{}',
    unsighted           BIGINT[]  NOT NULL DEFAULT '{}',
    unsighted_relays    INTEGER[] NOT NULL DEFAULT '{}'
);

-- Stored events by kind.
CREATE TABLE event_count (
    kind        INTEGER NOT NULL PRIMARY KEY,
    events      BIGINT  NOT NULL
) WITH (fillfactor = 50);

-- How this archive reads events that come through SQL, as the program that opened it last was told.
CREATE TABLE event_setting (
    is_only         BOOLEAN   NOT NULL DEFAULT true PRIMARY KEY CHECK (is_only),
    -- Kinds kept whole; NULL keeps every kind whole.
    whole_kinds     INTEGER[],
    -- Whom a request to vanish may address.
    own_relay_urls  TEXT[]    NOT NULL
);

INSERT INTO event_setting (own_relay_urls) VALUES ('{}');

-- Counters behind the statistics views, kept up from event_change by statistics_fold(). A row goes when its count
-- reaches zero, so that the number of rows is the number of different things. All of it can be made again from
-- event, event_relay and relay: statistics_reconcile().
--
-- created_at is eid >> 30; a day is created_at / 86400, in UTC.

-- The row that a folder locks: one at a time.
CREATE TABLE statistics_head (
    is_only     BOOLEAN NOT NULL DEFAULT true PRIMARY KEY CHECK (is_only),
    -- The last row of event_change that is counted.
    change      BIGINT  NOT NULL,
    -- Rows of author_counter.
    authors     BIGINT  NOT NULL
);

INSERT INTO statistics_head (change, authors) VALUES (0, 0);

CREATE TABLE kind_counter (
    kind        INTEGER NOT NULL PRIMARY KEY,
    events      BIGINT  NOT NULL,
    authors     BIGINT  NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE day_counter (
    day         INTEGER NOT NULL PRIMARY KEY,
    events      BIGINT  NOT NULL,
    authors     BIGINT  NOT NULL,
    kinds       INTEGER NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE day_kind_counter (
    day         INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    events      BIGINT  NOT NULL,
    PRIMARY KEY (day, kind)
) WITH (fillfactor = 80);

-- Who wrote on which day: for the number of authors of a day.
CREATE TABLE day_author_counter (
    day         INTEGER NOT NULL,
    author_id   INTEGER NOT NULL,
    events      INTEGER NOT NULL,
    PRIMARY KEY (day, author_id)
) WITH (fillfactor = 95);

-- An author's number stands for the 32 bytes of the key in the other tables.
CREATE TABLE author_counter (
    first_created_at    BIGINT  NOT NULL,
    last_created_at     BIGINT  NOT NULL,
    events              BIGINT  NOT NULL,
    author_id           INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kinds               INTEGER NOT NULL,
    pubkey              BYTEA   NOT NULL UNIQUE
) WITH (fillfactor = 80);

CREATE TABLE author_kind_counter (
    author_id   INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    events      INTEGER NOT NULL,
    PRIMARY KEY (author_id, kind)
) WITH (fillfactor = 80);

-- An event counts once on each relay where it was seen. This is the largest table: what relays, kinds on relays and
-- networks need to know about different authors follows from rows that come and go here.
CREATE TABLE author_relay_kind_counter (
    first_created_at    BIGINT  NOT NULL,
    last_created_at     BIGINT  NOT NULL,
    author_id           INTEGER NOT NULL,
    relay_id            INTEGER NOT NULL,
    kind                INTEGER NOT NULL,
    events              INTEGER NOT NULL,
    PRIMARY KEY (author_id, relay_id, kind)
) WITH (fillfactor = 80);

CREATE TABLE relay_counter (
    relay_id            INTEGER NOT NULL PRIMARY KEY,
    -- As the relay had it when its first event was counted: the relay may be forgotten before its events are.
    network             TEXT COLLATE "C" NOT NULL,
    events              BIGINT  NOT NULL,
    authors             BIGINT  NOT NULL,
    kinds               INTEGER NOT NULL,
    first_created_at    BIGINT,
    last_created_at     BIGINT
) WITH (fillfactor = 50);

CREATE TABLE relay_kind_counter (
    relay_id    INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    events      BIGINT  NOT NULL,
    authors     BIGINT  NOT NULL,
    PRIMARY KEY (relay_id, kind)
) WITH (fillfactor = 70);

CREATE TABLE network_counter (
    network     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- Each event once, on however many relays of the network it was seen.
    events      BIGINT  NOT NULL,
    authors     BIGINT  NOT NULL,
    kinds       INTEGER NOT NULL
) WITH (fillfactor = 50);

-- Here and in author_network_counter an event counts once on each relay.
CREATE TABLE network_kind_counter (
    network     TEXT COLLATE "C" NOT NULL,
    kind        INTEGER NOT NULL,
    sightings   BIGINT  NOT NULL,
    PRIMARY KEY (network, kind)
) WITH (fillfactor = 70);

CREATE TABLE author_network_counter (
    author_id   INTEGER NOT NULL,
    network     TEXT COLLATE "C" NOT NULL,
    sightings   INTEGER NOT NULL,
    PRIMARY KEY (author_id, network)
) WITH (fillfactor = 80);

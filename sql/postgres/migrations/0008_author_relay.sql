-- Authors on relays: what pubkey_counts_by_relay shows, kept up by statistics_fold() as the other counters are
-- (0006_statistics.sql), so that nothing has to be computed, compared and copied when it is refreshed.
--
-- Bounds are kept here and no longer by kind: that is what people ask for, and it makes the largest table smaller.

CREATE TABLE author_relay_counter (
    first_created_at    BIGINT  NOT NULL,
    last_created_at     BIGINT  NOT NULL,
    author_id           INTEGER NOT NULL,
    relay_id            INTEGER NOT NULL,
    events              INTEGER NOT NULL,
    kinds               INTEGER NOT NULL,
    PRIMARY KEY (author_id, relay_id)
) WITH (fillfactor = 90);

INSERT INTO author_relay_counter (author_id, relay_id, events, kinds, first_created_at, last_created_at)
SELECT c.author_id, c.relay_id, sum(c.events), count(*), min(c.first_created_at), max(c.last_created_at)
FROM author_relay_kind_counter c
GROUP BY c.author_id, c.relay_id;

-- Equal relays share an entry, so it costs a few bytes a row.
CREATE INDEX author_relay_counter_by_relay ON author_relay_counter (relay_id);

-- The materialized view reads what goes; a view of its name takes its place when views are applied.
DROP MATERIALIZED VIEW IF EXISTS pubkey_counts_by_relay;
ALTER TABLE author_relay_kind_counter DROP COLUMN first_created_at, DROP COLUMN last_created_at;

-- Finds an author by the text that views show.
CREATE INDEX author_counter_by_text ON author_counter ((encode(pubkey, 'hex') COLLATE "C"));

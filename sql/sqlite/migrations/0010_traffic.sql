-- What the synchronizer received of each relay, added up.

CREATE TABLE relay_traffic (
    relay_id        INTEGER PRIMARY KEY REFERENCES relay (relay_id) ON DELETE CASCADE,
    received_bytes  INTEGER NOT NULL,
    new_events      INTEGER NOT NULL,
    known_events    INTEGER NOT NULL,
    refused_events  INTEGER NOT NULL,
    -- Until when the fresh events that it brought weigh as much as one, unix seconds.
    fresh_until     INTEGER NOT NULL,
    -- Whether its history is archived, as far as it can be.
    is_caught_up    INTEGER NOT NULL
) STRICT;

CREATE INDEX relay_traffic_by_freshness ON relay_traffic (fresh_until);

-- What the synchronizer received of each relay, added up.

CREATE TABLE relay_traffic (
    relay_id        INTEGER PRIMARY KEY REFERENCES relay (relay_id) ON DELETE CASCADE,
    received_bytes  BIGINT NOT NULL,
    new_events      BIGINT NOT NULL,
    known_events    BIGINT NOT NULL,
    refused_events  BIGINT NOT NULL,
    -- Until when the fresh events that it brought weigh as much as one, unix seconds.
    fresh_until     BIGINT NOT NULL,
    -- Whether its history is archived, as far as it can be.
    is_caught_up    BOOLEAN NOT NULL
);

CREATE INDEX relay_traffic_by_freshness ON relay_traffic (fresh_until);

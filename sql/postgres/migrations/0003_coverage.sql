-- What part of a relay's time line is archived under a filter, and what is missing and why.
-- since and until are seconds of created_at, both inclusive, as in a NIP-01 filter. filter_id is the
-- first 8 bytes of the SHA-256 of the filter without since, until and limit, as a signed number.

CREATE TABLE coverage (
    relay_id        INTEGER NOT NULL REFERENCES relay (relay_id) ON DELETE CASCADE,
    filter_id       BIGINT  NOT NULL,
    since           BIGINT  NOT NULL,
    until           BIGINT  NOT NULL CHECK (until >= since),
    method          TEXT    NOT NULL,
    covered_at      BIGINT  NOT NULL,
    events          BIGINT  NOT NULL,
    PRIMARY KEY (relay_id, filter_id, since)
);

CREATE TABLE gap (
    relay_id        INTEGER NOT NULL REFERENCES relay (relay_id) ON DELETE CASCADE,
    filter_id       BIGINT  NOT NULL,
    since           BIGINT  NOT NULL,
    until           BIGINT  NOT NULL CHECK (until >= since),
    reason          TEXT    NOT NULL,
    attempts        BIGINT  NOT NULL,
    found_at        BIGINT  NOT NULL,
    next_attempt_at BIGINT  NOT NULL,
    PRIMARY KEY (relay_id, filter_id, since)
);

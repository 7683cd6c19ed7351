-- What part of a relay's time line is archived under a filter, and what is missing and why.
-- since and until are seconds of created_at, both inclusive, as in a NIP-01 filter. filter_id is the
-- first 8 bytes of the SHA-256 of the filter without since, until and limit, as a signed number.

CREATE TABLE coverage (
    relay_id        INTEGER NOT NULL REFERENCES relay (relay_id) ON DELETE CASCADE,
    filter_id       INTEGER NOT NULL,
    since           INTEGER NOT NULL,
    until           INTEGER NOT NULL CHECK (until >= since),
    method          TEXT    NOT NULL,
    covered_at      INTEGER NOT NULL,
    events          INTEGER NOT NULL,
    PRIMARY KEY (relay_id, filter_id, since)
) STRICT, WITHOUT ROWID;

CREATE TABLE gap (
    relay_id        INTEGER NOT NULL REFERENCES relay (relay_id) ON DELETE CASCADE,
    filter_id       INTEGER NOT NULL,
    since           INTEGER NOT NULL,
    until           INTEGER NOT NULL CHECK (until >= since),
    reason          TEXT    NOT NULL,
    attempts        INTEGER NOT NULL,
    found_at        INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    PRIMARY KEY (relay_id, filter_id, since)
) STRICT, WITHOUT ROWID;

-- The history of relays. Rows of relay_series are made by the check that falls into them, for five minutes, an hour and
-- a day at once, and go when they are older than the longest window that reads them.

-- The latest check of each relay, which speaks for it until the next.
CREATE TABLE relay_check (
    relay_id        INTEGER PRIMARY KEY REFERENCES relay (relay_id) ON DELETE CASCADE,
    checked_at      BIGINT  NOT NULL,
    state           TEXT    NOT NULL,
    is_up           BOOLEAN NOT NULL,
    next_check_at   BIGINT  NOT NULL
);

CREATE TABLE relay_series (
    relay_id        INTEGER NOT NULL REFERENCES relay (relay_id) ON DELETE CASCADE,
    resolution_s    BIGINT  NOT NULL,
    started_at      BIGINT  NOT NULL,
    checks          BIGINT  NOT NULL,
    answered        BIGINT  NOT NULL,
    up_s            BIGINT  NOT NULL,
    down_s          BIGINT  NOT NULL,
    -- Times to open a connection, a letter each: '!' stands for 1 ms and '~' for two minutes, in 94 steps of 13 %.
    open_times      TEXT    NOT NULL,
    PRIMARY KEY (relay_id, resolution_s, started_at)
);

-- The newest changes of state of each relay.
CREATE TABLE relay_transition (
    relay_id        INTEGER NOT NULL REFERENCES relay (relay_id) ON DELETE CASCADE,
    changed_at      BIGINT  NOT NULL,
    from_state      TEXT    NOT NULL,
    to_state        TEXT    NOT NULL,
    reason          TEXT    NOT NULL,
    PRIMARY KEY (relay_id, changed_at)
);

-- Failed checks by day and reason.
CREATE TABLE relay_failure (
    relay_id        INTEGER NOT NULL REFERENCES relay (relay_id) ON DELETE CASCADE,
    day             BIGINT  NOT NULL,
    reason          TEXT COLLATE "C" NOT NULL,
    failures        BIGINT  NOT NULL,
    PRIMARY KEY (relay_id, day, reason)
);

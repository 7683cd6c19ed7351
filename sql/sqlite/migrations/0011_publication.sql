-- Events of our monitor that an outside relay has not taken or refused yet.

CREATE TABLE publication (
    -- The outside relay; no foreign key, because an operator names it, and it need not be one that we monitor.
    relay_url       TEXT    NOT NULL,
    -- What a later event says anew, and so takes the place of this one: the address of a replaceable event.
    subject         TEXT    NOT NULL,
    event_id        BLOB    NOT NULL,
    queued_at       INTEGER NOT NULL,
    PRIMARY KEY (relay_url, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX publication_by_time ON publication (relay_url, queued_at, subject);

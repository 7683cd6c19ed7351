-- Cursors and checkpoints of the services, and how their last cycles ended.

CREATE TABLE service_state (
    service_name    TEXT    NOT NULL,
    state_type      TEXT    NOT NULL,
    state_key       TEXT    NOT NULL CHECK (state_key <> ''),
    state_value     TEXT    NOT NULL,
    updated_at      INTEGER NOT NULL,
    PRIMARY KEY (service_name, state_type, state_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE cycle (
    service_name    TEXT    NOT NULL,
    started_at      INTEGER NOT NULL,
    duration_ms     INTEGER NOT NULL,
    is_success      INTEGER NOT NULL,
    summary         TEXT    NOT NULL,
    PRIMARY KEY (service_name, started_at)
) STRICT, WITHOUT ROWID;

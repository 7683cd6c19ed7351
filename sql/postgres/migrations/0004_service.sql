-- Cursors and checkpoints of the services, and how their last cycles ended.

CREATE TABLE service_state (
    service_name    TEXT COLLATE "C" NOT NULL,
    state_type      TEXT COLLATE "C" NOT NULL,
    state_key       TEXT COLLATE "C" NOT NULL CHECK (state_key <> ''),
    state_value     TEXT    NOT NULL,
    updated_at      BIGINT  NOT NULL,
    PRIMARY KEY (service_name, state_type, state_key)
);

CREATE TABLE cycle (
    service_name    TEXT COLLATE "C" NOT NULL,
    started_at      BIGINT  NOT NULL,
    duration_ms     BIGINT  NOT NULL,
    is_success      BOOLEAN NOT NULL,
    summary         TEXT    NOT NULL,
    PRIMARY KEY (service_name, started_at)
);

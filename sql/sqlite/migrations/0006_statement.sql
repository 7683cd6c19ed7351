-- What the newest NIP-11 document of each relay states, read once for each document. A row goes with its relay and
-- with its document.

CREATE TABLE relay_statement (
    relay_id    INTEGER PRIMARY KEY REFERENCES relay (relay_id) ON DELETE CASCADE,
    metadata_id INTEGER NOT NULL REFERENCES metadata (metadata_id) ON DELETE CASCADE,
    name        TEXT,
    software    TEXT,
    version     TEXT
) STRICT;

CREATE INDEX relay_statement_by_metadata ON relay_statement (metadata_id);

CREATE TABLE relay_statement_nip (
    nip         INTEGER NOT NULL,
    relay_id    INTEGER NOT NULL REFERENCES relay_statement (relay_id) ON DELETE CASCADE,
    PRIMARY KEY (nip, relay_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX relay_statement_nip_by_relay ON relay_statement_nip (relay_id);

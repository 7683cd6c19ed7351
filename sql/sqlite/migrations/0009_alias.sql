-- Relays that are another relay under another URL. They stay listed, and nothing visits them.

CREATE TABLE relay_alias (
    relay_id        INTEGER PRIMARY KEY REFERENCES relay (relay_id) ON DELETE CASCADE,
    canonical_id    INTEGER NOT NULL REFERENCES relay (relay_id) ON DELETE CASCADE,
    -- What showed it, as JSON.
    evidence        TEXT    NOT NULL,
    found_at        INTEGER NOT NULL
) STRICT;

CREATE INDEX relay_alias_by_canonical ON relay_alias (canonical_id);

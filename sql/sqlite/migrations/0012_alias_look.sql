-- What came after an alias was found: its event was withdrawn, and it was looked at again.

ALTER TABLE relay_alias ADD COLUMN withdrawn_at INTEGER;
ALTER TABLE relay_alias ADD COLUMN looked_at INTEGER NOT NULL DEFAULT 0;

CREATE INDEX relay_alias_by_withdrawal ON relay_alias (withdrawn_at, relay_id);
CREATE INDEX relay_alias_by_look ON relay_alias (looked_at, relay_id);

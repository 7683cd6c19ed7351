-- Monitors lease relays like synchronizers, each for their own work.

ALTER TABLE sync_lease RENAME TO relay_lease;
ALTER TABLE relay_lease ADD COLUMN work TEXT NOT NULL DEFAULT 'sync' CHECK (work IN ('check', 'sync'));
ALTER TABLE relay_lease ALTER COLUMN work DROP DEFAULT;
ALTER TABLE relay_lease DROP CONSTRAINT sync_lease_pkey;
ALTER TABLE relay_lease ADD CONSTRAINT relay_lease_pkey PRIMARY KEY (relay_id, work);
ALTER TABLE relay_lease RENAME CONSTRAINT sync_lease_relay_id_fkey TO relay_lease_relay_id_fkey;

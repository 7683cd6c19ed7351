-- Of several monitors only one sends an event to an outside relay.

ALTER TABLE publication
    -- The monitor that is sending it, or did; no other takes it before leased_until.
    ADD COLUMN worker BIGINT,
    ADD COLUMN leased_until TIMESTAMPTZ;

/*
 * Purpose:    Adds quarters to event and event_relay until a moment is in one of them. Rows that are there already move
 *             from the partition of everything later into the quarter they belong to. Both tables are locked, for as
 *             long as that partition has rows to be moved and checked; when others hold them for longer than
 *             lock_timeout, this fails with 55P03 and nothing has changed.
 * Parameters: the moment
 * Result:     how many quarters were added
 * Caller:     event_partitions_extend
 */
CREATE OR REPLACE FUNCTION event_partitions_cover(moment TIMESTAMPTZ) RETURNS INTEGER
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
DECLARE
    is_locked BOOLEAN := false;
    storage CONSTANT TEXT := 'WITH (autovacuum_vacuum_insert_scale_factor = 0.02)';
    added INTEGER := 0;
    low BIGINT;
    high BIGINT;
    starts_at TIMESTAMPTZ;
    parent TEXT;
    quarter TEXT;
BEGIN
    -- One at a time: what is missing is looked up before the tables are locked.
    PERFORM pg_advisory_xact_lock(7261940119);
    LOOP
        -- The lower bound of event_future is the end of the last quarter.
        SELECT (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''?(\d+)''?\)'))[1]::BIGINT INTO low
        FROM pg_class c WHERE c.oid = 'event_future'::REGCLASS;
        starts_at := to_timestamp(low >> 30);
        EXIT WHEN starts_at > moment;
        IF NOT is_locked THEN
            LOCK TABLE event, event_relay IN ACCESS EXCLUSIVE MODE;
            is_locked := true;
            -- Somebody else may have been faster.
            CONTINUE;
        END IF;
        high := extract(epoch FROM (starts_at AT TIME ZONE 'UTC' + INTERVAL '3 months') AT TIME ZONE 'UTC')::BIGINT
            << 30;
        quarter := to_char(starts_at AT TIME ZONE 'UTC', '_YYYY"q"Q');
        FOREACH parent IN ARRAY ARRAY['event', 'event_relay'] LOOP
            EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', parent, parent || '_future');
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s) %s',
                parent || quarter, parent, low, high, storage);
            EXECUTE format('WITH moved AS (DELETE FROM %I WHERE eid < %s RETURNING *) INSERT INTO %I SELECT * FROM moved',
                parent || '_future', high, parent || quarter);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (MAXVALUE)',
                parent, parent || '_future', high);
        END LOOP;
        added := added + 1;
    END LOOP;
    RETURN added;
END
$$;

-- How many events were created within a stretch of time: whole days from their counters, the rest from the index.
--
-- Parameters: since and until in unix seconds, both inclusive. Result: a number. Caller: event_stats.
-- Indexes: primary keys of day_counter and event.
CREATE OR REPLACE FUNCTION events_within(since BIGINT, until BIGINT) RETURNS BIGINT
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
DECLARE
    -- The whole days are from first to before last.
    first BIGINT := (since + 86399) / 86400;
    last BIGINT := (until + 1) / 86400;
BEGIN
    IF first >= last THEN
        RETURN (SELECT count(*) FROM event e WHERE e.eid >= since << 30 AND e.eid < (until + 1) << 30);
    END IF;
    RETURN (SELECT count(*) FROM event e WHERE e.eid >= since << 30 AND e.eid < (first * 86400) << 30)
        + (SELECT coalesce(sum(d.events), 0) FROM day_counter d WHERE d.day >= first AND d.day < last)
        + (SELECT count(*) FROM event e WHERE e.eid >= (last * 86400) << 30 AND e.eid < (until + 1) << 30);
END
$$;

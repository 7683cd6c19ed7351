/*
 * Purpose:    Makes the partitions of the quarters that begin within half a year. Gives up when the tables are busy:
 *             until the next time, the events of those quarters go where all that is later goes. With the rights of its
 *             owner, unlike the others: only the owner of a table can add to it, and this can do nothing but that.
 * Result:     how many quarters were added
 * Caller:     opening the store
 */
CREATE OR REPLACE FUNCTION event_partitions_extend() RETURNS INTEGER
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp SET lock_timeout = '2s'
AS $$
BEGIN
    RETURN event_partitions_cover(now() + INTERVAL '6 months');
EXCEPTION
    WHEN lock_not_available OR deadlock_detected THEN
        RETURN 0;
END
$$;

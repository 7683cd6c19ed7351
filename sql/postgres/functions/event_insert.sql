/*
 * Purpose:    Store events: verified ones, for nothing is verified here. They are settled, logged and announced
 *             like those that come through the program. Neither jsonb nor text can hold U+0000, so an event
 *             with one cannot come this way.
 * Parameters: one row each, in any order, repeats allowed
 * Result:     new events
 * Caller:     programs beside ours
 */
CREATE OR REPLACE FUNCTION event_insert(
    event_ids BYTEA[], pubkeys BYTEA[], created_ats BIGINT[], kinds INTEGER[], tags JSONB[], contents TEXT[],
    sigs BYTEA[]
) RETURNS INTEGER
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT w.stored
        FROM event_write_rows(event_ids, pubkeys, created_ats, kinds, tags, contents, sigs, '{}', '{}', '{}') AS w
    );
END
$$;

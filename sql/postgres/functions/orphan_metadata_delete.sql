/*
 * Purpose:    Delete documents that were current for no relay, one batch of them. A function is one
 *             transaction, so it cannot commit between batches: call it until it returns less than the batch,
 *             as the janitor does.
 * Parameters: batch_size
 * Result:     documents deleted
 * Caller:     people; the janitor runs queries/delete_orphan_metadata.sql
 * Locks:      7261940117 alone, as everything that deletes documents
 */
CREATE OR REPLACE FUNCTION orphan_metadata_delete(batch_size INTEGER DEFAULT 10000)
RETURNS INTEGER
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
DECLARE
    deleted INTEGER;
BEGIN
    PERFORM pg_advisory_xact_lock(7261940117);
    DELETE FROM metadata
    WHERE ctid = ANY (ARRAY(
        SELECT m.ctid
        FROM metadata AS m
        WHERE NOT EXISTS (
            SELECT FROM relay_metadata AS named WHERE named.metadata_id = m.metadata_id
        )
        LIMIT batch_size
    ));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;

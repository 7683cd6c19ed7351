/*
 * Purpose:    Delete what was last observed long ago, one batch of it, but never the newest of a relay and
 *             type. A function is one transaction, so it cannot commit between batches: call it until it
 *             returns less than the batch, as the janitor does.
 * Parameters: max_age (seconds), batch_size
 * Result:     rows deleted
 * Caller:     people; the janitor runs queries/delete_expired_relay_metadata.sql
 */
CREATE OR REPLACE FUNCTION relay_metadata_delete_expired(
    max_age INTEGER DEFAULT 2592000, batch_size INTEGER DEFAULT 10000
) RETURNS INTEGER
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
DECLARE
    before CONSTANT BIGINT := extract(epoch FROM clock_timestamp())::bigint - max_age;
    deleted INTEGER;
BEGIN
    DELETE FROM relay_metadata
    WHERE ctid = ANY (ARRAY(
        SELECT old.ctid
        FROM relay_metadata AS old
        WHERE old.last_generated_at < before
            AND EXISTS (
                SELECT FROM relay_metadata AS newer
                WHERE newer.relay_id = old.relay_id
                    AND newer.metadata_type = old.metadata_type
                    AND newer.generated_at > old.generated_at
            )
        LIMIT batch_size
    ));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;

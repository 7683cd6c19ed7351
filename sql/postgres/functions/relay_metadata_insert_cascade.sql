/*
 * Purpose:    Store relays, documents and when each document was current for its relay, all or nothing.
 * Parameters: relay_urls, relay_networks, relay_discovered_ats, metadata_ids, metadata_types, documents,
 *             generated_ats: one row each
 * Result:     new rows of relay_metadata; documents that metadata_insert leaves out have none
 * Caller:     programs beside ours
 */
CREATE OR REPLACE FUNCTION relay_metadata_insert_cascade(
    relay_urls TEXT[], relay_networks TEXT[], relay_discovered_ats BIGINT[],
    metadata_ids BYTEA[], metadata_types TEXT[], documents JSONB[], generated_ats BIGINT[]
) RETURNS INTEGER
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
DECLARE
    added INTEGER;
BEGIN
    PERFORM relay_insert(relay_urls, relay_networks, relay_discovered_ats);
    PERFORM metadata_insert(metadata_ids, metadata_types, documents);
    SELECT relay_metadata_insert(
        array_agg(named.url), array_agg(named.id), array_agg(named.metadata_type),
        array_agg(named.generated_at)
    ) INTO added
    FROM unnest(relay_urls, metadata_ids, metadata_types, generated_ats)
        AS named (url, id, metadata_type, generated_at)
    WHERE EXISTS (
        SELECT FROM metadata AS m
        WHERE m.id = named.id AND m.metadata_type = named.metadata_type
    );
    RETURN added;
END
$$;

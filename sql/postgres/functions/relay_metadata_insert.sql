/*
 * Purpose:    Note that stored documents were current for stored relays. A document that still is current
 *             extends its row; a moment at which another document was current is passed over.
 * Parameters: relay_urls, metadata_ids, metadata_types, generated_ats: one row each, taken in the order of
 *             their moments
 * Result:     new rows
 * Caller:     relay_metadata_insert_cascade, programs beside ours
 * Errors:     foreign_key_violation for an unknown relay or document; nothing is stored then
 * Locks:      7261940117 shared, as everything that names documents; relays in the order of their keys
 */
CREATE OR REPLACE FUNCTION relay_metadata_insert(
    relay_urls TEXT[], metadata_ids BYTEA[], metadata_types TEXT[], generated_ats BIGINT[]
) RETURNS INTEGER
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
DECLARE
    seen RECORD;
    known RECORD;
    added INTEGER := 0;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7261940117);
    PERFORM FROM relay AS r WHERE r.url = ANY (relay_urls) ORDER BY r.relay_id FOR NO KEY UPDATE;
    FOR seen IN
        SELECT named.url, named.metadata_type, named.generated_at, r.relay_id, m.metadata_id
        FROM unnest(relay_urls, metadata_ids, metadata_types, generated_ats)
            AS named (url, id, metadata_type, generated_at)
        LEFT JOIN relay AS r ON r.url = named.url
        LEFT JOIN metadata AS m ON m.id = named.id AND m.metadata_type = named.metadata_type
        ORDER BY named.generated_at, r.relay_id, named.metadata_type, m.metadata_id
    LOOP
        IF seen.relay_id IS NULL OR seen.metadata_id IS NULL THEN
            RAISE foreign_key_violation USING MESSAGE = format(
                'relay %L or its %s document is not stored', seen.url, seen.metadata_type
            );
        END IF;
        SELECT s.generated_at, s.last_generated_at, s.metadata_id INTO known
        FROM relay_metadata AS s
        WHERE s.relay_id = seen.relay_id
            AND s.metadata_type = seen.metadata_type
            AND s.generated_at <= seen.generated_at
        ORDER BY s.generated_at DESC
        LIMIT 1;
        IF known.metadata_id = seen.metadata_id THEN
            UPDATE relay_metadata AS s
            SET last_generated_at = seen.generated_at
            WHERE s.relay_id = seen.relay_id
                AND s.metadata_type = seen.metadata_type
                AND s.generated_at = known.generated_at
                AND s.last_generated_at < seen.generated_at;
        ELSIF known IS NULL OR seen.generated_at > known.last_generated_at THEN
            INSERT INTO relay_metadata
                (relay_id, metadata_type, generated_at, last_generated_at, metadata_id)
            VALUES (
                seen.relay_id, seen.metadata_type, seen.generated_at, seen.generated_at,
                seen.metadata_id
            );
            added := added + 1;
        END IF;
    END LOOP;
    RETURN added;
END
$$;

/*
 * Purpose:    Store documents; a known one is left alone. One whose id is not the SHA-256 of its canonical
 *             text is left out, with a warning: nobody could tell afterwards what it was.
 * Parameters: ids, metadata_types, documents: one row each
 * Result:     new documents
 * Caller:     relay_metadata_insert_cascade, programs beside ours
 * Locks:      7261940117 shared, as everything that names documents; rows in the order of their ids
 */
CREATE OR REPLACE FUNCTION metadata_insert(
    ids BYTEA[], metadata_types TEXT[], documents JSONB[]
) RETURNS INTEGER
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
DECLARE
    texts CONSTANT TEXT[] := ARRAY(
        SELECT canonical_json(named.document)
        FROM unnest(documents) WITH ORDINALITY AS named (document, position)
        ORDER BY named.position
    );
    forged INTEGER;
    added INTEGER;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7261940117);
    INSERT INTO metadata (id, metadata_type, data)
    SELECT DISTINCT ON (new.id, new.metadata_type) new.id, new.metadata_type, new.data
    FROM unnest(ids, metadata_types, texts) AS new (id, metadata_type, data)
    WHERE new.id = sha256(convert_to(new.data, 'UTF8'))
        AND NOT EXISTS (
            SELECT FROM metadata AS known
            WHERE known.id = new.id AND known.metadata_type = new.metadata_type
        )
    ORDER BY new.id, new.metadata_type
    ON CONFLICT (id, metadata_type) DO NOTHING;
    GET DIAGNOSTICS added = ROW_COUNT;
    SELECT count(*) INTO forged
    FROM unnest(ids, texts) AS new (id, data)
    WHERE new.id IS DISTINCT FROM sha256(convert_to(new.data, 'UTF8'));
    IF forged > 0 THEN
        RAISE WARNING '% documents do not hash to their ids and are left out', forged;
    END IF;
    RETURN added;
END
$$;

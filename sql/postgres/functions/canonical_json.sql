/*
 * Purpose:    The canonical text of a document, whose SHA-256 is its id: keys sorted by code point, no
 *             white space, everything in UTF-8 with the shortest escapes.
 * Parameters: document; depth, how far inside of another document it is
 * Result:     text; numbers as jsonb has them, without an exponent; null for a container more than 50 deep
 * Caller:     metadata_insert
 * Example:    canonical_json('{"b": [1, null], "a": "x"}') = '{"a":"x","b":[1,null]}'
 */
CREATE OR REPLACE FUNCTION canonical_json(document JSONB, depth INTEGER DEFAULT 0) RETURNS TEXT
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
DECLARE
    parts TEXT;
BEGIN
    IF jsonb_typeof(document) NOT IN ('object', 'array') THEN
        RETURN document::text;
    ELSIF depth >= 50 THEN
        RETURN NULL;
    ELSIF jsonb_typeof(document) = 'array' THEN
        SELECT string_agg(canonical_json(item.value, depth + 1), ',' ORDER BY item.position)
        INTO parts
        FROM jsonb_array_elements(document) WITH ORDINALITY AS item (value, position);
        RETURN format('[%s]', parts);
    END IF;
    SELECT string_agg(
        to_json(entry.key)::text || ':' || canonical_json(entry.value, depth + 1), ','
        ORDER BY entry.key COLLATE "C"
    ) INTO parts
    FROM jsonb_each(document) AS entry;
    RETURN format('{%s}', parts);
END
$$;

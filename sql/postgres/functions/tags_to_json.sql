/*
 * Purpose:    Tags as they are hashed: compact JSON, escaped as NIP-01 says. jsonb has blanks after its commas.
 * Parameters: tags, an array of arrays of strings; anything else is an error
 * Caller:     event_facts
 */
CREATE OR REPLACE FUNCTION tags_to_json(tags JSONB) RETURNS TEXT
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT
        FROM jsonb_array_elements(tags) AS t (tag) CROSS JOIN jsonb_array_elements(t.tag) AS m (member)
        WHERE jsonb_typeof(m.member) <> 'string') THEN
        RAISE EXCEPTION 'tags are not an array of arrays of strings' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN '[' || coalesce((
        SELECT string_agg('[' || coalesce((
            SELECT string_agg(to_json(m.member #>> '{}')::TEXT, ',' ORDER BY m.place)
            FROM jsonb_array_elements(t.tag) WITH ORDINALITY AS m (member, place)), '') || ']', ',' ORDER BY t.place)
        FROM jsonb_array_elements(tags) WITH ORDINALITY AS t (tag, place)), '') || ']';
END
$$;

/*
 * Purpose:    What filters can ask for among tags: key:value of each tag whose name is one character and that has a
 *             value, in order; no such tag gives an empty array, and NULL gives NULL.
 * Parameters: tags
 * Caller:     nostr.event
 * Example:    tags_to_tagvalues('[["e", "ab"], ["t", "x", "y"], ["relay", "z"], ["d"]]') = '{e:ab,t:x}'
 */
CREATE OR REPLACE FUNCTION tags_to_tagvalues(tags JSONB) RETURNS TEXT[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(array_agg((t.tag ->> 0) || ':' || (t.tag ->> 1) ORDER BY t.place), '{}')
    FROM jsonb_array_elements(tags) WITH ORDINALITY AS t (tag, place)
    WHERE jsonb_typeof(t.tag) = 'array' AND length(t.tag ->> 0) = 1 AND jsonb_typeof(t.tag -> 1) = 'string'
$$;

/*
 * Purpose:    JSON text that jsonb and text can hold: U+0000, which they cannot, becomes U+FFFD. An escape is one only
 *             after an even number of backslashes.
 * Parameters: escaped JSON
 * Result:     the same without \u0000
 * Caller:     views, event_facts
 */
CREATE OR REPLACE FUNCTION json_without_nul(json TEXT) RETURNS TEXT
LANGUAGE sql IMMUTABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
    SELECT CASE
        WHEN pg_catalog.strpos(json, '\u0000') = 0 THEN json
        ELSE pg_catalog.regexp_replace(json, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g')
    END
$$;

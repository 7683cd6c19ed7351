/*
 * Purpose:    Make JSON text that jsonb and text can hold: U+0000, which they cannot, becomes U+FFFD. An escape is one only
 *             after an even number of backslashes.
 *             Its names are qualified instead of a search_path set, so that views take it apart as a part of their own.
 * Parameters: escaped JSON
 * Result:     the same without \u0000
 * Caller:     nostr.event
 */
CREATE OR REPLACE FUNCTION json_without_nul(escaped TEXT) RETURNS TEXT
LANGUAGE sql IMMUTABLE PARALLEL SAFE SECURITY INVOKER
AS $$
    SELECT CASE
        WHEN pg_catalog.strpos(escaped, '\u0000') = 0 THEN escaped
        ELSE pg_catalog.regexp_replace(escaped, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g')
    END
$$;

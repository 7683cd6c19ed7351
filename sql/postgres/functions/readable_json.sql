/*
 * Purpose:    A stored document as jsonb, whatever a hostile relay wrote into it. The one rule for what
 *             jsonb cannot hold: U+0000 is left out, half a surrogate pair becomes U+FFFD, and a document
 *             that jsonb refuses all the same (a number beyond its range, nesting beyond the server's stack,
 *             no JSON at all) is null. The stored text stays what it is.
 * Parameters: document
 * Result:     jsonb or null
 * Caller:     views nostr.metadata, nostr.service_state, relay_metadata_latest
 * Example:    readable_json('{"name":"a\u0000b"}') = '{"name": "ab"}'
 */
CREATE OR REPLACE FUNCTION readable_json(document TEXT) RETURNS JSONB
-- Not parallel safe: an exception block is a subtransaction, which parallel workers may not begin.
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
DECLARE
    -- An even number of backslashes: those before them escape each other.
    unescaped CONSTANT TEXT := '((?<!\\)(?:\\\\)*)';
    high CONSTANT TEXT := '\\u[dD][89abAB][0-9a-fA-F]{2}';
    low CONSTANT TEXT := '\\u[dD][c-fC-F][0-9a-fA-F]{2}';
BEGIN
    RETURN document::jsonb;
EXCEPTION
    WHEN untranslatable_character OR invalid_text_representation THEN
        BEGIN
            document := regexp_replace(document, unescaped || '\\u0000', '\1', 'g');
            document := regexp_replace(
                document, unescaped || high || '(?!' || low || ')', '\1\\ufffd', 'g'
            );
            document := regexp_replace(
                document, unescaped || '(?<!' || high || ')' || low, '\1\\ufffd', 'g'
            );
            RETURN document::jsonb;
        EXCEPTION
            WHEN data_exception OR program_limit_exceeded THEN
                RETURN NULL;
        END;
    WHEN data_exception OR program_limit_exceeded THEN
        RETURN NULL;
END
$$;

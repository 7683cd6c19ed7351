/*
 * Purpose:    Tell what an event that comes through SQL means to the archive; src/store/rules.rs reads the same from those
 *             that come through the program.
 * Parameters: its kind, author and tags
 * Result:     whole, whether it is kept whole; stored_tags, the tags to be stored; hashes, its tag_hashes; address, as in
 *             event_standing; own, its visibility by itself; expires_at; is_vanishing, whether it is a request to vanish
 *             that is obeyed here
 * Caller:     event_insert, event_relay_insert_cascade
 */
CREATE OR REPLACE FUNCTION event_facts(
    kind INTEGER, pubkey BYTEA, tags JSONB,
    OUT is_whole BOOLEAN, OUT stored_tags TEXT, OUT hashes INTEGER[], OUT address UUID, OUT own SMALLINT,
    OUT expires_at BIGINT, OUT is_vanishing BOOLEAN
)
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
DECLARE
    setting event_setting := (SELECT s FROM event_setting s);
    identifier TEXT;
    seconds TEXT;
BEGIN
    stored_tags := tags_to_json(tags);
    is_whole := kind IN (5, 62) OR setting.whole_kinds IS NULL OR kind = ANY (setting.whole_kinds);
    is_vanishing := kind = 62 AND EXISTS (
        SELECT FROM jsonb_array_elements(tags) AS t (tag)
        WHERE t.tag ->> 0 = 'relay' AND (t.tag ->> 1 = 'ALL_RELAYS'
            OR rtrim(lower(t.tag ->> 1), '/') IN (
                SELECT rtrim(lower(u.url), '/') FROM unnest(setting.own_relay_urls) AS u (url))));
    IF NOT is_whole THEN
        -- Of a gift wrap, to whom it is addressed: they may vanish.
        stored_tags := CASE WHEN kind = 1059 THEN (
            SELECT '[' || string_agg('["p","' || (t.tag ->> 1) || '"]', ',' ORDER BY t.place) || ']'
            FROM jsonb_array_elements(tags) WITH ORDINALITY AS t (tag, place)
            WHERE t.tag ->> 0 = 'p' AND t.tag ->> 1 ~ '^[0-9a-f]{64}$') END;
        tags := stored_tags::jsonb;
    END IF;
    hashes := (
        SELECT array_agg(DISTINCT tag_hash(t.tag ->> 0, t.tag ->> 1) ORDER BY tag_hash(t.tag ->> 0, t.tag ->> 1))
        FROM jsonb_array_elements(tags) AS t (tag)
        WHERE t.tag ->> 0 ~ '^[A-Za-z]$' AND t.tag ->> 1 IS NOT NULL);
    own := 6;
    IF is_whole THEN
        own := CASE
            WHEN EXISTS (SELECT FROM jsonb_array_elements(tags) AS t (tag) WHERE t.tag ->> 0 = '-') THEN 5
            WHEN kind IN (4, 1059) THEN 1
            ELSE 0
        END;
        seconds := ltrim((
            SELECT t.tag ->> 1 FROM jsonb_array_elements(tags) WITH ORDINALITY AS t (tag, place)
            WHERE t.tag ->> 0 = 'expiration' ORDER BY t.place LIMIT 1), '0');
        expires_at := CASE WHEN seconds = '' THEN 0 WHEN seconds ~ '^[0-9]{1,11}$' THEN seconds::BIGINT END;
        identifier := CASE
            WHEN kind IN (0, 3) OR kind BETWEEN 10000 AND 19999 THEN ''
            WHEN kind BETWEEN 30000 AND 39999 THEN coalesce((
                SELECT coalesce(t.tag ->> 1, '') FROM jsonb_array_elements(tags) WITH ORDINALITY AS t (tag, place)
                WHERE t.tag ->> 0 = 'd' ORDER BY t.place LIMIT 1), '')
        END;
        identifier := to_json(identifier)::TEXT;
        address := address_key(kind, pubkey, substr(identifier, 2, length(identifier) - 2));
    END IF;
END
$$;

/*
 * Purpose:    Forgets what authors wrote and the gift wraps for them, up to the second of their requests (NIP-62).
 *             Requests that are obeyed here stay. The caller holds arrival_head.
 * Parameters: the authors and the keys of their requests, the wall clock in unix seconds
 * Result:     how many events were removed
 * Caller:     event_write
 * Index:      event_by_author, event_by_tag, primary key of vanish_request
 */
CREATE OR REPLACE FUNCTION event_vanish(pubkeys BYTEA[], requests BIGINT[], now_at BIGINT) RETURNS BIGINT
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    -- Also when nothing is stored of them: writers that are under way may bring it.
    UPDATE arrival_head h SET removal = h.removal + 1;
    RETURN event_remove(ARRAY(
        SELECT e.eid
        FROM unnest(pubkeys, requests) AS u (pubkey, request)
        JOIN event e ON e.pubkey = u.pubkey AND e.eid <= (u.request | 1073741823)
        WHERE NOT EXISTS (SELECT FROM vanish_request v WHERE v.pubkey = e.pubkey AND v.eid = e.eid)
        UNION
        SELECT e.eid
        FROM unnest(pubkeys, requests) AS u (pubkey, request)
        JOIN event e ON e.tag_hashes @> ARRAY[tag_hash('p', encode(u.pubkey, 'hex'))]
            AND e.eid <= (u.request | 1073741823)
        WHERE e.kind = 1059 AND strpos(e.tags, '["p","' || encode(u.pubkey, 'hex') || '"') > 0
    ), now_at);
END
$$;

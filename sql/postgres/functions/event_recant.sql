/*
 * Purpose:    Takes back events of a batch that must not be stored after all: their author or a recipient has vanished
 *             (NIP-62), in this batch or while it was written, or they are deleted and to be refused then. Obeys the
 *             requests to vanish in the batch. The caller holds arrival_head.
 * Parameters: arrays with one element for each event, as in event_write
 * Result:     the fates, 20 for what has vanished and 21 for what was refused
 * Caller:     event_write
 */
CREATE OR REPLACE FUNCTION event_recant(
    stored BIGINT[], fates SMALLINT[], pubkeys BYTEA[], kinds INTEGER[], tags TEXT[],
    vanishing BOOLEAN[], refusing BOOLEAN[], now_at BIGINT
) RETURNS SMALLINT[]
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    after SMALLINT[];
BEGIN
    after := ARRAY(
        SELECT CASE
            WHEN u.fate <> 0 OR u.is_vanishing THEN u.fate
            WHEN EXISTS (
                SELECT FROM vanish_request v
                WHERE v.pubkey = u.pubkey AND v.eid >= u.eid >> 30 << 30) THEN 20
            WHEN u.kind = 1059 AND EXISTS (
                SELECT
                FROM regexp_matches(u.tags, '\["p","([0-9a-f]{64})"', 'g') m
                JOIN vanish_request v ON v.pubkey = decode(m[1], 'hex')
                WHERE v.eid >= u.eid >> 30 << 30) THEN 20
            WHEN u.is_refused AND EXISTS (SELECT FROM event_deleted(ARRAY[u.eid])) THEN 21
            ELSE u.fate
        END::SMALLINT
        FROM unnest(stored, fates, pubkeys, kinds, tags, vanishing, refusing)
            WITH ORDINALITY AS u (eid, fate, pubkey, kind, tags, is_vanishing, is_refused, place)
        ORDER BY u.place);
    PERFORM event_remove(ARRAY(
        SELECT u.eid FROM unnest(stored, fates, after) AS u (eid, fate, after)
        WHERE u.fate = 0 AND u.after <> 0), now_at);
    PERFORM event_vanish(array_agg(u.pubkey), array_agg(u.eid), now_at)
    FROM unnest(stored, after, pubkeys, vanishing) AS u (eid, fate, pubkey, is_vanishing)
    WHERE u.fate = 0 AND u.is_vanishing
    HAVING count(*) > 0;
    RETURN after;
END
$$;

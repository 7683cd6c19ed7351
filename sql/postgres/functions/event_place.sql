/*
 * Purpose:    Stores events that are not stored yet, unless their author or a recipient has vanished (NIP-62).
 * Parameters: arrays with one element for each event, each event once, in the order of their keys, so that two writers
 *             never wait for each other; vanishing marks the requests that are obeyed here
 * Result:     stored, the key of each event, NULL when it was refused; fates, 0 stored now, 10 stored before, 20
 *             vanished, 22 no slot left
 * Caller:     event_write
 * Index:      primary key of event, primary key of vanish_request
 */
CREATE OR REPLACE FUNCTION event_place(
    eids BIGINT[], ids BYTEA[], pubkeys BYTEA[], kinds INTEGER[], sigs BYTEA[],
    tags TEXT[], contents TEXT[], hashes TEXT[], vanishing BOOLEAN[],
    OUT stored BIGINT[], OUT fates SMALLINT[]
)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    slots BIGINT[] := eids;
    waiting INTEGER;
    placed BIGINT[];
    placed_ids BYTEA[];
    are_placed BOOLEAN[];
BEGIN
    stored := event_known(eids, ids);
    fates := ARRAY(
        SELECT CASE
            WHEN u.stored IS NOT NULL THEN 10::SMALLINT
            WHEN u.is_vanishing THEN NULL
            WHEN EXISTS (
                SELECT FROM vanish_request v
                WHERE v.pubkey = u.pubkey AND v.eid >= u.eid >> 30 << 30) THEN 20
            WHEN u.kind = 1059 AND EXISTS (
                SELECT
                FROM regexp_matches(u.tags, '\["p","([0-9a-f]{64})"', 'g') m
                JOIN vanish_request v ON v.pubkey = decode(m[1], 'hex')
                WHERE v.eid >= u.eid >> 30 << 30) THEN 20
        END
        FROM unnest(stored, eids, pubkeys, kinds, tags, vanishing)
            WITH ORDINALITY AS u (stored, eid, pubkey, kind, tags, is_vanishing, place)
        ORDER BY u.place);
    LOOP
        waiting := cardinality(array_positions(fates, NULL));
        EXIT WHEN waiting = 0;
        WITH placed AS (
            INSERT INTO event (eid, kind, id, pubkey, sig, tags, content, tag_hashes)
            SELECT u.slot, u.kind, u.id, u.pubkey, u.sig, u.tags, u.content, u.hashes::INTEGER[]
            FROM unnest(slots, kinds, ids, pubkeys, sigs, tags, contents, hashes, fates)
                AS u (slot, kind, id, pubkey, sig, tags, content, hashes, fate)
            WHERE u.fate IS NULL
            ON CONFLICT DO NOTHING
            RETURNING eid, id
        )
        SELECT array_agg(p.eid), array_agg(p.id) INTO placed, placed_ids FROM placed p;
        IF cardinality(placed) = waiting THEN
            stored := ARRAY(
                SELECT CASE WHEN u.fate IS NULL THEN u.slot ELSE u.stored END
                FROM unnest(stored, slots, fates) WITH ORDINALITY AS u (stored, slot, fate, place)
                ORDER BY u.place);
            fates := array_replace(fates, NULL, 0::SMALLINT);
            EXIT;
        END IF;
        -- Another writer stored some of them, or other ids have their slots.
        are_placed := are_among(slots, ids, placed, placed_ids);
        SELECT array_agg(CASE WHEN u.fate IS NULL AND u.is_placed THEN u.slot
                    WHEN u.fate IS NULL THEN u.known ELSE u.stored END ORDER BY u.place),
                array_agg(CASE WHEN u.fate IS NULL AND u.is_placed THEN 0::SMALLINT
                    WHEN u.fate IS NULL AND u.known IS NOT NULL THEN 10 ELSE u.fate END ORDER BY u.place)
            INTO stored, fates
            FROM unnest(stored, slots, fates, are_placed, event_known(eids, ids))
                WITH ORDINALITY AS u (stored, slot, fate, is_placed, known, place);
        slots := ARRAY(
            SELECT CASE WHEN u.fate IS NULL THEN (
                SELECT s.slot
                FROM generate_series(least(u.eid, (u.eid | 1073741823) - 15),
                    least(u.eid, (u.eid | 1073741823) - 15) + 15) AS s (slot)
                WHERE NOT EXISTS (SELECT FROM event e WHERE e.eid = s.slot)
                ORDER BY s.slot < u.eid, s.slot
                LIMIT 1)
            ELSE u.slot END
            FROM unnest(eids, slots, fates) WITH ORDINALITY AS u (eid, slot, fate, place)
            ORDER BY u.place);
        fates := ARRAY(
            SELECT CASE WHEN u.slot IS NULL THEN 22::SMALLINT ELSE u.fate END
            FROM unnest(slots, fates) WITH ORDINALITY AS u (slot, fate, place)
            ORDER BY u.place);
    END LOOP;
END
$$;

/*
 * Purpose:    Store events and sightings, settle what readers may see, and log the arrival: one batch, one
 *             transaction. Facts go in first, in the order of their keys, while other writers do the same. Then the row
 *             of arrival_head is locked: from there to the commit one writer works at a time, so it sees everything that
 *             is committed, and batches are numbered without holes in the order in which they are committed. Nothing
 *             after the lock waits for a writer before it.
 * Parameters: arrays with one element for each event, in the order of the keys, each event once: eids, ids, pubkeys,
 *             kinds, sigs, tags, contents as they are stored; hashes, the tag_hashes as array literals; addresses, the
 *             event_standing.address as text, NULL for what is no version; owns, the visibility by itself (6 for a
 *             stub; that of others where its author brought what is protected, and then what was hidden is released); expirations; vanishing, whether it is a request to vanish that is obeyed here; refusing, whether it
 *             is to be refused when it is deleted. Arrays with one element for each sighting, each pair of event and
 *             relay once: sighted_places, where among the events of this batch its event is, from 1; or NULL, and then
 *             sighted_eids and sighted_ids say which stored event it is; relays; seen as event_relay.seen_at. now_at,
 *             the wall clock in unix seconds
 * Result:     fates, the visibility of an event that was stored now, or 10 stored before, 20 vanished, 21 deleted, 22 no
 *             slot left, 30 and its visibility for one that was stored before and is released now; new_sightings, whether each sighting is new; batch, NULL when no event was stored
 * Caller:     write, event_insert, event_relay_insert, event_relay_insert_cascade
 */
CREATE OR REPLACE FUNCTION event_write(
    eids BIGINT[], ids BYTEA[], pubkeys BYTEA[], kinds INTEGER[], sigs BYTEA[], tags TEXT[], contents TEXT[],
    hashes TEXT[], addresses TEXT[], owns SMALLINT[], expirations BIGINT[], vanishing BOOLEAN[], refusing BOOLEAN[],
    sighted_places INTEGER[], sighted_eids BIGINT[], sighted_ids BYTEA[], relays INTEGER[], seen INTEGER[],
    now_at BIGINT,
    OUT fates SMALLINT[], OUT new_sightings BOOLEAN[], OUT batch BIGINT
)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    removal_before BIGINT := (SELECT h.removal FROM arrival_head h);
    removal_now BIGINT;
    stored BIGINT[];
    sighted BIGINT[];
    placed BIGINT[];
    placed_relays INTEGER[];
    has_older BOOLEAN := false;
    fresh BIGINT[];
    released BIGINT[] := '{}';
BEGIN
    SELECT p.stored, p.fates INTO stored, fates
    FROM event_place(eids, ids, pubkeys, kinds, sigs, tags, contents, hashes, vanishing) AS p;
    PERFORM event_mark(stored, fates, pubkeys, kinds, tags, expirations, vanishing, now_at);
    IF true = ANY (refusing) THEN
        fates := ARRAY(
            SELECT CASE WHEN u.fate = 10 AND u.is_refused
                AND EXISTS (SELECT FROM event_deleted(ARRAY[u.eid])) THEN 21 ELSE u.fate END::SMALLINT
            FROM unnest(stored, fates, refusing) WITH ORDINALITY AS u (eid, fate, is_refused, place)
            ORDER BY u.place);
    END IF;

    sighted := event_known(sighted_eids, sighted_ids);
    IF cardinality(fates) > 0 THEN
        sighted := ARRAY(
            SELECT CASE WHEN u.event IS NULL THEN u.eid WHEN fates[u.event] <= 10 THEN stored[u.event] END
            FROM unnest(sighted_places, sighted) WITH ORDINALITY AS u (event, eid, place)
            ORDER BY u.place);
    END IF;
    WITH placed AS (
        INSERT INTO event_relay (eid, relay_id, seen_at)
        SELECT u.eid, u.relay, u.seen
        FROM unnest(sighted, relays, seen) AS u (eid, relay, seen)
        WHERE u.eid IS NOT NULL
        ORDER BY u.eid, u.relay
        ON CONFLICT DO NOTHING
        RETURNING eid, relay_id
    )
    SELECT coalesce(array_agg(p.eid), '{}'), coalesce(array_agg(p.relay_id), '{}')
        INTO placed, placed_relays FROM placed AS p;
    IF cardinality(placed) = cardinality(array_remove(sighted, NULL)) THEN
        new_sightings := ARRAY(
            SELECT u.eid IS NOT NULL FROM unnest(sighted) WITH ORDINALITY AS u (eid, place) ORDER BY u.place
        );
    ELSE
        new_sightings := are_among(sighted, relays, placed, placed_relays);
        has_older := EXISTS (
            SELECT FROM unnest(sighted, relays, seen, new_sightings) AS u (eid, relay, seen, is_new)
            JOIN event_relay AS r ON r.eid = u.eid AND r.relay_id = u.relay
            WHERE NOT u.is_new AND r.seen_at > u.seen
        );
    END IF;

    IF 10 = ANY (fates) THEN
        released := ARRAY(
            SELECT u.eid FROM unnest(stored, fates, owns) AS u (eid, fate, own)
            JOIN event_standing AS s ON s.eid = u.eid
            WHERE u.fate = 10 AND u.own < 5 AND s.own = 5);
    END IF;
    IF cardinality(placed) = 0 AND NOT has_older AND NOT coalesce(0 = ANY (fates), false)
        AND cardinality(released) = 0 THEN
        RETURN;
    END IF;
    SELECT h.removal INTO removal_now FROM arrival_head h FOR UPDATE;
    IF removal_now <> removal_before AND EXISTS (
        SELECT FROM unnest(stored || sighted) AS u (eid)
        WHERE u.eid IS NOT NULL AND NOT EXISTS (SELECT FROM event e WHERE e.eid = u.eid)) THEN
        RAISE EXCEPTION 'events of this batch were removed meanwhile' USING ERRCODE = 'serialization_failure';
    END IF;
    IF has_older THEN
        UPDATE event_relay AS r SET seen_at = u.seen
        FROM unnest(sighted, relays, seen, new_sightings) AS u (eid, relay, seen, is_new)
        WHERE NOT u.is_new AND r.eid = u.eid AND r.relay_id = u.relay AND r.seen_at > u.seen;
    END IF;
    fresh := ARRAY(SELECT u.eid FROM unnest(stored, fates) AS u (eid, fate) WHERE u.fate = 0 ORDER BY u.eid DESC);
    INSERT INTO event_count AS c (kind, events)
    SELECT u.kind, count(*) FROM unnest(kinds, fates) AS u (kind, fate) WHERE u.fate = 0 GROUP BY u.kind
    ON CONFLICT (kind) DO UPDATE SET events = c.events + excluded.events;
    UPDATE arrival_head h SET change = h.change + 1, sightings = h.sightings + cardinality(placed);
    INSERT INTO event_change (change, stored, sighted, sighted_relays)
    SELECT h.change, fresh, placed, placed_relays FROM arrival_head h;
    IF cardinality(released) > 0 THEN
        WITH freed AS (
            UPDATE event_standing AS s SET own = u.own
            FROM unnest(stored, owns) AS u (eid, own)
            WHERE s.eid = u.eid AND s.eid = ANY (released) AND s.own = 5
            RETURNING s.eid
        )
        SELECT coalesce(array_agg(f.eid), '{}') INTO released FROM freed AS f;
        PERFORM event_settle(released, now_at);
    END IF;
    IF cardinality(fresh) = 0 AND cardinality(released) = 0 THEN
        RETURN;
    END IF;

    PERFORM event_settle(
        event_judge(stored, fates, ids, kinds, addresses, owns, expirations, now_at), now_at);
    IF removal_now <> removal_before OR true = ANY (vanishing) OR true = ANY (refusing) THEN
        fates := event_recant(stored, fates, pubkeys, kinds, tags, vanishing, refusing, now_at);
        fresh := ARRAY(SELECT u.eid FROM unnest(stored, fates) AS u (eid, fate) WHERE u.fate = 0 ORDER BY u.eid DESC);
        new_sightings := ARRAY(
            SELECT u.is_new AND EXISTS (SELECT FROM event e WHERE e.eid = u.eid)
            FROM unnest(sighted, new_sightings) WITH ORDINALITY AS u (eid, is_new, place)
            ORDER BY u.place);
        IF cardinality(fresh) = 0 AND cardinality(released) = 0 THEN
            RETURN;
        END IF;
    END IF;
    fates := ARRAY(
        SELECT CASE
            WHEN u.fate = 0 THEN coalesce(s.visibility, u.own)
            WHEN u.eid = ANY (released) THEN 30 + s.visibility
            ELSE u.fate
        END::SMALLINT
        FROM unnest(stored, fates, owns) WITH ORDINALITY AS u (eid, fate, own, place)
        LEFT JOIN event_standing s ON s.eid = u.eid
        ORDER BY u.place);
    UPDATE arrival_head h SET batch = h.batch + 1 RETURNING h.batch INTO batch;
    fresh := ARRAY(SELECT u.eid FROM unnest(fresh || released) AS u (eid) ORDER BY u.eid DESC);
    INSERT INTO arrival (batch, arrived_at, eids) VALUES (batch, now_at, fresh);
    PERFORM pg_notify('arrival', batch::TEXT);
END
$$;

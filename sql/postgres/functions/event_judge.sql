/*
 * Purpose:    Note what readers may see of events that were stored just now, as far as it follows from what they are
 *             and from the versions of their addresses; and supersede what was the newest version before. What
 *             takes a closer look is left to event_settle: few events are. The caller holds arrival_head.
 * Parameters: arrays with one element for each event, fates as event_place tells them; now_at, unix seconds
 * Result:     keys for event_settle: those that a deletion request may concern, the targets of requests among these
 *             events, and versions whose keys are so close that their order does not tell that of their ids
 * Caller:     event_write
 * Index:      event_standing_by_address, primary keys of event_standing, deleted_id and deleted_address,
 *             deleted_id_by_request, deleted_address_by_request, event_by_id
 */
CREATE OR REPLACE FUNCTION event_judge(
    stored BIGINT[], fates SMALLINT[], ids BYTEA[], kinds INTEGER[], addresses TEXT[], owns SMALLINT[],
    expirations BIGINT[], now_at BIGINT
) RETURNS BIGINT[]
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    -- Two events with one key are at most 15 slots away from it, each on its side; and a third one from both.
    reach CONSTANT BIGINT := 30;
    unsettled BIGINT[] := ARRAY(
        SELECT u.eid
        FROM unnest(stored, fates, ids) AS u (eid, fate, id)
        WHERE u.fate = 0 AND EXISTS (SELECT FROM deleted_id AS d WHERE d.id = u.id)
    );
    close BIGINT[];
    outdated BIGINT[];
BEGIN
    WITH special AS MATERIALIZED (
        SELECT
            u.eid, u.address::uuid AS address, u.own, u.expires_at,
            max(u.eid) OVER same AS newest, lag(u.eid) OVER (same ORDER BY u.eid) AS previous
        FROM unnest(stored, fates, addresses, owns, expirations) AS u (eid, fate, address, own, expires_at)
        WHERE u.fate = 0 AND (u.address IS NOT NULL OR u.expires_at IS NOT NULL OR u.own = 5)
        WINDOW same AS (PARTITION BY u.address)
    ), version AS MATERIALIZED (
        SELECT s.*, b.eid AS before, b.visibility AS before_visibility
        FROM special AS s
        LEFT JOIN LATERAL (
            SELECT b.eid, b.visibility FROM event_standing AS b
            WHERE b.address = s.address ORDER BY b.eid DESC LIMIT 1
        ) AS b ON true
    ), noted AS (
        INSERT INTO event_standing (eid, visibility, own, expires_at, address)
        SELECT
            v.eid,
            CASE
                WHEN v.address IS NOT NULL AND v.eid <> greatest(v.newest, v.before) THEN 2
                WHEN v.own = 5 THEN 5
                WHEN v.expires_at <= now_at THEN 4
                ELSE v.own
            END,
            v.own, v.expires_at, v.address
        FROM version AS v
    )
    SELECT
        array_agg(v.eid) FILTER (WHERE v.eid - v.previous <= reach OR abs(v.newest - v.before) <= reach
            OR EXISTS (SELECT FROM deleted_address AS a WHERE a.address = v.address AND a.eid >= v.eid >> 30 << 30)),
        array_agg(v.before) FILTER (WHERE v.before < v.newest AND v.before_visibility NOT IN (2, 3))
    INTO close, outdated
    FROM version AS v
    WHERE v.address IS NOT NULL;
    IF outdated IS NOT NULL THEN
        UPDATE event_standing AS s SET visibility = 2
        FROM (SELECT DISTINCT u.eid FROM unnest(outdated) AS u (eid)) AS u
        WHERE s.eid = u.eid;
    END IF;
    IF 5 = ANY (kinds) THEN
        unsettled := unsettled || ARRAY(
            SELECT e.eid
            FROM unnest(stored, fates, kinds) AS u (eid, fate, kind)
            JOIN deleted_id AS d ON d.eid = u.eid
            JOIN event AS e ON e.id = d.id
            WHERE u.fate = 0 AND u.kind = 5
        ) || ARRAY(
            SELECT s.eid
            FROM unnest(stored, fates, kinds) AS u (eid, fate, kind)
            JOIN deleted_address AS a ON a.eid = u.eid
            JOIN event_standing AS s ON s.address = a.address AND s.eid <= (a.eid | 1073741823)
            WHERE u.fate = 0 AND u.kind = 5
        );
    END IF;
    IF close IS NOT NULL THEN
        unsettled := unsettled || ARRAY(
            SELECT n.eid
            FROM unnest(close) AS u (eid)
            JOIN event_standing AS s ON s.eid = u.eid
            JOIN event_standing AS n ON n.address = s.address AND n.eid BETWEEN s.eid - 2 * reach AND s.eid + 2 * reach
        );
    END IF;
    RETURN ARRAY(SELECT DISTINCT u.eid FROM unnest(unsettled) AS u (eid));
END
$$;

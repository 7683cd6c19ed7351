/*
 * Purpose:    Store events and sightings that come through SQL: read what the events mean, sort everything, and
 *             write it as one batch of event_write. What the archive does not store (ephemeral kinds, moments
 *             after the year 2242, what an author who vanished wrote) is passed over with its sightings.
 * Parameters: arrays with one element for each event, in any order, repeats allowed, as in event_insert;
 *             arrays with one element for each sighting, likewise: the event's id, stored or among these, the
 *             relay, unix seconds
 * Result:     stored and sighted, how many events and how many pairs of event and relay are new
 * Caller:     event_insert, event_relay_insert, event_relay_insert_cascade
 * Index:      event_by_id
 */
CREATE OR REPLACE FUNCTION event_write_rows(
    event_ids BYTEA[], pubkeys BYTEA[], created_ats BIGINT[], kinds INTEGER[], tags JSONB[], contents TEXT[],
    sigs BYTEA[], sighted_ids BYTEA[], relay_ids INTEGER[], seen_ats BIGINT[],
    OUT stored INTEGER, OUT sighted INTEGER
)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off SET enable_seqscan = off
AS $$
DECLARE
    new RECORD;
    seen RECORD;
    written RECORD;
BEGIN
    IF EXISTS (
        SELECT FROM unnest(event_ids, pubkeys, created_ats, kinds, tags, contents, sigs)
            AS u (id, pubkey, created_at, kind, tags, content, sig)
        WHERE (octet_length(u.id) = 32 AND octet_length(u.pubkey) = 32 AND octet_length(u.sig) = 64
            AND u.created_at >= 0 AND u.kind BETWEEN 0 AND 65535
            AND u.tags IS NOT NULL AND u.content IS NOT NULL) IS NOT TRUE
    ) THEN
        RAISE EXCEPTION 'an event is not well formed' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT
        coalesce(array_agg(n.eid), '{}') AS eids, coalesce(array_agg(n.id), '{}') AS ids,
        coalesce(array_agg(n.pubkey), '{}') AS pubkeys, coalesce(array_agg(n.kind), '{}') AS kinds,
        coalesce(array_agg(CASE WHEN n.is_whole THEN n.sig END), '{}') AS sigs,
        coalesce(array_agg(n.stored_tags), '{}') AS tags,
        coalesce(array_agg(CASE WHEN n.is_whole THEN to_json(n.content)::text END), '{}') AS contents,
        coalesce(array_agg(n.hashes::text), '{}') AS hashes, coalesce(array_agg(n.address::text), '{}') AS addresses,
        coalesce(array_agg(n.own), '{}') AS owns, coalesce(array_agg(n.expires_at), '{}') AS expirations,
        coalesce(array_agg(n.is_vanishing), '{}') AS vanishing, coalesce(array_agg(false), '{}') AS refusing
    INTO new
    FROM (
        SELECT u.eid, u.id, u.pubkey, u.kind, u.sig, u.content, f.*
        FROM (
            SELECT DISTINCT ON (u.id) u.*, event_key(u.created_at, u.id) AS eid
            FROM unnest(event_ids, pubkeys, created_ats, kinds, tags, contents, sigs)
                AS u (id, pubkey, created_at, kind, tags, content, sig)
            WHERE u.kind NOT BETWEEN 20000 AND 29999 AND u.created_at < 1::bigint << 33
            ORDER BY u.id
        ) AS u
        CROSS JOIN LATERAL event_facts(u.kind, u.pubkey, u.tags) AS f
        ORDER BY u.eid, u.id
    ) AS n;
    SELECT
        coalesce(array_agg(s.place), '{}') AS places, coalesce(array_agg(s.eid), '{}') AS eids,
        coalesce(array_agg(CASE WHEN s.place IS NULL THEN s.id END), '{}') AS ids,
        coalesce(array_agg(s.relay), '{}') AS relays, coalesce(array_agg(s.seen), '{}') AS seen
    INTO seen
    FROM (
        SELECT p.id, p.relay, n.place::integer, CASE WHEN n.place IS NULL THEN e.eid END AS eid,
            greatest(0, least(p.seen_at - 1577836800, 2147483647))::integer AS seen
        FROM (
            SELECT u.id, u.relay, min(u.seen_at) AS seen_at
            FROM unnest(sighted_ids, relay_ids, seen_ats) AS u (id, relay, seen_at)
            GROUP BY u.id, u.relay
        ) AS p
        LEFT JOIN unnest(new.ids) WITH ORDINALITY AS n (id, place) ON n.id = p.id
        LEFT JOIN event AS e ON e.id = p.id
        WHERE n.place IS NOT NULL OR e.eid IS NOT NULL
    ) AS s;
    SELECT w.fates, w.new_sightings INTO written
    FROM event_write(
        new.eids, new.ids, new.pubkeys, new.kinds, new.sigs, new.tags, new.contents, new.hashes, new.addresses,
        new.owns, new.expirations, new.vanishing, new.refusing,
        seen.places, seen.eids, seen.ids, seen.relays, seen.seen, extract(epoch FROM clock_timestamp())::bigint
    ) AS w;
    stored := (SELECT count(*) FROM unnest(written.fates) AS f (fate) WHERE f.fate < 10);
    sighted := cardinality(array_positions(written.new_sightings, true));
END
$$;

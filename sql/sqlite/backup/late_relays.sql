/*
 * Purpose:    Take over relays that were found since the copy: sightings in the events that were copied after it
 *             may name them by their numbers, which must never be given to others.
 * Parameters: none
 * Result:     number of relays
 * Caller:     SqliteStore::add_late_relays
 */
INSERT INTO relay (
    relay_id, url, network, discovered_at, validated_at, state,
    check_failures, next_check_at, sync_failures, next_sync_at
)
SELECT
    relay_id, url, network, discovered_at, validated_at, state,
    check_failures, next_check_at, sync_failures, next_sync_at
FROM live.relay
WHERE live.relay.relay_id > (SELECT coalesce(max(kept.relay_id), 0) FROM relay AS kept)

-- What commits changed, a row each: an event stored (1) or removed (-1), which has no relay, or a sighting of one.
--
-- Columns: change, eid, relay_id, sign. Callers: statistics_take, statistics_fold_networks. Index: primary key of
-- event_change.
CREATE OR REPLACE VIEW event_fact AS
SELECT c.change, u.eid, NULL::INTEGER AS relay_id, 1 AS sign
FROM event_change c CROSS JOIN LATERAL unnest(c.stored) AS u (eid)
UNION ALL
SELECT c.change, u.eid, u.relay_id, 1
FROM event_change c CROSS JOIN LATERAL unnest(c.sighted, c.sighted_relays) AS u (eid, relay_id)
UNION ALL
SELECT c.change, u.eid, NULL, -1
FROM event_change c CROSS JOIN LATERAL unnest(c.removed) AS u (eid)
UNION ALL
SELECT c.change, u.eid, u.relay_id, -1
FROM event_change c CROSS JOIN LATERAL unnest(c.unsighted, c.unsighted_relays) AS u (eid, relay_id);

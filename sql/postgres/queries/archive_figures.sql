/*
 * Purpose:    Count the whole archive.
 * Parameters: $1 the moment at which the last hour, day, week and month end
 * Result:     one row: events, authors, kinds, first_created_at, last_created_at, last_hour, last_day, last_week,
 *             last_month
 * Caller:     FigureStore::archive_figures
 * Index:      primary keys of kind_counter, day_counter and event
 */
SELECT
    k.events, h.authors, k.kinds,
    (SELECT e.eid >> 30 FROM event AS e ORDER BY e.eid LIMIT 1) AS first_created_at,
    (SELECT e.eid >> 30 FROM event AS e ORDER BY e.eid DESC LIMIT 1) AS last_created_at,
    events_within($1::bigint - 3599, $1) AS last_hour,
    events_within($1 - 86399, $1) AS last_day,
    events_within($1 - 7 * 86400 + 1, $1) AS last_week,
    events_within($1 - 30 * 86400 + 1, $1) AS last_month
FROM statistics_head AS h
CROSS JOIN (
    SELECT coalesce(sum(c.events), 0)::bigint AS events, count(*) AS kinds FROM kind_counter AS c
) AS k

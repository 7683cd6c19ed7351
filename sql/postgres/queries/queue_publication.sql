/*
 * Purpose:    Queue an event for an outside relay. It takes the place in the queue of an earlier one about the
 *             same, so that what is said anew all the time is sent at some time.
 * Parameters: $1 relay_url
 *             $2 subject
 *             $3 event_id
 *             $4 queued_at
 * Result:     affected rows
 * Caller:     PublicationStore::queue_publications
 * Index:      primary key of publication
 */
INSERT INTO publication (relay_url, subject, event_id, queued_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (relay_url, subject) DO UPDATE SET event_id = excluded.event_id

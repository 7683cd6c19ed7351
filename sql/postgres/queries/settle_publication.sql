/*
 * Purpose:    Forget an event that an outside relay has answered for, unless a later one has taken its place.
 * Parameters: $1 relay_url
 *             $2 subject
 *             $3 event_id
 * Result:     affected rows
 * Caller:     PublicationStore::settle_publication
 * Index:      primary key of publication
 */
DELETE FROM publication WHERE relay_url = $1 AND subject = $2 AND event_id = $3

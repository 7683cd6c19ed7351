/*
 * Purpose:    Forget everything that waits for a relay which is sent nothing any more.
 * Parameters: $1 relay_url
 * Result:     affected rows
 * Caller:     PublicationStore::drop_publications
 * Index:      primary key of publication
 */
DELETE FROM publication WHERE relay_url = $1

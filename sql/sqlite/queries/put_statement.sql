/*
 * Purpose:    Keep what a document states about its relay.
 * Parameters: $1 relay_id
 *             $2 metadata_id
 *             $3 name, $4 software, $5 version, or null
 * Result:     none
 * Caller:     FigureStore::refresh_statistics
 * Index:      primary key of relay_statement
 */
INSERT OR REPLACE INTO relay_statement (relay_id, metadata_id, name, software, version)
VALUES ($1, $2, $3, $4, $5)

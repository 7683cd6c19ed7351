/*
 * Purpose:    Have relays alone until the transaction ends, others may name them meanwhile.
 * Parameters: $1 relay_ids
 * Result:     relay_id, without the unknown ones
 * Caller:     CoverageStore::cover, CoverageStore::add_gap,
 *             MetadataStore::add_relay_metadata
 * Index:      primary key of relay
 */
SELECT relay_id FROM relay WHERE relay_id = ANY ($1) ORDER BY relay_id FOR NO KEY UPDATE

/*
 * Purpose:    The place of the views that offer what is stored under integer keys in the seed's shape,
 *             under the seed's names. Whoever sets search_path = nostr, public runs the seed's queries.
 */
CREATE SCHEMA IF NOT EXISTS nostr;
COMMENT ON SCHEMA nostr IS
    'What public keeps under integer keys, by URL, id and jsonb: SET search_path = nostr, public';

-- Who named the URLs that were taken in: one row for each kind of source, so that a URL has at most as many rows as
-- there are kinds. It stays when a candidate becomes a relay, which is why it belongs to neither table.

CREATE TABLE candidate_evidence (
    url             TEXT    NOT NULL,
    source          TEXT    NOT NULL,
    namings         INTEGER NOT NULL,
    first_named_at  INTEGER NOT NULL,
    last_named_at   INTEGER NOT NULL,
    PRIMARY KEY (url, source)
) STRICT, WITHOUT ROWID;

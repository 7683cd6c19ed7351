-- Who named the URLs that were taken in: one row for each kind of source, so that a URL has at most as many rows as
-- there are kinds. It stays when a candidate becomes a relay, which is why it belongs to neither table.

CREATE TABLE candidate_evidence (
    namings         BIGINT  NOT NULL,
    first_named_at  BIGINT  NOT NULL,
    last_named_at   BIGINT  NOT NULL,
    url             TEXT COLLATE "C" NOT NULL,
    source          TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (url, source)
);

-- Which relays a synchronizer works on at the moment, so that several of them never work on the same one.
-- A lease that is not renewed ends by itself. Its time is the database's: the clocks of machines differ.

CREATE TABLE sync_lease (
    relay_id        INTEGER     NOT NULL PRIMARY KEY REFERENCES relay ON DELETE CASCADE,
    worker          BIGINT      NOT NULL,
    expires_at      TIMESTAMPTZ NOT NULL
);

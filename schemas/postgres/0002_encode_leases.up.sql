-- 1. Who is encoding an image just now. Rows live for seconds, so that the table needs no log: after a crash of
--    the server it is empty, and an image may be encoded twice.
CREATE UNLOGGED TABLE focus_encode_lease (
  key bytea NOT NULL PRIMARY KEY,      -- of the compressed image
  owner text NOT NULL,                 -- a worker's store, by a name that no other ever has
  fencing bigint NOT NULL,             -- rises with every lease given; an outlived one matches no row
  expires_at timestamptz NOT NULL      -- by this database's clock; past it, anyone may take the lease
);

-- 2. Never used twice, also where rows come and go.
CREATE SEQUENCE focus_encode_lease_fencing;

// swift-format-ignore-file
// Written by script/embed-migrations from schemas/postgres: change the files there.

/// The SQL files of `schemas/postgres`, by name.
let migrationTexts: [String: String] = [
  "0001_compressed_images.down.sql": #"""
    -- With its partitions, and all that is cached.
    DROP TABLE focus_compressed_image;
    """#,
  "0001_compressed_images.up.sql": #"""
    -- 1. One row for each compressed image: what is said of it in the clear, then the blob. Noting a use rewrites
    --    the row but not the blob, which lies out of line.
    CREATE TABLE focus_compressed_image (
      key bytea NOT NULL,                  -- SHA-256 of the image's digest and all that decides its tokens
      image_sha256 text NOT NULL,          -- of the image file's bytes, hexadecimal
      model text NOT NULL,                 -- name of the model whose vision tower made the tokens
      encoded_tokens bigint NOT NULL,      -- visual tokens the vision tower made
      tokens bigint NOT NULL,              -- visual tokens kept
      map_columns bigint NOT NULL,         -- the feature map before sampling, in tokens; 0 where not told
      map_rows bigint NOT NULL,
      bytes bigint NOT NULL,               -- of the blob
      created_at timestamptz NOT NULL,
      last_used_at timestamptz NOT NULL,   -- written in batches
      blob bytea NOT NULL,                 -- FOCUSIMG form, with its own checksum
      CONSTRAINT focus_compressed_image_pkey PRIMARY KEY (key)
    );

    -- 2. Blobs are dense already: compressing them again gained nothing and takes time.
    ALTER TABLE focus_compressed_image ALTER COLUMN blob SET STORAGE EXTERNAL;

    -- 3. Pruning walks the images in the order of their last use.
    CREATE INDEX focus_compressed_image_by_use ON focus_compressed_image (last_used_at, key);
    """#,
  "0002_encode_leases.down.sql": #"""
    DROP TABLE focus_encode_lease;
    DROP SEQUENCE focus_encode_lease_fencing;
    """#,
  "0002_encode_leases.up.sql": #"""
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
    """#,
  "0003_attempts.down.sql": #"""
    DROP TABLE focus_attempt;
    """#,
  "0003_attempts.up.sql": #"""
    -- 1. How often a job was begun and not ended: a job that kills its worker is counted here before it does.
    CREATE TABLE focus_attempt (
      job text NOT NULL PRIMARY KEY,       -- consumer group, topic, partition and offset
      attempts bigint NOT NULL,
      begun_at timestamptz NOT NULL        -- the last time
    );

    -- 2. Counts of jobs that nobody ended go when they are old.
    CREATE INDEX focus_attempt_by_time ON focus_attempt (begun_at);
    """#,
  "layout.sql": #"""
    -- Makes the table of compressed images anew with other partitions, or with another durability, and moves its rows.
    -- Reads two settings of the transaction: focus.partitions (0 for one plain table) and focus.unlogged (on, off).
    DO $layout$
    DECLARE
      partitions bigint := current_setting('focus.partitions')::bigint;
      unlogged text := CASE WHEN current_setting('focus.unlogged')::boolean THEN 'UNLOGGED' ELSE '' END;
      partition name;
      privilege record;
    BEGIN
      -- 1. The present table steps aside, with its partitions. Readers and writers wait.
      LOCK TABLE focus_compressed_image IN ACCESS EXCLUSIVE MODE;
      FOR partition IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'focus_compressed_image'::regclass
      LOOP
        EXECUTE format('ALTER TABLE %I RENAME TO %I', partition, 'old_' || partition);
      END LOOP;
      ALTER TABLE focus_compressed_image RENAME TO focus_compressed_image_old;
      ALTER TABLE focus_compressed_image_old DROP CONSTRAINT focus_compressed_image_pkey;
      DROP INDEX focus_compressed_image_by_use;

      -- 2. The new one has its columns, and their storage.
      IF partitions = 0 THEN
        EXECUTE format(
          'CREATE %s TABLE focus_compressed_image (LIKE focus_compressed_image_old INCLUDING STORAGE)', unlogged);
      ELSE
        CREATE TABLE focus_compressed_image (LIKE focus_compressed_image_old INCLUDING STORAGE)
          PARTITION BY HASH (key);
        FOR remainder IN 0 .. partitions - 1 LOOP
          EXECUTE format(
            'CREATE %s TABLE %I PARTITION OF focus_compressed_image FOR VALUES WITH (MODULUS %s, REMAINDER %s)',
            unlogged, 'focus_compressed_image_' || partitions || '_' || remainder, partitions, remainder);
        END LOOP;
      END IF;

      -- 3. The rows move; the indexes are made after, which is faster.
      INSERT INTO focus_compressed_image SELECT * FROM focus_compressed_image_old;
      ALTER TABLE focus_compressed_image ADD CONSTRAINT focus_compressed_image_pkey PRIMARY KEY (key);
      CREATE INDEX focus_compressed_image_by_use ON focus_compressed_image (last_used_at, key);

      -- 4. The old one's rights go over to the new one, then it goes.
      FOR privilege IN
        SELECT a.privilege_type AS name, coalesce(quote_ident(r.rolname), 'PUBLIC') AS grantee
        FROM pg_class c CROSS JOIN aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
        WHERE c.oid = 'focus_compressed_image_old'::regclass AND a.grantee <> c.relowner
      LOOP
        EXECUTE format('GRANT %s ON focus_compressed_image TO %s', privilege.name, privilege.grantee);
      END LOOP;
      DROP TABLE focus_compressed_image_old;
    END
    $layout$;
    """#,
]

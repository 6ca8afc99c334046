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

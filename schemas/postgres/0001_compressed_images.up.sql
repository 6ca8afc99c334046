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

-- With its partitions, and all that is cached.
DROP TABLE focus_compressed_image;

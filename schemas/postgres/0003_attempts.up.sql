-- 1. How often a job was begun and not ended: a job that kills its worker is counted here before it does.
CREATE TABLE focus_attempt (
  job text NOT NULL PRIMARY KEY,       -- consumer group, topic, partition and offset
  attempts bigint NOT NULL,
  begun_at timestamptz NOT NULL        -- the last time
);

-- 2. Counts of jobs that nobody ended go when they are old.
CREATE INDEX focus_attempt_by_time ON focus_attempt (begun_at);

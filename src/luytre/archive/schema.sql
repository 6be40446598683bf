-- index.db: one per volume. A copy of what the files say (design/archive.md, goal 3) plus what only a ledger can know.
-- Times: *_us = microseconds since 1970-01-01T00:00:00Z; *_ticks = video timescale, from the start of the run.

CREATE TABLE meta (                   -- 'format', 'volume' (UUID of volume.json), 'import' ('pending' while files are being read in),
                                      -- 'alarm' (JSON of alarm.py, '' when there is none), 'swept' (JSON of sweep_clock.py)
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

CREATE TABLE stream (
  id         INTEGER PRIMARY KEY,
  camera     TEXT NOT NULL,           -- camera's UUID: stays when the code changes
  name       TEXT NOT NULL,           -- 'main' | 'sub'
  code       TEXT NOT NULL,           -- the camera's code when last recorded: only for people
  since_us   INTEGER NOT NULL,        -- the ledger begins here
  expired_us INTEGER NOT NULL DEFAULT 0,  -- retention has deleted up to here: no coverage is promised before
  retention  TEXT NOT NULL,           -- retention class of the camera
  head       BLOB NOT NULL,           -- chain after the newest closed segment; 32 zero bytes before the first
  seen_us    INTEGER NOT NULL DEFAULT 0,  -- up to then a recorder was there to see that nothing was to be recorded (alive.py)
  UNIQUE (camera, name)
) STRICT;

CREATE TABLE run (                    -- one unbroken connection
  id        TEXT PRIMARY KEY,         -- UUIDv7, 32 hex digits
  stream_id INTEGER NOT NULL REFERENCES stream,
  start_us  INTEGER NOT NULL,
  init      BLOB NOT NULL             -- ftyp + moov, the same bytes as at the head of its files
) STRICT;

CREATE TABLE segment (
  id          INTEGER PRIMARY KEY,
  stream_id   INTEGER NOT NULL REFERENCES stream,
  run_id      TEXT NOT NULL REFERENCES run,
  seq         INTEGER NOT NULL,       -- counts from 0 in the run
  path        TEXT NOT NULL UNIQUE,   -- below the volume
  state       TEXT NOT NULL CHECK (state IN ('open', 'closed', 'deleting')),
  start_us    INTEGER NOT NULL,
  start_ticks INTEGER NOT NULL,
  end_us      INTEGER,                -- these four are NULL while open
  end_ticks   INTEGER,
  bytes       INTEGER,                -- of the whole file
  tail_offset INTEGER,                -- NULL in a closed segment: the disk was too full for the tail, scan the parts
  root        BLOB,                   -- hash of the segment (chain.py), and the chain after it; NULL while open
  link        BLOB,
  error_us    INTEGER,                -- estimated error of the wall time; NULL: the node's clock was not synchronised
  camera_us   INTEGER,                -- the camera's clock minus the node's; NULL: it told none
  rule        TEXT,                   -- while 'deleting': by which rule; NULL once that is certified and the file is left to go
  UNIQUE (run_id, seq)
) STRICT;
CREATE INDEX segment_by_time ON segment (stream_id, start_us);
CREATE INDEX segment_by_age ON segment (start_us);
CREATE INDEX segment_not_closed ON segment (stream_id) WHERE state <> 'closed';

CREATE TABLE gap (
  id        INTEGER PRIMARY KEY,
  stream_id INTEGER NOT NULL REFERENCES stream,
  start_us  INTEGER NOT NULL,
  end_us    INTEGER,                  -- NULL while it lasts; one such row per stream at most
  cause     TEXT NOT NULL,
  detail    TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX gap_by_time ON gap (stream_id, start_us);
CREATE UNIQUE INDEX gap_open ON gap (stream_id) WHERE end_us IS NULL;

CREATE TABLE hold (                   -- a span retention may not touch; released by a named person, never deleted.
                                      -- The only thing no segment tells: written to holds.jsonl too
  id          TEXT PRIMARY KEY,
  stream_id   INTEGER NOT NULL REFERENCES stream,
  start_us    INTEGER NOT NULL,
  end_us      INTEGER NOT NULL,
  reason      TEXT NOT NULL,
  missing_us  INTEGER NOT NULL,       -- of the span, what retention had deleted already when the hold was placed
  placed_by   TEXT NOT NULL,
  placed_us   INTEGER NOT NULL,
  released_by TEXT,
  released_us INTEGER
) STRICT;
CREATE INDEX hold_by_time ON hold (stream_id, start_us);

CREATE TABLE day (                    -- minute bitmap of a UTC day: bit m of recorded = something recorded in minute m
  stream_id INTEGER NOT NULL REFERENCES stream,
  day       INTEGER NOT NULL,         -- days since 1970-01-01
  recorded  BLOB NOT NULL,            -- 180 bytes, bit 0 of byte 0 is 00:00
  PRIMARY KEY (stream_id, day)
) STRICT;

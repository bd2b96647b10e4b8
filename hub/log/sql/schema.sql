-- The log on PostgreSQL. Run by "hub log init", in one transaction, as often as wanted.
CREATE SCHEMA IF NOT EXISTS log;
COMMENT ON SCHEMA log IS 'The event log: the audit trail from which every other table can be built again';

CREATE TABLE IF NOT EXISTS log.meta (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    partitions integer NOT NULL CHECK (partitions > 0),
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE log.meta IS 'One row: the partition count that the log was made with';

CREATE TABLE IF NOT EXISTS log.topic (
    topic_id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     text NOT NULL UNIQUE
);
COMMENT ON TABLE log.topic IS 'Short numbers for the names of topics';

-- A head row is updated by every append to its partition: room in the page keeps such updates in place.
CREATE TABLE IF NOT EXISTS log.head (
    topic_id     smallint NOT NULL REFERENCES log.topic,
    part         integer NOT NULL CHECK (part >= 0),
    first_offset bigint NOT NULL DEFAULT 0,
    next_offset  bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (topic_id, part),
    CHECK (0 <= first_offset AND first_offset <= next_offset)
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE log.head IS 'Begin and end of every partition; its row lock gives appends their order';

-- The offset is part of the primary key, and nothing refers to this table: so it can be attached as the first
-- partition of a table partitioned by ranges of "offset" without rewriting it.
CREATE TABLE IF NOT EXISTS log.record (
    topic_id    smallint NOT NULL,
    part        integer NOT NULL,
    "offset"    bigint NOT NULL,
    appended_at timestamptz NOT NULL DEFAULT now(),
    key         bytea NOT NULL,
    value       bytea NOT NULL,
    PRIMARY KEY (topic_id, part, "offset")
);
COMMENT ON TABLE log.record IS 'The records of all topics; appended, never updated';

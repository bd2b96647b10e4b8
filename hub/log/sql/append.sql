-- One append. Locks the head rows in the order of partitions (so two appends never deadlock), advances them, inserts the
-- records behind them and wakes the readers. Gives the first offset of each partition.
WITH given AS (
    SELECT part, rank, key, value
    FROM unnest(%(parts)b::int[], %(ranks)b::int[], %(keys)b::bytea[], %(values)b::bytea[]) AS r (part, rank, key, value)
), wanted AS (
    SELECT part, count FROM unnest(%(head_parts)b::int[], %(head_counts)b::int[]) AS w (part, count)
), locked AS MATERIALIZED (
    SELECT head.part, head.next_offset
    FROM log.head
    WHERE head.topic_id = %(topic)b AND head.part = ANY (%(head_parts)b::int[])
    ORDER BY head.part
    FOR UPDATE
), advanced AS (
    UPDATE log.head
    SET next_offset = locked.next_offset + wanted.count
    FROM locked JOIN wanted USING (part)
    WHERE head.topic_id = %(topic)b AND head.part = locked.part
    RETURNING head.part, locked.next_offset AS base, head.next_offset
), stored AS (
    INSERT INTO log.record (topic_id, part, "offset", key, value)
    SELECT %(topic)b, advanced.part, advanced.base + given.rank, given.key, given.value
    FROM given JOIN advanced USING (part)
    ORDER BY given.part, given.rank
), woken AS (
    SELECT pg_notify('hub_log', %(topic)b || ' ' || string_agg(part || ':' || next_offset, ' ')) FROM advanced
)
SELECT advanced.part, advanced.base FROM advanced, woken

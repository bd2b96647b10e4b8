-- Reads all partitions asked for, each from its offset, at most a share of the records and of the bytes of each.
-- A partition that begins after the offset asked for gives a row with its beginning and no record.
SELECT h.number, head.first_offset, r."offset", r.key, r.value
FROM unnest(%(numbers)b::int[], %(topics)b::smallint[], %(parts)b::int[], %(offsets)b::bigint[]) AS h (number, topic_id, part, start)
JOIN log.head USING (topic_id, part)
LEFT JOIN LATERAL (
    SELECT s."offset", s.key, s.value
    FROM (
        SELECT n."offset", n.key, n.value, sum(octet_length(n.value)) OVER (ORDER BY n."offset") - octet_length(n.value) AS before
        FROM (
            SELECT record."offset", record.key, record.value
            FROM log.record
            WHERE record.topic_id = h.topic_id AND record.part = h.part AND record."offset" >= h.start
            ORDER BY record."offset"
            LIMIT %(share)b::int
        ) n
    ) s
    WHERE s.before < %(room)b::bigint
) r ON true
WHERE r."offset" IS NOT NULL OR head.first_offset > h.start
ORDER BY h.number, r."offset"

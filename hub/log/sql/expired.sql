-- The first offset of each partition of a topic that is not older than the cutoff, where older records lie before it.
SELECT head.part, coalesce(kept."offset", head.next_offset)
FROM log.head
LEFT JOIN LATERAL (
    SELECT record."offset"
    FROM log.record
    WHERE record.topic_id = head.topic_id AND record.part = head.part AND record.appended_at >= %(cutoff)s
    ORDER BY record."offset"
    LIMIT 1
) kept ON true
WHERE head.topic_id = %(topic)s AND coalesce(kept."offset", head.next_offset) > head.first_offset

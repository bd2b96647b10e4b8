-- Removes the first records of a partition and moves its beginning.
WITH moved AS (
    UPDATE log.head
    SET first_offset = least(%(before)s::bigint, next_offset)
    WHERE topic_id = %(topic)s AND part = %(part)s AND first_offset < %(before)s::bigint
    RETURNING first_offset
)
DELETE FROM log.record
USING moved
WHERE record.topic_id = %(topic)s AND record.part = %(part)s AND record."offset" < moved.first_offset

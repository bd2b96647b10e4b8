-- shows: projection_offset
CREATE VIEW analytics.freshness AS
SELECT
    o.topic,
    o.partition,
    o.next_offset,
    nullif(o.next_offset - 1, -1) AS complete_up_to,
    o.updated_at,
    o.event_count
FROM hub.projection_offset o;

COMMENT ON VIEW analytics.freshness IS 'How far the tables follow the event log, per topic and partition.';
COMMENT ON COLUMN analytics.freshness.complete_up_to IS 'Offset up to which, this one included, every record of the partition is in the tables; NULL: none yet.';

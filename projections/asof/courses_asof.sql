-- Each course as the catalogs described it: the newest description told that had begun by then; the first reaches back.
CREATE FUNCTION analytics.courses_asof(company text, on_day date, known_on date DEFAULT NULL)
RETURNS TABLE (
    course_row_id uuid, course_id text, course_code text, course_name text, course_version text, validity_days integer,
    leads_to_certificate boolean, is_retired boolean, lms_code text, lms_integration_id uuid,
    version integer, event_id uuid, occurred_at timestamptz, recorded_at timestamptz, company_code text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
SET jit = off AS $$
#variable_conflict use_column
DECLARE
    ask record;
BEGIN
    SELECT * INTO ask FROM analytics.asof_company(company, on_day, known_on);
    RETURN QUERY
    SELECT DISTINCT ON (h.id) h.id, h.course_id::text, h.course_code::text, h.course_name::text, h.course_version::text,
           h.validity_days, h.leads_to_certificate, coalesce(h.retired_at < ask.on_end, FALSE), i.lms_code::text,
           h.lms_integration_id, h.version, h.event_id, h.occurred_at, h.recorded_at, ask.company_code
    FROM hub.course_history h LEFT JOIN hub.lms_integration_config i ON i.id = h.lms_integration_id
    WHERE h.company_id = ask.company_id AND h.recorded_at < ask.known_end
    ORDER BY h.id, h.occurred_at < ask.on_end DESC,
             CASE WHEN h.occurred_at < ask.on_end THEN -h.version ELSE h.version END;
END $$;
COMMENT ON FUNCTION analytics.courses_asof IS 'Each course of a company as its catalog described it on a day (validity, version), as known on another day (NULL: now). Before the first description the first one is taken.';

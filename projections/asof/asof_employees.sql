-- Each employee on a day: the newest version told that had begun by then; the first reaches back. Names and numbers are the
-- present ones, so that what was erased is not told again by its past.
CREATE FUNCTION analytics.asof_employees(company text, on_day date, known_on date, employees uuid[], department text)
RETURNS TABLE (
    employee_id uuid, employee_number text, employee_name text, is_employed boolean, employment_status text, job_title text,
    department_id uuid, department_code text, department_name text, team_id uuid, manager_employee_id uuid,
    manager_number text, manager_name text, site text, country_code text, hire_date date, termination_date date,
    effective_from date, version integer, event_id uuid, recorded_at timestamptz, company_code text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
SET jit = off AS $$
#variable_conflict use_column
DECLARE
    ask record;
    meant uuid[] := employees;
BEGIN
    SELECT * INTO ask FROM analytics.asof_company(company, on_day, known_on);
    IF department IS NOT NULL THEN
        SELECT coalesce(array_agg(DISTINCT h.id), '{}') INTO meant
        FROM hub.department_history d JOIN hub.employee_history h ON h.department_id = d.id
        WHERE d.company_id = ask.company_id AND lower(d.code) = lower(asof_employees.department)
          AND (asof_employees.employees IS NULL OR h.id = ANY (asof_employees.employees));
    ELSIF meant IS NULL THEN
        SELECT array_agg(p.id) INTO meant FROM hub.employee p WHERE p.company_id = ask.company_id;
    END IF;
    RETURN QUERY
    WITH standing AS MATERIALIZED (
        SELECT v.*, n.employment_status AS newest_status, n.termination_date AS newest_termination
        FROM unnest(meant) AS m(id)
        CROSS JOIN LATERAL (
            SELECT h.* FROM hub.employee_history h WHERE h.id = m.id AND h.recorded_at < ask.known_end
            ORDER BY h.effective_from <= asof_employees.on_day DESC,
                     CASE WHEN h.effective_from <= asof_employees.on_day THEN -h.version ELSE h.version END LIMIT 1
        ) v
        CROSS JOIN LATERAL (
            SELECT h.employment_status, h.termination_date FROM hub.employee_history h
            WHERE h.id = m.id AND h.recorded_at < ask.known_end ORDER BY h.version DESC LIMIT 1
        ) n
    ),
    unit AS (
        SELECT d.id, v.code, v.name FROM (SELECT DISTINCT s.department_id AS id FROM standing s) d
        CROSS JOIN LATERAL (
            SELECT h.code, h.name FROM hub.department_history h
            WHERE h.id = d.id AND h.company_id = ask.company_id AND h.recorded_at < ask.known_end
            ORDER BY h.effective_from <= asof_employees.on_day DESC,
                     CASE WHEN h.effective_from <= asof_employees.on_day THEN -h.version ELSE h.version END LIMIT 1
        ) v
    )
    SELECT s.id, p.employee_number::text, nullif(concat_ws(' ', p.given_name, p.family_name), ''),
           coalesce(s.hire_date <= asof_employees.on_day, TRUE)
               AND CASE WHEN s.employment_status = 'Terminated'
                        THEN coalesce(s.termination_date, s.effective_from) >= asof_employees.on_day
                        ELSE coalesce(s.termination_date >= asof_employees.on_day OR s.termination_date < s.hire_date, TRUE) END
               AND NOT coalesce(s.newest_status = 'Terminated' AND s.newest_termination < asof_employees.on_day, FALSE),
           s.employment_status::text, s.job_title::text, s.department_id, u.code::text, u.name::text, s.team_id,
           s.manager_employee_id, b.employee_number::text, nullif(concat_ws(' ', b.given_name, b.family_name), ''),
           s.site::text, s.country_code::text, s.hire_date, s.termination_date, s.effective_from, s.version, s.event_id,
           s.recorded_at, ask.company_code
    FROM standing s
    JOIN hub.employee p ON p.id = s.id AND p.company_id = ask.company_id
    LEFT JOIN unit u ON u.id = s.department_id
    LEFT JOIN hub.employee b ON b.id = s.manager_employee_id
    WHERE asof_employees.department IS NULL OR lower(u.code) = lower(asof_employees.department);
END $$;
COMMENT ON FUNCTION analytics.asof_employees IS 'These employees of a company (NULL: all) on a day, of one department (code, as on the day) where named, as analytics.employees_asof shows them.';

-- Each employee on a day: the newest version told that had begun by then; the first reaches back. Names and numbers are the
-- present ones, so that what was erased is not told again by its past.
CREATE FUNCTION analytics.asof_employees(company text, on_day date, known_on date, employees uuid[], department text)
RETURNS TABLE (
    employee_id uuid, employee_number text, employee_name text, is_employed boolean, employment_status text, job_title text,
    department_id uuid, department_code text, department_name text, team_id uuid, manager_employee_id uuid,
    manager_number text, manager_name text, site text, country_code text, hire_date date, termination_date date,
    effective_from date, version integer, event_id uuid, recorded_at timestamptz, company_code text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    ask record;
BEGIN
    SELECT * INTO ask FROM analytics.asof_company(company, on_day, known_on);
    RETURN QUERY
    WITH person AS (
        SELECT p.id FROM hub.employee p
        WHERE p.company_id = ask.company_id
          AND (asof_employees.employees IS NULL OR p.id = ANY (asof_employees.employees))
          AND (asof_employees.department IS NULL OR p.id IN (
              SELECT h.id FROM hub.employee_history h WHERE h.department_id IN (
                  SELECT d.id FROM hub.department_history d
                  WHERE d.company_id = ask.company_id AND lower(d.code) = lower(asof_employees.department)
              )
          ))
    ),
    standing AS (
        SELECT DISTINCT ON (h.id) h.* FROM person JOIN hub.employee_history h ON h.id = person.id
        WHERE h.recorded_at < ask.known_end
        ORDER BY h.id, h.effective_from <= asof_employees.on_day DESC,
                 CASE WHEN h.effective_from <= asof_employees.on_day THEN -h.version ELSE h.version END
    ),
    newest AS (
        SELECT DISTINCT ON (h.id) h.id, h.employment_status, h.termination_date
        FROM person JOIN hub.employee_history h ON h.id = person.id
        WHERE h.recorded_at < ask.known_end ORDER BY h.id, h.version DESC
    ),
    unit AS (
        SELECT DISTINCT ON (h.id) h.id, h.code, h.name FROM hub.department_history h
        WHERE h.company_id = ask.company_id AND h.recorded_at < ask.known_end
        ORDER BY h.id, h.effective_from <= asof_employees.on_day DESC,
                 CASE WHEN h.effective_from <= asof_employees.on_day THEN -h.version ELSE h.version END
    )
    SELECT s.id, p.employee_number::text, nullif(concat_ws(' ', p.given_name, p.family_name), ''),
           coalesce(s.hire_date <= asof_employees.on_day, TRUE)
               AND CASE WHEN s.employment_status = 'Terminated'
                        THEN coalesce(s.termination_date, s.effective_from) >= asof_employees.on_day
                        ELSE coalesce(s.termination_date >= asof_employees.on_day OR s.termination_date < s.hire_date, TRUE) END
               AND NOT coalesce(n.employment_status = 'Terminated' AND n.termination_date < asof_employees.on_day, FALSE),
           s.employment_status::text, s.job_title::text, s.department_id, u.code::text, u.name::text, s.team_id,
           s.manager_employee_id, b.employee_number::text, nullif(concat_ws(' ', b.given_name, b.family_name), ''),
           s.site::text, s.country_code::text, s.hire_date, s.termination_date, s.effective_from, s.version, s.event_id,
           s.recorded_at, ask.company_code
    FROM standing s
    JOIN newest n ON n.id = s.id
    JOIN hub.employee p ON p.id = s.id
    LEFT JOIN unit u ON u.id = s.department_id
    LEFT JOIN hub.employee b ON b.id = s.manager_employee_id
    WHERE asof_employees.department IS NULL OR lower(u.code) = lower(asof_employees.department);
END $$;
COMMENT ON FUNCTION analytics.asof_employees IS 'These employees of a company (NULL: all) on a day, of one department (code, as on the day) where named, as analytics.employees_asof shows them.';

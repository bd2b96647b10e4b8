-- Each employee, or one, on a day.
CREATE FUNCTION analytics.employees_asof(company text, on_day date, known_on date DEFAULT NULL, employee text DEFAULT NULL,
                                         department text DEFAULT NULL)
RETURNS TABLE (
    employee_id uuid, employee_number text, employee_name text, is_employed boolean, employment_status text, job_title text,
    department_id uuid, department_code text, department_name text, team_id uuid, manager_employee_id uuid,
    manager_number text, manager_name text, site text, country_code text, hire_date date, termination_date date,
    effective_from date, version integer, event_id uuid, recorded_at timestamptz, company_code text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    staff uuid[];
BEGIN
    IF employee IS NOT NULL THEN
        SELECT coalesce(array_agg(p.id), '{}') INTO staff
        FROM hub.employee p JOIN analytics.asof_company(company, on_day, known_on) m ON m.company_id = p.company_id
        WHERE lower(p.employee_number) = lower(employees_asof.employee);
    END IF;
    RETURN QUERY SELECT * FROM analytics.asof_employees(company, on_day, known_on, staff, department);
END $$;
COMMENT ON FUNCTION analytics.employees_asof IS 'Each employee of a company (or the one with this number, or those of a department) on a day, with department and manager, as known on another day (NULL: now). Names and numbers are the present ones.';

-- Who held a valid completion of a course on a day, and who did not and why: a row per person.
--
-- Asked twice, by what was known then and by all that is known now, unless that is the same. Of several cycles the valid one answers, else the one
-- that came nearest: completed later, lapsed or revoked, not completed.
CREATE FUNCTION analytics.completions_asof(
    company text, course text, on_day date, known_on date DEFAULT NULL, employee text DEFAULT NULL,
    department text DEFAULT NULL, everybody boolean DEFAULT FALSE
)
RETURNS TABLE (
    employee_id uuid, employee_number text, employee_name text, department_code text, manager_number text, asked_course text,
    asked_day date, known_until timestamptz, is_valid boolean, verdict text, verdict_day date, is_valid_by_now_known boolean,
    became_known_at timestamptz, enrollment_id uuid, enrollment_number text, cycle integer, lms_code text, course_name text,
    course_version text, enrollment_status text, completion_date date, valid_from date, valid_until date, revoked_on date,
    is_waived boolean, version integer, event_id uuid, recorded_at timestamptz, company_code text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
SET jit = off AS $$
#variable_conflict use_column
DECLARE
    ask record;
    staff uuid[];
BEGIN
    SELECT * INTO ask FROM analytics.asof_company(company, on_day, known_on);
    IF department IS NOT NULL OR everybody THEN
        SELECT coalesce(array_agg(a.employee_id), '{}') INTO staff
        FROM analytics.employees_asof(company, on_day, known_on, employee, department) a WHERE a.is_employed;
    ELSIF employee IS NOT NULL THEN
        SELECT array_agg(p.id) INTO staff FROM hub.employee p
        WHERE p.company_id = ask.company_id AND lower(p.employee_number) = lower(completions_asof.employee);
        IF staff IS NULL THEN
            RAISE EXCEPTION 'employee: % is not known; expected the number of an employee', employee;
        END IF;
    END IF;
    RETURN QUERY
    WITH cycle AS MATERIALIZED (
        SELECT * FROM analytics.asof_cycles(completions_asof.company, completions_asof.on_day, completions_asof.known_on, staff,
                                            completions_asof.course, TRUE) c
        WHERE c.employee_id IS NOT NULL
    ),
    ranked AS (
        SELECT c.*, row_number() OVER (
                   PARTITION BY c.employee_id
                   ORDER BY c.is_valid DESC, c.is_completed DESC, c.completed_on IS NOT NULL DESC, c.valid_until DESC NULLS FIRST,
                            c.completed_on DESC, c.enrollment_date DESC, c.enrollment_id
               ) AS nth
        FROM cycle c
    ),
    by_now AS (
        SELECT c.employee_id, c.enrollment_id, c.is_valid FROM cycle c WHERE ask.known_end > now()
        UNION ALL
        SELECT c.employee_id, c.enrollment_id, c.is_valid
        FROM analytics.asof_cycles(completions_asof.company, completions_asof.on_day, NULL, staff, completions_asof.course, FALSE) c
        WHERE c.employee_id IS NOT NULL AND ask.known_end <= now()
    ),
    present AS (
        SELECT DISTINCT ON (c.employee_id) c.employee_id, c.enrollment_id, c.is_valid
        FROM by_now c ORDER BY c.employee_id, c.is_valid DESC, c.enrollment_id
    ),
    person AS (
        SELECT unnest(staff) AS id UNION SELECT r.employee_id FROM ranked r UNION SELECT n.employee_id FROM present n
    ),
    place AS MATERIALIZED (
        SELECT * FROM analytics.asof_employees(completions_asof.company, completions_asof.on_day, completions_asof.known_on,
                                               (SELECT array_agg(person.id) FROM person), NULL)
    ),
    judged AS (
        SELECT p.id AS person_id, r.*, coalesce(r.is_valid, FALSE) AS held, coalesce(n.is_valid, FALSE) AS held_now,
               n.enrollment_id AS present_id,
               CASE WHEN r.is_valid THEN 'valid'
                    WHEN r.was_enrolled IS NOT TRUE THEN 'never enrolled'
                    WHEN r.completed_on IS NULL THEN 'not completed'
                    WHEN NOT r.is_completed THEN 'completed later'
                    WHEN r.revoked_on <= completions_asof.on_day AND (r.valid_until > r.revoked_on OR r.valid_until IS NULL)
                    THEN 'revoked' ELSE 'lapsed' END AS why
        FROM person p
        LEFT JOIN ranked r ON r.employee_id = p.id AND r.nth = 1
        LEFT JOIN present n ON n.employee_id = p.id
    ),
    dated AS (
        SELECT j.*, CASE WHEN NOT j.held AND j.held_now THEN (
                   SELECT min(h.recorded_at) FROM hub.lms_course_enrollment_history h
                   WHERE h.id = j.present_id AND h.recorded_at >= ask.known_end AND h.employee_id = j.person_id
                     AND h.enrollment_status IN ('Completed', 'Certified', 'Expired')
                     AND coalesce(h.completion_date, completions_asof.on_day) <= completions_asof.on_day
               ) END AS learnt
        FROM judged j
    )
    SELECT d.person_id, a.employee_number::text, nullif(concat_ws(' ', a.given_name, a.family_name), ''), l.department_code,
           l.manager_number, completions_asof.course, completions_asof.on_day, nullif(ask.known_end, 'infinity'), d.held,
           CASE WHEN NOT d.held AND d.held_now THEN 'known only later' ELSE d.why END,
           CASE WHEN NOT d.held AND d.held_now THEN (d.learnt AT TIME ZONE ask.zone)::date
                WHEN d.why IN ('valid', 'completed later') THEN d.completed_on
                WHEN d.why = 'lapsed' THEN d.valid_until
                WHEN d.why = 'revoked' THEN d.revoked_on
                WHEN d.why = 'not completed' THEN d.enrollment_date END,
           d.held_now, d.learnt, d.enrollment_id, e.enrollment_number::text, (e.fold_state ->> 'cycle')::integer,
           i.lms_code::text, e.course_name::text, d.course_version, d.status,
           CASE WHEN d.is_completed THEN d.completed_on END, CASE WHEN d.is_completed AND d.is_certified THEN d.valid_from END,
           CASE WHEN d.is_completed THEN d.valid_until END,
           CASE WHEN d.revoked_on <= completions_asof.on_day THEN d.revoked_on END,
           d.is_waived AND d.is_completed, d.version, d.event_id, d.recorded_at, ask.company_code
    FROM dated d
    JOIN hub.employee a ON a.id = d.person_id
    LEFT JOIN place l ON l.employee_id = d.person_id
    LEFT JOIN hub.lms_course_enrollment e ON e.id = d.enrollment_id
    LEFT JOIN hub.lms_integration_config i ON i.id = d.lms_integration_id;
END $$;
COMMENT ON FUNCTION analytics.completions_asof IS 'Who held a valid completion of a course (id or code) on a day, by what was known at the end of another day (NULL: now): a row per person, with verdict and day for those who did not. Of everybody who was ever enrolled; of one employee (number), a department (code, as on the day) or everybody employed on the day where asked for, enrolled or not.';

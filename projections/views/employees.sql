-- shows: employee
CREATE VIEW analytics.employees AS
SELECT
    p.id AS employee_id,
    p.employee_number,
    nullif(concat_ws(' ', p.given_name, p.family_name), '') AS employee_name,
    p.given_name,
    p.family_name,
    p.email,
    p.login_name,
    p.custom_identifier,
    p.employment_status,
    p.job_title,
    p.department_id,
    d.code AS department_code,
    d.name AS department_name,
    p.team_id,
    t.code AS team_code,
    t.name AS team_name,
    p.manager_employee_id,
    b.employee_number AS manager_number,
    nullif(concat_ws(' ', b.given_name, b.family_name), '') AS manager_name,
    p.site,
    p.country_code,
    p.hire_date,
    p.leave_start_date,
    p.leave_end_date,
    p.termination_date,
    p.effective_from,
    p.company_id,
    m.code AS company_code,
    p.created_at,
    p.updated_at
FROM hub.employee p
LEFT JOIN hub.company m ON m.id = p.company_id
LEFT JOIN hub.department d ON d.id = p.department_id
LEFT JOIN hub.team t ON t.id = p.team_id
LEFT JOIN hub.employee b ON b.id = p.manager_employee_id;

COMMENT ON VIEW analytics.employees IS 'One row per employee as of now, with department, team and manager.';
COMMENT ON COLUMN analytics.employees.employee_id IS 'Identifier of the employee.';
COMMENT ON COLUMN analytics.employees.employee_name IS 'Given and family name.';
COMMENT ON COLUMN analytics.employees.department_code IS 'Short name of the department.';
COMMENT ON COLUMN analytics.employees.department_name IS 'Name of the department.';
COMMENT ON COLUMN analytics.employees.team_code IS 'Short name of the team.';
COMMENT ON COLUMN analytics.employees.team_name IS 'Name of the team.';
COMMENT ON COLUMN analytics.employees.manager_number IS 'Number of the manager in the HR system.';
COMMENT ON COLUMN analytics.employees.manager_name IS 'Given and family name of the manager.';
COMMENT ON COLUMN analytics.employees.company_code IS 'Short name of the company.';

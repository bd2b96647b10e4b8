-- shows: user, employee
CREATE VIEW analytics.users AS
SELECT
    u.id AS user_id,
    u.login,
    u.display_name,
    u.email,
    u.is_active,
    u.employee_id,
    p.employee_number,
    nullif(concat_ws(' ', p.given_name, p.family_name), '') AS employee_name,
    u.effective_from,
    u.company_id,
    m.code AS company_code,
    u.created_at,
    u.updated_at
FROM hub."user" u
LEFT JOIN hub.company m ON m.id = u.company_id
LEFT JOIN hub.employee p ON p.id = u.employee_id;

COMMENT ON VIEW analytics.users IS 'One row per user of the HR system, with the employee who the user is.';
COMMENT ON COLUMN analytics.users.user_id IS 'Identifier of the user.';
COMMENT ON COLUMN analytics.users.employee_name IS 'Given and family name of the employee.';
COMMENT ON COLUMN analytics.users.company_code IS 'Short name of the company.';

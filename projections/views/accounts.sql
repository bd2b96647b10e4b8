-- shows: lms_account, lms_integration_config, employee
CREATE VIEW analytics.accounts AS
SELECT
    a.id AS account_id,
    a.display_name,
    a.native_id,
    a.email,
    a.login_name,
    a.hr_number,
    a.custom_identifier,
    (a.employee_id IS NULL) AS is_unmatched,
    a.match_problem,
    a.matched_by,
    a.employee_id,
    p.employee_number,
    nullif(concat_ws(' ', p.given_name, p.family_name), '') AS employee_name,
    a.is_active,
    a.first_seen_at,
    a.last_seen_at,
    i.lms_code,
    i.lms_name,
    a.lms_integration_id,
    a.company_id,
    m.code AS company_code,
    a.created_at,
    a.updated_at
FROM hub.lms_account a
LEFT JOIN hub.company m ON m.id = a.company_id
LEFT JOIN hub.lms_integration_config i ON i.id = a.lms_integration_id
LEFT JOIN hub.employee p ON p.id = a.employee_id;

COMMENT ON VIEW analytics.accounts IS 'One row per account in an LMS, with the employee it is linked to and the key that matched.';
COMMENT ON COLUMN analytics.accounts.account_id IS 'Identifier of the account.';
COMMENT ON COLUMN analytics.accounts.is_unmatched IS 'True while the account is linked to no employee.';
COMMENT ON COLUMN analytics.accounts.employee_name IS 'Given and family name of the employee.';
COMMENT ON COLUMN analytics.accounts.company_code IS 'Short name of the company.';

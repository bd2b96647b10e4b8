-- The company by its code, where the days asked about end in its time zone, and what "known" is where nothing was asked.
CREATE FUNCTION analytics.asof_company(code text, on_day date, known_on date)
RETURNS TABLE (company_id uuid, company_code text, zone text, on_end timestamptz, known_end timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT m.id, m.code::text, z.zone, (asof_company.on_day + 1)::timestamp AT TIME ZONE z.zone,
           coalesce((asof_company.known_on + 1)::timestamp AT TIME ZONE z.zone, 'infinity')
    FROM hub.company m CROSS JOIN LATERAL (SELECT coalesce(m.time_zone, 'UTC')::text AS zone) z
    WHERE lower(m.code) = lower(asof_company.code);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'company: % is not known; expected the code of a company', asof_company.code;
    END IF;
END $$;
COMMENT ON FUNCTION analytics.asof_company IS 'A company and the moments at which two of its days end; the second one is infinity where no day is given.';

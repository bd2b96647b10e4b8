-- Revision 0001. TIMESTAMP is timestamptz, JSON is jsonb, an enumeration is varchar with a check.

CREATE SCHEMA hub;
COMMENT ON SCHEMA hub IS 'Read tables, folded from the event log; every one can be deleted and built again.';

CREATE TABLE hub.stream_head (
    stream_id UUID NOT NULL,
    kind VARCHAR(20) NOT NULL,
    company_id UUID NOT NULL,
    last_event_id UUID,
    version INTEGER NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE,
    row_id UUID,
    parked BOOLEAN DEFAULT false NOT NULL,
    PRIMARY KEY (stream_id)
)
 WITH (fillfactor = 85);
COMMENT ON TABLE hub.stream_head IS 'Last applied event of each stream: the next one must follow it and make the next version.';
COMMENT ON COLUMN hub.stream_head.stream_id IS 'Identifier of the stream.';
COMMENT ON COLUMN hub.stream_head.kind IS 'Kind of the stream (enrollment, settings, company, ...); kind/stream_id is the partition key.';
COMMENT ON COLUMN hub.stream_head.company_id IS 'Company that the stream belongs to.';
COMMENT ON COLUMN hub.stream_head.last_event_id IS 'Last applied event; NULL: none yet, only parked ones.';
COMMENT ON COLUMN hub.stream_head.version IS 'Version that the last applied event made: 1, 2, 3, ...; 0: none yet.';
COMMENT ON COLUMN hub.stream_head.recorded_at IS 'Greatest recorded_at among the applied events (UTC).';
COMMENT ON COLUMN hub.stream_head.row_id IS 'Current row of the stream, such as the newest cycle of an enrollment.';
COMMENT ON COLUMN hub.stream_head.parked IS 'True while an event of the stream is parked; what follows waits behind it.';

CREATE TABLE hub.projection_offset (
    topic VARCHAR(100) NOT NULL,
    partition INTEGER NOT NULL,
    next_offset BIGINT NOT NULL,
    chain BYTEA NOT NULL,
    event_count BIGINT NOT NULL,
    epoch INTEGER DEFAULT 0 NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (topic, partition),
    CONSTRAINT chk_chain CHECK (octet_length(chain) = 32)
);
COMMENT ON TABLE hub.projection_offset IS 'How far each partition of a topic is folded, written in the transaction of the rows.';
COMMENT ON COLUMN hub.projection_offset.topic IS 'Topic of the log.';
COMMENT ON COLUMN hub.projection_offset.partition IS 'Partition of the topic.';
COMMENT ON COLUMN hub.projection_offset.next_offset IS 'First offset that is not yet folded.';
COMMENT ON COLUMN hub.projection_offset.chain IS 'Head of the hash chain over all records before next_offset, 32 bytes (SHA-256).';
COMMENT ON COLUMN hub.projection_offset.event_count IS 'Records folded so far, void and parked ones included.';
COMMENT ON COLUMN hub.projection_offset.epoch IS 'Raised by whatever else writes rows, so that caches are dropped.';
COMMENT ON COLUMN hub.projection_offset.updated_at IS 'When the last batch was committed (UTC).';

CREATE TABLE hub.dead_letter (
    id UUID NOT NULL,
    company_id UUID,
    lms_integration_id UUID,
    kind VARCHAR NOT NULL,
    topic VARCHAR(100),
    partition INTEGER,
    "offset" BIGINT,
    stream_id UUID,
    field TEXT,
    rule TEXT,
    expected TEXT,
    message TEXT,
    record BYTEA,
    record_size BIGINT,
    record_sha256 BYTEA,
    source_name TEXT,
    source_position TEXT,
    run_id UUID,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    resolved_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    CONSTRAINT chk_kind_enum CHECK (kind IN ('rejected', 'parked', 'behind')),
    CONSTRAINT chk_record_size CHECK (record_size >= 0),
    CONSTRAINT chk_record_sha256 CHECK (octet_length(record_sha256) = 32)
);

CREATE INDEX dead_letter_idx_recorded_at ON hub.dead_letter (recorded_at);

CREATE INDEX dead_letter_idx_company_id ON hub.dead_letter (company_id);

CREATE INDEX dead_letter_idx_lms_integration_id ON hub.dead_letter (lms_integration_id);

CREATE INDEX dead_letter_idx_stream_id ON hub.dead_letter (stream_id);

CREATE INDEX dead_letter_idx_run_id ON hub.dead_letter (run_id);
COMMENT ON TABLE hub.dead_letter IS 'Records that could not be taken in (rejected) or folded (parked), and what waits behind a parked one (behind).';
COMMENT ON COLUMN hub.dead_letter.id IS 'Identifier of the row: UUIDv5 of its natural key, equal after every rebuild.';
COMMENT ON COLUMN hub.dead_letter.company_id IS 'Company that the record names; NULL: unknown.';
COMMENT ON COLUMN hub.dead_letter.lms_integration_id IS 'Integration that the record came through; NULL: none or unknown.';
COMMENT ON COLUMN hub.dead_letter.kind IS 'rejected: not taken in; parked: cannot be folded; behind: waits behind a parked one.';
COMMENT ON COLUMN hub.dead_letter.topic IS 'Topic of the record; NULL: it was rejected before it reached the log.';
COMMENT ON COLUMN hub.dead_letter.partition IS 'Partition of the record.';
COMMENT ON COLUMN hub.dead_letter."offset" IS 'Offset of the record.';
COMMENT ON COLUMN hub.dead_letter.stream_id IS 'Stream of the record, where it is known.';
COMMENT ON COLUMN hub.dead_letter.field IS 'Field that is wrong.';
COMMENT ON COLUMN hub.dead_letter.rule IS 'Rule that it breaks.';
COMMENT ON COLUMN hub.dead_letter.expected IS 'What was expected.';
COMMENT ON COLUMN hub.dead_letter.message IS 'What is wrong, in one sentence.';
COMMENT ON COLUMN hub.dead_letter.record IS 'The record as bytes of the wire or sealed; of a larger one the first 64 KiB.';
COMMENT ON COLUMN hub.dead_letter.record_size IS 'Size of the whole record, in bytes.';
COMMENT ON COLUMN hub.dead_letter.record_sha256 IS 'SHA-256 of the whole record, 32 bytes.';
COMMENT ON COLUMN hub.dead_letter.source_name IS 'File or address that it came from, without credentials.';
COMMENT ON COLUMN hub.dead_letter.source_position IS 'Line, item or page in it.';
COMMENT ON COLUMN hub.dead_letter.run_id IS 'Run that read it.';
COMMENT ON COLUMN hub.dead_letter.recorded_at IS 'When it was put aside (UTC).';
COMMENT ON COLUMN hub.dead_letter.resolved_at IS 'When it was replayed or discarded (UTC); NULL: it is open.';

CREATE TABLE ops.decided_offset (
    partition SERIAL NOT NULL,
    next_offset BIGINT NOT NULL,
    epoch INTEGER DEFAULT 0 NOT NULL,
    PRIMARY KEY (partition)
);
COMMENT ON TABLE ops.decided_offset IS 'How far each partition of the observations is decided.';
COMMENT ON COLUMN ops.decided_offset.partition IS 'Partition of the observations.';
COMMENT ON COLUMN ops.decided_offset.next_offset IS 'First offset that is not yet decided.';
COMMENT ON COLUMN ops.decided_offset.epoch IS 'Raised when offsets are set by hand, so that deciders begin anew.';

CREATE TABLE ops.run_outcome (
    run_id UUID NOT NULL,
    partition INTEGER NOT NULL,
    changed BIGINT DEFAULT 0 NOT NULL,
    unchanged BIGINT DEFAULT 0 NOT NULL,
    unmatched BIGINT DEFAULT 0 NOT NULL,
    stored BIGINT DEFAULT 0 NOT NULL,
    rejected BIGINT DEFAULT 0 NOT NULL,
    PRIMARY KEY (run_id, partition)
);
COMMENT ON TABLE ops.run_outcome IS 'What became of the observations of each run, per partition, stored together with decided_offset.';
COMMENT ON COLUMN ops.run_outcome.run_id IS 'Run that read the records.';
COMMENT ON COLUMN ops.run_outcome.partition IS 'Partition of the observations.';
COMMENT ON COLUMN ops.run_outcome.changed IS 'Records that gave a fact.';
COMMENT ON COLUMN ops.run_outcome.unchanged IS 'Records that told nothing new.';
COMMENT ON COLUMN ops.run_outcome.unmatched IS 'Records whose account is linked to nobody.';
COMMENT ON COLUMN ops.run_outcome.stored IS 'Records kept without an effect on learning.';
COMMENT ON COLUMN ops.run_outcome.rejected IS 'Records that could not be taken in.';

CREATE TABLE hub.company (
    id UUID NOT NULL,
    code VARCHAR(50) NOT NULL,
    name VARCHAR(200),
    time_zone VARCHAR(64) DEFAULT 'UTC',
    currency_code VARCHAR(10) DEFAULT 'USD',
    fiscal_year_start_month INTEGER DEFAULT 1,
    effective_from DATE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    fold_state JSONB,
    PRIMARY KEY (id),
    CONSTRAINT company_uk_code UNIQUE (code),
    CONSTRAINT chk_fiscal_year_start_month CHECK (fiscal_year_start_month BETWEEN 1 AND 12)
);
COMMENT ON TABLE hub.company IS 'A company that uses the hub: its time zone, currency and fiscal year decide what a day, an amount and a year are.';
COMMENT ON COLUMN hub.company.id IS 'Identifier of the row: UUIDv5 of its natural key, equal after every rebuild.';
COMMENT ON COLUMN hub.company.code IS 'Short name, unique among the companies of the hub.';
COMMENT ON COLUMN hub.company.name IS 'Name of the company.';
COMMENT ON COLUMN hub.company.time_zone IS 'IANA time zone in which its days are counted.';
COMMENT ON COLUMN hub.company.currency_code IS 'Currency of its figures (ISO 4217).';
COMMENT ON COLUMN hub.company.fiscal_year_start_month IS 'First month of its fiscal year, 1 to 12.';
COMMENT ON COLUMN hub.company.effective_from IS 'First day on which the present values hold.';
COMMENT ON COLUMN hub.company.created_at IS 'When the hub recorded the first event of this row (UTC).';
COMMENT ON COLUMN hub.company.updated_at IS 'When the hub recorded the last event that changed this row (UTC).';
COMMENT ON COLUMN hub.company.fold_state IS 'What decisions must know and no column says: times and raw values of the source, cycle, validity. No personal data.';

CREATE TABLE hub.company_history (
    id UUID NOT NULL,
    code VARCHAR(50) NOT NULL,
    name VARCHAR(200),
    time_zone VARCHAR(64),
    currency_code VARCHAR(10),
    fiscal_year_start_month INTEGER,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    event_id UUID NOT NULL,
    effective_from DATE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT company_history_pkey PRIMARY KEY (id, version),
    CONSTRAINT chk_fiscal_year_start_month CHECK (fiscal_year_start_month BETWEEN 1 AND 12)
);
COMMENT ON TABLE hub.company_history IS 'Every version that a row of company had; the highest one is the present row.';
COMMENT ON COLUMN hub.company_history.id IS 'Identifier of the row: UUIDv5 of its natural key, equal after every rebuild.';
COMMENT ON COLUMN hub.company_history.code IS 'Short name, unique among the companies of the hub.';
COMMENT ON COLUMN hub.company_history.name IS 'Name of the company.';
COMMENT ON COLUMN hub.company_history.time_zone IS 'IANA time zone in which its days are counted.';
COMMENT ON COLUMN hub.company_history.currency_code IS 'Currency of its figures (ISO 4217).';
COMMENT ON COLUMN hub.company_history.fiscal_year_start_month IS 'First month of its fiscal year, 1 to 12.';
COMMENT ON COLUMN hub.company_history.created_at IS 'When the hub recorded the first event of this row (UTC).';
COMMENT ON COLUMN hub.company_history.updated_at IS 'When the hub recorded the last event that changed this row (UTC).';
COMMENT ON COLUMN hub.company_history.version IS 'Version of the stream that the event made: 1, 2, 3, ...';
COMMENT ON COLUMN hub.company_history.event_id IS 'Event that made this version.';
COMMENT ON COLUMN hub.company_history.effective_from IS 'Day on which it happened: first day of this version.';
COMMENT ON COLUMN hub.company_history.recorded_at IS 'When the hub recorded the event (UTC).';

CREATE TABLE hub.department_history (
    id UUID NOT NULL,
    company_id UUID NOT NULL,
    code VARCHAR(50) NOT NULL,
    name VARCHAR(200),
    parent_department_id UUID,
    manager_employee_id UUID,
    is_active BOOLEAN,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    event_id UUID NOT NULL,
    effective_from DATE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT department_history_pkey PRIMARY KEY (id, version)
);
COMMENT ON TABLE hub.department_history IS 'Every version that a row of department had; the highest one is the present row.';
COMMENT ON COLUMN hub.department_history.id IS 'Identifier of the row: UUIDv5 of its natural key, equal after every rebuild.';
COMMENT ON COLUMN hub.department_history.company_id IS 'Company that the row belongs to.';
COMMENT ON COLUMN hub.department_history.code IS 'Short name in the HR system.';
COMMENT ON COLUMN hub.department_history.name IS 'Name of the department.';
COMMENT ON COLUMN hub.department_history.parent_department_id IS 'Department above; NULL: none. Not a foreign key: it may become known later.';
COMMENT ON COLUMN hub.department_history.manager_employee_id IS 'Employee who leads it. Not a foreign key: it may become known later.';
COMMENT ON COLUMN hub.department_history.is_active IS 'False when the department was closed.';
COMMENT ON COLUMN hub.department_history.created_at IS 'When the hub recorded the first event of this row (UTC).';
COMMENT ON COLUMN hub.department_history.updated_at IS 'When the hub recorded the last event that changed this row (UTC).';
COMMENT ON COLUMN hub.department_history.version IS 'Version of the stream that the event made: 1, 2, 3, ...';
COMMENT ON COLUMN hub.department_history.event_id IS 'Event that made this version.';
COMMENT ON COLUMN hub.department_history.effective_from IS 'Day on which it happened: first day of this version.';
COMMENT ON COLUMN hub.department_history.recorded_at IS 'When the hub recorded the event (UTC).';

CREATE TABLE hub.team_history (
    id UUID NOT NULL,
    company_id UUID NOT NULL,
    code VARCHAR(50) NOT NULL,
    name VARCHAR(200),
    department_id UUID,
    lead_employee_id UUID,
    is_active BOOLEAN,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    event_id UUID NOT NULL,
    effective_from DATE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT team_history_pkey PRIMARY KEY (id, version)
);
COMMENT ON TABLE hub.team_history IS 'Every version that a row of team had; the highest one is the present row.';
COMMENT ON COLUMN hub.team_history.id IS 'Identifier of the row: UUIDv5 of its natural key, equal after every rebuild.';
COMMENT ON COLUMN hub.team_history.company_id IS 'Company that the row belongs to.';
COMMENT ON COLUMN hub.team_history.code IS 'Short name in the HR system.';
COMMENT ON COLUMN hub.team_history.name IS 'Name of the team.';
COMMENT ON COLUMN hub.team_history.department_id IS 'Department of the team; NULL: none. Not a foreign key: it may become known later.';
COMMENT ON COLUMN hub.team_history.lead_employee_id IS 'Employee who leads it. Not a foreign key: it may become known later.';
COMMENT ON COLUMN hub.team_history.is_active IS 'False when the team was closed.';
COMMENT ON COLUMN hub.team_history.created_at IS 'When the hub recorded the first event of this row (UTC).';
COMMENT ON COLUMN hub.team_history.updated_at IS 'When the hub recorded the last event that changed this row (UTC).';
COMMENT ON COLUMN hub.team_history.version IS 'Version of the stream that the event made: 1, 2, 3, ...';
COMMENT ON COLUMN hub.team_history.event_id IS 'Event that made this version.';
COMMENT ON COLUMN hub.team_history.effective_from IS 'Day on which it happened: first day of this version.';
COMMENT ON COLUMN hub.team_history.recorded_at IS 'When the hub recorded the event (UTC).';

CREATE TABLE hub.user_history (
    id UUID NOT NULL,
    company_id UUID NOT NULL,
    login VARCHAR(200),
    email VARCHAR(320),
    display_name VARCHAR(400),
    employee_id UUID,
    is_active BOOLEAN,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    event_id UUID NOT NULL,
    effective_from DATE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT user_history_pkey PRIMARY KEY (id, version)
);
COMMENT ON TABLE hub.user_history IS 'Every version that a row of user had; the highest one is the present row.';
COMMENT ON COLUMN hub.user_history.id IS 'Identifier of the row: UUIDv5 of its natural key, equal after every rebuild.';
COMMENT ON COLUMN hub.user_history.company_id IS 'Company that the row belongs to.';
COMMENT ON COLUMN hub.user_history.login IS 'Name that the user signs in with.';
COMMENT ON COLUMN hub.user_history.email IS 'E-mail address.';
COMMENT ON COLUMN hub.user_history.display_name IS 'Name to show.';
COMMENT ON COLUMN hub.user_history.employee_id IS 'Employee who the user is; NULL: none. Not a foreign key: it may become known later.';
COMMENT ON COLUMN hub.user_history.is_active IS 'False when the user may no longer sign in.';
COMMENT ON COLUMN hub.user_history.created_at IS 'When the hub recorded the first event of this row (UTC).';
COMMENT ON COLUMN hub.user_history.updated_at IS 'When the hub recorded the last event that changed this row (UTC).';
COMMENT ON COLUMN hub.user_history.version IS 'Version of the stream that the event made: 1, 2, 3, ...';
COMMENT ON COLUMN hub.user_history.event_id IS 'Event that made this version.';
COMMENT ON COLUMN hub.user_history.effective_from IS 'Day on which it happened: first day of this version.';
COMMENT ON COLUMN hub.user_history.recorded_at IS 'When the hub recorded the event (UTC).';

CREATE TABLE hub.employee_history (
    id UUID NOT NULL,
    company_id UUID NOT NULL,
    employee_number VARCHAR(100),
    given_name VARCHAR(200),
    family_name VARCHAR(200),
    email VARCHAR(320),
    login_name VARCHAR(200),
    custom_identifier VARCHAR(200),
    manager_employee_id UUID,
    department_id UUID,
    team_id UUID,
    job_title VARCHAR(200),
    site VARCHAR(200),
    country_code VARCHAR(2),
    employment_status VARCHAR,
    hire_date DATE,
    leave_start_date DATE,
    leave_end_date DATE,
    termination_date DATE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    event_id UUID NOT NULL,
    effective_from DATE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT employee_history_pkey PRIMARY KEY (id, version),
    CONSTRAINT chk_employment_status_enum CHECK (employment_status IN ('Active', 'On Leave', 'Terminated'))
);
COMMENT ON TABLE hub.employee_history IS 'Every version that a row of employee had; the highest one is the present row.';
COMMENT ON COLUMN hub.employee_history.id IS 'Identifier of the row: UUIDv5 of its natural key, equal after every rebuild.';
COMMENT ON COLUMN hub.employee_history.company_id IS 'Company that the row belongs to.';
COMMENT ON COLUMN hub.employee_history.employee_number IS 'Number in the HR system, unique per company; NULL after an erasure.';
COMMENT ON COLUMN hub.employee_history.given_name IS 'Given name.';
COMMENT ON COLUMN hub.employee_history.family_name IS 'Family name.';
COMMENT ON COLUMN hub.employee_history.email IS 'E-mail address.';
COMMENT ON COLUMN hub.employee_history.login_name IS 'Name that the employee signs in with.';
COMMENT ON COLUMN hub.employee_history.custom_identifier IS 'Further identifier by which accounts of an LMS can be matched.';
COMMENT ON COLUMN hub.employee_history.manager_employee_id IS 'Employee to whom this one reports; NULL: nobody. Not a foreign key: it may become known later.';
COMMENT ON COLUMN hub.employee_history.department_id IS 'Department of the employee.';
COMMENT ON COLUMN hub.employee_history.team_id IS 'Team of the employee.';
COMMENT ON COLUMN hub.employee_history.job_title IS 'Job title.';
COMMENT ON COLUMN hub.employee_history.site IS 'Site where the employee works.';
COMMENT ON COLUMN hub.employee_history.country_code IS 'Country of work (ISO 3166-1 alpha-2).';
COMMENT ON COLUMN hub.employee_history.employment_status IS 'Whether the employee works for the company now.';
COMMENT ON COLUMN hub.employee_history.hire_date IS 'First day of the present employment.';
COMMENT ON COLUMN hub.employee_history.leave_start_date IS 'First day of the present or last leave.';
COMMENT ON COLUMN hub.employee_history.leave_end_date IS 'Last day of that leave; NULL: open.';
COMMENT ON COLUMN hub.employee_history.termination_date IS 'Last day of the employment; NULL: none set.';
COMMENT ON COLUMN hub.employee_history.created_at IS 'When the hub recorded the first event of this row (UTC).';
COMMENT ON COLUMN hub.employee_history.updated_at IS 'When the hub recorded the last event that changed this row (UTC).';
COMMENT ON COLUMN hub.employee_history.version IS 'Version of the stream that the event made: 1, 2, 3, ...';
COMMENT ON COLUMN hub.employee_history.event_id IS 'Event that made this version.';
COMMENT ON COLUMN hub.employee_history.effective_from IS 'Day on which it happened: first day of this version.';
COMMENT ON COLUMN hub.employee_history.recorded_at IS 'When the hub recorded the event (UTC).';

CREATE TABLE hub.department (
    id UUID NOT NULL,
    company_id UUID NOT NULL,
    code VARCHAR(50) NOT NULL,
    name VARCHAR(200),
    parent_department_id UUID,
    manager_employee_id UUID,
    is_active BOOLEAN DEFAULT true,
    effective_from DATE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    fold_state JSONB,
    PRIMARY KEY (id),
    CONSTRAINT fk_department_company FOREIGN KEY(company_id) REFERENCES hub.company (id)
);

CREATE INDEX department_idx_manager_employee_id ON hub.department (manager_employee_id);

CREATE INDEX department_idx_parent_department_id ON hub.department (parent_department_id);

CREATE INDEX department_idx_company_id_code ON hub.department (company_id, code);
COMMENT ON TABLE hub.department IS 'A department of a company; departments form a tree.';
COMMENT ON COLUMN hub.department.id IS 'Identifier of the row: UUIDv5 of its natural key, equal after every rebuild.';
COMMENT ON COLUMN hub.department.company_id IS 'Company that the row belongs to.';
COMMENT ON COLUMN hub.department.code IS 'Short name in the HR system.';
COMMENT ON COLUMN hub.department.name IS 'Name of the department.';
COMMENT ON COLUMN hub.department.parent_department_id IS 'Department above; NULL: none. Not a foreign key: it may become known later.';
COMMENT ON COLUMN hub.department.manager_employee_id IS 'Employee who leads it. Not a foreign key: it may become known later.';
COMMENT ON COLUMN hub.department.is_active IS 'False when the department was closed.';
COMMENT ON COLUMN hub.department.effective_from IS 'First day on which the present values hold.';
COMMENT ON COLUMN hub.department.created_at IS 'When the hub recorded the first event of this row (UTC).';
COMMENT ON COLUMN hub.department.updated_at IS 'When the hub recorded the last event that changed this row (UTC).';
COMMENT ON COLUMN hub.department.fold_state IS 'What decisions must know and no column says: times and raw values of the source, cycle, validity. No personal data.';

CREATE TABLE hub.team (
    id UUID NOT NULL,
    company_id UUID NOT NULL,
    code VARCHAR(50) NOT NULL,
    name VARCHAR(200),
    department_id UUID,
    lead_employee_id UUID,
    is_active BOOLEAN DEFAULT true,
    effective_from DATE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    fold_state JSONB,
    PRIMARY KEY (id),
    CONSTRAINT fk_team_company FOREIGN KEY(company_id) REFERENCES hub.company (id)
);

CREATE INDEX team_idx_department_id ON hub.team (department_id);

CREATE INDEX team_idx_company_id_code ON hub.team (company_id, code);

CREATE INDEX team_idx_lead_employee_id ON hub.team (lead_employee_id);
COMMENT ON TABLE hub.team IS 'A team of a company, within a department or across several.';
COMMENT ON COLUMN hub.team.id IS 'Identifier of the row: UUIDv5 of its natural key, equal after every rebuild.';
COMMENT ON COLUMN hub.team.company_id IS 'Company that the row belongs to.';
COMMENT ON COLUMN hub.team.code IS 'Short name in the HR system.';
COMMENT ON COLUMN hub.team.name IS 'Name of the team.';
COMMENT ON COLUMN hub.team.department_id IS 'Department of the team; NULL: none. Not a foreign key: it may become known later.';
COMMENT ON COLUMN hub.team.lead_employee_id IS 'Employee who leads it. Not a foreign key: it may become known later.';
COMMENT ON COLUMN hub.team.is_active IS 'False when the team was closed.';
COMMENT ON COLUMN hub.team.effective_from IS 'First day on which the present values hold.';
COMMENT ON COLUMN hub.team.created_at IS 'When the hub recorded the first event of this row (UTC).';
COMMENT ON COLUMN hub.team.updated_at IS 'When the hub recorded the last event that changed this row (UTC).';
COMMENT ON COLUMN hub.team.fold_state IS 'What decisions must know and no column says: times and raw values of the source, cycle, validity. No personal data.';

CREATE TABLE hub."user" (
    id UUID NOT NULL,
    company_id UUID NOT NULL,
    login VARCHAR(200),
    email VARCHAR(320),
    display_name VARCHAR(400),
    employee_id UUID,
    is_active BOOLEAN DEFAULT true,
    effective_from DATE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    fold_state JSONB,
    PRIMARY KEY (id),
    CONSTRAINT fk_user_company FOREIGN KEY(company_id) REFERENCES hub.company (id)
);

CREATE INDEX user_idx_employee_id ON hub."user" (employee_id);

CREATE INDEX user_idx_company_id_login ON hub."user" (company_id, login);
COMMENT ON TABLE hub."user" IS 'A user of the HR system: somebody who signs in, and may be an employee.';
COMMENT ON COLUMN hub."user".id IS 'Identifier of the row: UUIDv5 of its natural key, equal after every rebuild.';
COMMENT ON COLUMN hub."user".company_id IS 'Company that the row belongs to.';
COMMENT ON COLUMN hub."user".login IS 'Name that the user signs in with.';
COMMENT ON COLUMN hub."user".email IS 'E-mail address.';
COMMENT ON COLUMN hub."user".display_name IS 'Name to show.';
COMMENT ON COLUMN hub."user".employee_id IS 'Employee who the user is; NULL: none. Not a foreign key: it may become known later.';
COMMENT ON COLUMN hub."user".is_active IS 'False when the user may no longer sign in.';
COMMENT ON COLUMN hub."user".effective_from IS 'First day on which the present values hold.';
COMMENT ON COLUMN hub."user".created_at IS 'When the hub recorded the first event of this row (UTC).';
COMMENT ON COLUMN hub."user".updated_at IS 'When the hub recorded the last event that changed this row (UTC).';
COMMENT ON COLUMN hub."user".fold_state IS 'What decisions must know and no column says: times and raw values of the source, cycle, validity. No personal data.';

CREATE TABLE hub.employee (
    id UUID NOT NULL,
    company_id UUID NOT NULL,
    employee_number VARCHAR(100),
    given_name VARCHAR(200),
    family_name VARCHAR(200),
    email VARCHAR(320),
    login_name VARCHAR(200),
    custom_identifier VARCHAR(200),
    manager_employee_id UUID,
    department_id UUID,
    team_id UUID,
    job_title VARCHAR(200),
    site VARCHAR(200),
    country_code VARCHAR(2),
    employment_status VARCHAR,
    hire_date DATE,
    leave_start_date DATE,
    leave_end_date DATE,
    termination_date DATE,
    effective_from DATE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    fold_state JSONB,
    PRIMARY KEY (id),
    CONSTRAINT fk_employee_company FOREIGN KEY(company_id) REFERENCES hub.company (id),
    CONSTRAINT fk_employee_department FOREIGN KEY(department_id) REFERENCES hub.department (id),
    CONSTRAINT fk_employee_team FOREIGN KEY(team_id) REFERENCES hub.team (id),
    CONSTRAINT employee_uk_company_number UNIQUE (employee_number, company_id),
    CONSTRAINT chk_employment_status_enum CHECK (employment_status IN ('Active', 'On Leave', 'Terminated'))
);

CREATE INDEX employee_idx_company_id_lower_login_name ON hub.employee (company_id, lower(login_name));

CREATE INDEX employee_idx_company_id_lower_email ON hub.employee (company_id, lower(email));

CREATE INDEX employee_idx_manager_employee_id ON hub.employee (manager_employee_id);

CREATE INDEX employee_idx_team_id ON hub.employee (team_id);

CREATE INDEX employee_idx_company_id_lower_custom_identifier ON hub.employee (company_id, lower(custom_identifier));

CREATE INDEX employee_idx_department_id ON hub.employee (department_id);

CREATE INDEX employee_idx_company_id_lower_number ON hub.employee (company_id, lower(employee_number));
COMMENT ON TABLE hub.employee IS 'Somebody who works, or worked, for a company.';
COMMENT ON COLUMN hub.employee.id IS 'Identifier of the row: UUIDv5 of its natural key, equal after every rebuild.';
COMMENT ON COLUMN hub.employee.company_id IS 'Company that the row belongs to.';
COMMENT ON COLUMN hub.employee.employee_number IS 'Number in the HR system, unique per company; NULL after an erasure.';
COMMENT ON COLUMN hub.employee.given_name IS 'Given name.';
COMMENT ON COLUMN hub.employee.family_name IS 'Family name.';
COMMENT ON COLUMN hub.employee.email IS 'E-mail address.';
COMMENT ON COLUMN hub.employee.login_name IS 'Name that the employee signs in with.';
COMMENT ON COLUMN hub.employee.custom_identifier IS 'Further identifier by which accounts of an LMS can be matched.';
COMMENT ON COLUMN hub.employee.manager_employee_id IS 'Employee to whom this one reports; NULL: nobody. Not a foreign key: it may become known later.';
COMMENT ON COLUMN hub.employee.department_id IS 'Department of the employee.';
COMMENT ON COLUMN hub.employee.team_id IS 'Team of the employee.';
COMMENT ON COLUMN hub.employee.job_title IS 'Job title.';
COMMENT ON COLUMN hub.employee.site IS 'Site where the employee works.';
COMMENT ON COLUMN hub.employee.country_code IS 'Country of work (ISO 3166-1 alpha-2).';
COMMENT ON COLUMN hub.employee.employment_status IS 'Whether the employee works for the company now.';
COMMENT ON COLUMN hub.employee.hire_date IS 'First day of the present employment.';
COMMENT ON COLUMN hub.employee.leave_start_date IS 'First day of the present or last leave.';
COMMENT ON COLUMN hub.employee.leave_end_date IS 'Last day of that leave; NULL: open.';
COMMENT ON COLUMN hub.employee.termination_date IS 'Last day of the employment; NULL: none set.';
COMMENT ON COLUMN hub.employee.effective_from IS 'First day on which the present values hold.';
COMMENT ON COLUMN hub.employee.created_at IS 'When the hub recorded the first event of this row (UTC).';
COMMENT ON COLUMN hub.employee.updated_at IS 'When the hub recorded the last event that changed this row (UTC).';
COMMENT ON COLUMN hub.employee.fold_state IS 'What decisions must know and no column says: times and raw values of the source, cycle, validity. No personal data.';

CREATE TABLE hub.lms_integration_config (
    id UUID NOT NULL,
    company_id UUID NOT NULL,
    lms_name VARCHAR(200) NOT NULL,
    lms_type VARCHAR,
    lms_code VARCHAR(50) NOT NULL,
    integration_method VARCHAR,
    api_endpoint_url VARCHAR(500),
    api_version VARCHAR(20) DEFAULT 'v1',
    authentication_type VARCHAR,
    authentication_config JSONB,
    data_format VARCHAR,
    encoding_format VARCHAR(20) DEFAULT 'UTF-8',
    sync_frequency VARCHAR,
    sync_direction VARCHAR,
    is_primary_lms BOOLEAN DEFAULT false,
    is_active BOOLEAN DEFAULT true,
    connection_status VARCHAR,
    last_sync_at TIMESTAMP WITH TIME ZONE,
    last_successful_sync_at TIMESTAMP WITH TIME ZONE,
    error_count INTEGER DEFAULT 0,
    max_retry_attempts INTEGER DEFAULT 3,
    timeout_seconds INTEGER DEFAULT 30,
    rate_limit_per_hour INTEGER DEFAULT 1000,
    supported_course_types JSONB,
    field_mappings JSONB,
    validation_rules JSONB,
    transformation_rules JSONB,
    compliance_settings JSONB,
    created_by_user_id UUID,
    updated_by_user_id UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    fold_state JSONB,
    PRIMARY KEY (id),
    CONSTRAINT fk_lms_integration_company FOREIGN KEY(company_id) REFERENCES hub.company (id),
    CONSTRAINT fk_lms_integration_created_by FOREIGN KEY(created_by_user_id) REFERENCES hub."user" (id),
    CONSTRAINT fk_lms_integration_updated_by FOREIGN KEY(updated_by_user_id) REFERENCES hub."user" (id),
    CONSTRAINT lms_integration_config_uk_lms_integration_company_code UNIQUE (lms_code, company_id),
    CONSTRAINT chk_lms_type_enum CHECK (lms_type IN ('Corporate LMS', 'Moodle', 'Canvas', 'Blackboard', 'Cornerstone', 'Docebo', 'TalentLMS', 'Custom LMS', 'SCORM Compliant', 'xAPI Compatible')),
    CONSTRAINT chk_integration_method_enum CHECK (integration_method IN ('API', 'LTI', 'SCORM', 'xAPI', 'SFTP', 'File Upload', 'Webhook', 'Database Link', 'Manual Entry')),
    CONSTRAINT chk_authentication_type_enum CHECK (authentication_type IN ('API Key', 'OAuth 2.0', 'Basic Auth', 'LTI Key', 'JWT', 'Certificate', 'SAML')),
    CONSTRAINT chk_data_format_enum CHECK (data_format IN ('JSON', 'XML', 'CSV', 'SCORM', 'xAPI', 'LTI')),
    CONSTRAINT chk_sync_frequency_enum CHECK (sync_frequency IN ('Real-time', 'Every 15 mins', 'Hourly', 'Daily', 'Weekly', 'On-demand')),
    CONSTRAINT chk_sync_direction_enum CHECK (sync_direction IN ('Bidirectional', 'Inbound Only', 'Outbound Only')),
    CONSTRAINT chk_connection_status_enum CHECK (connection_status IN ('Connected', 'Disconnected', 'Error', 'Testing', 'Maintenance')),
    CONSTRAINT chk_error_count_valid CHECK (error_count >= 0 AND error_count <= max_retry_attempts),
    CONSTRAINT chk_positive_values CHECK (timeout_seconds > 0 AND rate_limit_per_hour > 0 AND max_retry_attempts >= 0)
);

CREATE INDEX lms_integration_config_idx_connection_status ON hub.lms_integration_config (connection_status);

CREATE INDEX lms_integration_config_idx_is_active ON hub.lms_integration_config (is_active);

CREATE INDEX lms_integration_config_idx_last_sync_at ON hub.lms_integration_config (last_sync_at);

CREATE INDEX lms_integration_config_idx_company_id ON hub.lms_integration_config (company_id);

CREATE INDEX lms_integration_config_idx_lms_type ON hub.lms_integration_config (lms_type);

CREATE INDEX lms_integration_config_idx_last_successful_sync_at ON hub.lms_integration_config (last_successful_sync_at);

CREATE INDEX lms_integration_config_idx_is_primary_lms ON hub.lms_integration_config (is_primary_lms);

CREATE INDEX lms_integration_config_idx_integration_method ON hub.lms_integration_config (integration_method);
COMMENT ON TABLE hub.lms_integration_config IS 'One learning management system of a company: how it is reached, what is taken in, and how the connection is.';
COMMENT ON COLUMN hub.lms_integration_config.id IS 'Identifier of the row: UUIDv5 of its natural key, equal after every rebuild.';
COMMENT ON COLUMN hub.lms_integration_config.company_id IS 'Company that the row belongs to.';
COMMENT ON COLUMN hub.lms_integration_config.lms_name IS 'Name of the LMS as people know it.';
COMMENT ON COLUMN hub.lms_integration_config.lms_type IS 'Product; chooses the connector together with integration_method.';
COMMENT ON COLUMN hub.lms_integration_config.lms_code IS 'Chosen once, [A-Za-z0-9_-]{2,50}, unique per company, never changes: commands, events and file names use it.';
COMMENT ON COLUMN hub.lms_integration_config.integration_method IS 'Way in which data is exchanged.';
COMMENT ON COLUMN hub.lms_integration_config.api_endpoint_url IS 'Base address of the LMS (https, except loopback).';
COMMENT ON COLUMN hub.lms_integration_config.api_version IS 'Dialect spoken (TalentLMS v1 or v2, xAPI 1.0.3 or 2.0); a dialect that the connector lacks is refused.';
COMMENT ON COLUMN hub.lms_integration_config.authentication_type IS 'How the hub proves itself to the LMS.';
COMMENT ON COLUMN hub.lms_integration_config.authentication_config IS 'Encrypted authentication credentials.';
COMMENT ON COLUMN hub.lms_integration_config.data_format IS 'Format of the data exchanged.';
COMMENT ON COLUMN hub.lms_integration_config.encoding_format IS 'Character encoding of the data exchanged.';
COMMENT ON COLUMN hub.lms_integration_config.sync_frequency IS 'How often the hub pulls.';
COMMENT ON COLUMN hub.lms_integration_config.sync_direction IS 'Whether data flows in, out, or both ways.';
COMMENT ON COLUMN hub.lms_integration_config.is_primary_lms IS 'At most one per company: setting it moves it. Target of outbound enrollments that name no LMS; wins where two LMSs describe one course differently.';
COMMENT ON COLUMN hub.lms_integration_config.is_active IS 'False: no run, no outbound, no webhook taken in; rows and history stay. connection_status is then Disconnected.';
COMMENT ON COLUMN hub.lms_integration_config.connection_status IS 'Testing while a test runs; Connected after a success; Error when error_count reaches max_retry_attempts; Maintenance in a planned window; Disconnected before the first contact, when inactive, or when the host cannot be reached.';
COMMENT ON COLUMN hub.lms_integration_config.last_sync_at IS 'End of the last ended run (UTC).';
COMMENT ON COLUMN hub.lms_integration_config.last_successful_sync_at IS 'End of the last completed run (UTC).';
COMMENT ON COLUMN hub.lms_integration_config.error_count IS 'Failed runs in a row, held at max_retry_attempts, 0 after a success.';
COMMENT ON COLUMN hub.lms_integration_config.max_retry_attempts IS 'Failed runs in a row that make an Error; also limits the retries of one request.';
COMMENT ON COLUMN hub.lms_integration_config.timeout_seconds IS 'Longest time to wait for one answer, in seconds.';
COMMENT ON COLUMN hub.lms_integration_config.rate_limit_per_hour IS 'Most requests to the LMS in one hour.';
COMMENT ON COLUMN hub.lms_integration_config.supported_course_types IS 'Only these are taken in (eLearning, Instructor-led, Blended, Virtual, Microlearning; Virtual means Virtual Classroom); others count as stored. Empty: all.';
COMMENT ON COLUMN hub.lms_integration_config.field_mappings IS 'Field mapping between HR and LMS systems (JMESPath).';
COMMENT ON COLUMN hub.lms_integration_config.validation_rules IS 'Data validation rules (JSON Schema).';
COMMENT ON COLUMN hub.lms_integration_config.transformation_rules IS 'Data transformation logic (JMESPath).';
COMMENT ON COLUMN hub.lms_integration_config.compliance_settings IS 'sla, educational, pass_satisfies, retake, versions of SCORM, AICC, xAPI; checked by a schema.';
COMMENT ON COLUMN hub.lms_integration_config.created_by_user_id IS 'Person of the first command; NULL: a system.';
COMMENT ON COLUMN hub.lms_integration_config.updated_by_user_id IS 'Person of the last command; NULL: a system.';
COMMENT ON COLUMN hub.lms_integration_config.created_at IS 'When the hub recorded the first event of this row (UTC).';
COMMENT ON COLUMN hub.lms_integration_config.updated_at IS 'When the hub recorded the last event that changed this row (UTC).';
COMMENT ON COLUMN hub.lms_integration_config.fold_state IS 'What decisions must know and no column says: times and raw values of the source, cycle, validity. No personal data.';

CREATE TABLE hub.course (
    id UUID NOT NULL,
    company_id UUID NOT NULL,
    lms_integration_id UUID NOT NULL,
    course_id VARCHAR(100) NOT NULL,
    course_key TEXT NOT NULL,
    course_name VARCHAR(200),
    course_code VARCHAR(50),
    course_type VARCHAR,
    course_category VARCHAR(100),
    skills JSONB,
    validity_days INTEGER,
    nominal_minutes INTEGER,
    leads_to_certificate BOOLEAN,
    version VARCHAR(50),
    prerequisites JSONB,
    next_courses JSONB,
    lesson_order JSONB,
    is_mandatory BOOLEAN,
    is_compliance_training BOOLEAN,
    passing_score NUMERIC(5, 2),
    retired_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    fold_state JSONB,
    PRIMARY KEY (id),
    CONSTRAINT fk_course_company FOREIGN KEY(company_id) REFERENCES hub.company (id),
    CONSTRAINT fk_course_lms_integration FOREIGN KEY(lms_integration_id) REFERENCES hub.lms_integration_config (id),
    CONSTRAINT chk_course_type_enum CHECK (course_type IN ('eLearning', 'Instructor-led', 'Blended', 'Virtual Classroom', 'Microlearning', 'Webinar', 'Workshop')),
    CONSTRAINT chk_validity_days CHECK (validity_days > 0),
    CONSTRAINT chk_nominal_minutes CHECK (nominal_minutes >= 0),
    CONSTRAINT chk_passing_score CHECK (passing_score >= 0)
);

CREATE INDEX course_idx_course_id ON hub.course (course_id);

CREATE INDEX course_idx_lms_integration_id ON hub.course (lms_integration_id);

CREATE INDEX course_idx_company_id ON hub.course (company_id);

CREATE INDEX course_idx_course_code ON hub.course (course_code);
COMMENT ON TABLE hub.course IS 'A course in the catalog of one LMS: what it teaches, how long a completion is valid, and its lessons in order.';
COMMENT ON COLUMN hub.course.id IS 'Identifier of the row: UUIDv5 of its natural key, equal after every rebuild.';
COMMENT ON COLUMN hub.course.company_id IS 'Company that the row belongs to.';
COMMENT ON COLUMN hub.course.lms_integration_id IS 'Integration (LMS) whose course it is.';
COMMENT ON COLUMN hub.course.course_id IS 'Id of the course in the LMS; where longer than 100, its alias.';
COMMENT ON COLUMN hub.course.course_key IS 'Id of the course in the LMS, whole.';
COMMENT ON COLUMN hub.course.course_name IS 'Name of the course.';
COMMENT ON COLUMN hub.course.course_code IS 'Short name or code in the LMS.';
COMMENT ON COLUMN hub.course.course_type IS 'Form of the course.';
COMMENT ON COLUMN hub.course.course_category IS 'Category in the catalog.';
COMMENT ON COLUMN hub.course.skills IS 'List of the skills that the course teaches.';
COMMENT ON COLUMN hub.course.validity_days IS 'Days for which a completion is valid; NULL: for ever.';
COMMENT ON COLUMN hub.course.nominal_minutes IS 'Planned learning time, in minutes; never added to tracked time.';
COMMENT ON COLUMN hub.course.leads_to_certificate IS 'True where the course ends with a certificate; NULL: unknown.';
COMMENT ON COLUMN hub.course.version IS 'Version of the content, as the LMS names it.';
COMMENT ON COLUMN hub.course.prerequisites IS 'List of the ids of courses to be completed before.';
COMMENT ON COLUMN hub.course.next_courses IS 'List of the ids of courses recommended after.';
COMMENT ON COLUMN hub.course.lesson_order IS 'Lessons in order: list of {lesson_id, name, type, mandatory}.';
COMMENT ON COLUMN hub.course.is_mandatory IS 'True where the catalog calls the course mandatory; NULL: unknown.';
COMMENT ON COLUMN hub.course.is_compliance_training IS 'True where the catalog calls the course compliance training; NULL: unknown.';
COMMENT ON COLUMN hub.course.passing_score IS 'Pass mark, in points of the highest possible score.';
COMMENT ON COLUMN hub.course.retired_at IS 'Since when the course is no longer offered (UTC); NULL: it is.';
COMMENT ON COLUMN hub.course.created_at IS 'When the hub recorded the first event of this row (UTC).';
COMMENT ON COLUMN hub.course.updated_at IS 'When the hub recorded the last event that changed this row (UTC).';
COMMENT ON COLUMN hub.course.fold_state IS 'What decisions must know and no column says: times and raw values of the source, cycle, validity. No personal data.';

CREATE TABLE hub.sync_run (
    id UUID NOT NULL,
    company_id UUID NOT NULL,
    lms_integration_id UUID NOT NULL,
    kind VARCHAR,
    status VARCHAR,
    started_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    scope TEXT,
    watermark TIMESTAMP WITH TIME ZONE,
    records_read INTEGER,
    changed INTEGER,
    unchanged INTEGER,
    unmatched INTEGER,
    stored INTEGER,
    rejected INTEGER,
    requests JSONB,
    samples JSONB,
    failure TEXT,
    source_name TEXT,
    source_sha256 CHAR(64),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    fold_state JSONB,
    PRIMARY KEY (id),
    CONSTRAINT fk_sync_run_company FOREIGN KEY(company_id) REFERENCES hub.company (id),
    CONSTRAINT fk_sync_run_lms_integration FOREIGN KEY(lms_integration_id) REFERENCES hub.lms_integration_config (id),
    CONSTRAINT chk_kind_enum CHECK (kind IN ('sync', 'full sync', 'import')),
    CONSTRAINT chk_status_enum CHECK (status IN ('running', 'completed', 'failed')),
    CONSTRAINT chk_counts CHECK (records_read >= 0 AND changed >= 0 AND unchanged >= 0 AND unmatched >= 0 AND stored >= 0 AND rejected >= 0)
);

CREATE INDEX sync_run_idx_company_id ON hub.sync_run (company_id);

CREATE INDEX sync_run_idx_integration_started ON hub.sync_run (lms_integration_id, started_at);
COMMENT ON TABLE hub.sync_run IS 'One sync or import: what it read and what became of it. records_read = changed + unchanged + unmatched + stored + rejected, or the run has failed.';
COMMENT ON COLUMN hub.sync_run.id IS 'Identifier of the run.';
COMMENT ON COLUMN hub.sync_run.company_id IS 'Company that the row belongs to.';
COMMENT ON COLUMN hub.sync_run.lms_integration_id IS 'Integration (LMS) that was read.';
COMMENT ON COLUMN hub.sync_run.kind IS 'sync: changes since the watermark; full sync: all; import: a file.';
COMMENT ON COLUMN hub.sync_run.status IS 'Whether the run goes on, and how it ended.';
COMMENT ON COLUMN hub.sync_run.started_at IS 'Start of the run (UTC).';
COMMENT ON COLUMN hub.sync_run.ended_at IS 'End of the run (UTC).';
COMMENT ON COLUMN hub.sync_run.scope IS 'What the run was to read; NULL: everything.';
COMMENT ON COLUMN hub.sync_run.watermark IS 'Everything that the source changed up to here has been read (UTC).';
COMMENT ON COLUMN hub.sync_run.records_read IS 'Source records read.';
COMMENT ON COLUMN hub.sync_run.changed IS 'Records that gave a fact.';
COMMENT ON COLUMN hub.sync_run.unchanged IS 'Records that told nothing new.';
COMMENT ON COLUMN hub.sync_run.unmatched IS 'Records whose account is linked to nobody.';
COMMENT ON COLUMN hub.sync_run.stored IS 'Records kept without an effect on learning.';
COMMENT ON COLUMN hub.sync_run.rejected IS 'Records that could not be taken in; they are in the dead letters.';
COMMENT ON COLUMN hub.sync_run.requests IS 'Requests by outcome, sum and histogram of their times (ms), connect times (ms), time per course (s).';
COMMENT ON COLUMN hub.sync_run.samples IS 'Processor seconds, highest memory in MiB, load and disk wait of the host.';
COMMENT ON COLUMN hub.sync_run.failure IS 'Why the run failed, in one sentence; NULL: it did not.';
COMMENT ON COLUMN hub.sync_run.source_name IS 'Name of the file taken in, without its folder.';
COMMENT ON COLUMN hub.sync_run.source_sha256 IS 'SHA-256 of the file taken in, in hexadecimal.';
COMMENT ON COLUMN hub.sync_run.created_at IS 'When the hub recorded the first event of this row (UTC).';
COMMENT ON COLUMN hub.sync_run.updated_at IS 'When the hub recorded the last event that changed this row (UTC).';
COMMENT ON COLUMN hub.sync_run.fold_state IS 'What decisions must know and no column says: times and raw values of the source, cycle, validity. No personal data.';

CREATE TABLE hub.xapi_statement (
    id UUID NOT NULL,
    company_id UUID NOT NULL,
    lms_integration_id UUID NOT NULL,
    statement_id UUID NOT NULL,
    stream_id UUID,
    voided_by UUID,
    digest BYTEA,
    kind TEXT,
    stored_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT fk_xapi_statement_company FOREIGN KEY(company_id) REFERENCES hub.company (id),
    CONSTRAINT fk_xapi_statement_lms_integration FOREIGN KEY(lms_integration_id) REFERENCES hub.lms_integration_config (id),
    CONSTRAINT xapi_statement_uk_integration_statement UNIQUE (lms_integration_id, statement_id),
    CONSTRAINT chk_digest CHECK (octet_length(digest) = 32)
);

CREATE INDEX xapi_statement_idx_stream_id ON hub.xapi_statement (stream_id);

CREATE INDEX xapi_statement_idx_company_id ON hub.xapi_statement (company_id);
COMMENT ON TABLE hub.xapi_statement IS 'One xAPI statement that came in: by its id a repeat is told from a conflict, and a voided one is found. Its text is in the log.';
COMMENT ON COLUMN hub.xapi_statement.id IS 'Identifier of the row: UUIDv5 of its natural key, equal after every rebuild.';
COMMENT ON COLUMN hub.xapi_statement.company_id IS 'Company that the row belongs to.';
COMMENT ON COLUMN hub.xapi_statement.lms_integration_id IS 'Integration that received the statement.';
COMMENT ON COLUMN hub.xapi_statement.statement_id IS 'Id of the statement, or one derived from its content where it has none.';
COMMENT ON COLUMN hub.xapi_statement.stream_id IS 'Stream of the enrollment that was told of it; NULL: none.';
COMMENT ON COLUMN hub.xapi_statement.voided_by IS 'Statement that voided it; NULL: it holds. It may be known before its target.';
COMMENT ON COLUMN hub.xapi_statement.digest IS 'SHA-256 of its comparison form, 32 bytes; NULL while only its voiding is known.';
COMMENT ON COLUMN hub.xapi_statement.kind IS 'Kind of its verb: completed, passed, ..., other.';
COMMENT ON COLUMN hub.xapi_statement.stored_at IS 'When the hub first knew of it (UTC).';

CREATE TABLE hub.lms_course_enrollment (
    id UUID NOT NULL,
    company_id UUID NOT NULL,
    lms_integration_id UUID,
    employee_id UUID,
    enrollment_number VARCHAR(50) NOT NULL,
    course_id VARCHAR(100) NOT NULL,
    course_name VARCHAR(200) NOT NULL,
    course_code VARCHAR(50) NOT NULL,
    course_type VARCHAR,
    enrollment_status VARCHAR,
    enrollment_date DATE NOT NULL,
    start_date DATE,
    end_date DATE,
    completion_date DATE,
    due_date DATE,
    progress_percentage NUMERIC(5, 2) DEFAULT 0.00,
    time_spent_minutes INTEGER DEFAULT 0,
    score_achieved NUMERIC(5, 2),
    max_score NUMERIC(5, 2),
    passing_score NUMERIC(5, 2),
    grade_achieved VARCHAR(10),
    instructor_id VARCHAR(100),
    instructor_name VARCHAR(200),
    completion_certificate_url VARCHAR(500),
    credits_earned NUMERIC(8, 2) DEFAULT 0.00,
    cost_amount NUMERIC(10, 2) DEFAULT 0.00,
    currency_code VARCHAR(10) DEFAULT 'USD',
    is_mandatory BOOLEAN DEFAULT false,
    is_compliance_training BOOLEAN DEFAULT false,
    auto_enrollment BOOLEAN DEFAULT false,
    enrollment_source VARCHAR,
    learning_path_id VARCHAR(100),
    prerequisite_courses JSONB,
    next_courses JSONB,
    last_access_date TIMESTAMP WITH TIME ZONE,
    total_access_count INTEGER DEFAULT 0,
    created_by_user_id UUID,
    updated_by_user_id UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    fold_state JSONB,
    PRIMARY KEY (id),
    CONSTRAINT fk_lms_enrollment_company FOREIGN KEY(company_id) REFERENCES hub.company (id),
    CONSTRAINT fk_lms_enrollment_lms_integration FOREIGN KEY(lms_integration_id) REFERENCES hub.lms_integration_config (id),
    CONSTRAINT fk_lms_enrollment_employee FOREIGN KEY(employee_id) REFERENCES hub.employee (id),
    CONSTRAINT fk_lms_enrollment_created_by FOREIGN KEY(created_by_user_id) REFERENCES hub."user" (id),
    CONSTRAINT fk_lms_enrollment_updated_by FOREIGN KEY(updated_by_user_id) REFERENCES hub."user" (id),
    CONSTRAINT lms_course_enrollment_uk_lms_enrollment_company_number UNIQUE (enrollment_number, company_id),
    CONSTRAINT chk_course_type_enum CHECK (course_type IN ('eLearning', 'Instructor-led', 'Blended', 'Virtual Classroom', 'Microlearning', 'Webinar', 'Workshop')),
    CONSTRAINT chk_enrollment_status_enum CHECK (enrollment_status IN ('Not Started', 'In Progress', 'Completed', 'Failed', 'Dropped', 'On Hold', 'Expired', 'Certified')),
    CONSTRAINT chk_enrollment_source_enum CHECK (enrollment_source IN ('Manager Assignment', 'Self Enrollment', 'System Assignment', 'Learning Path', 'Compliance Requirement')),
    CONSTRAINT chk_progress_range CHECK (progress_percentage BETWEEN 0 AND 100),
    CONSTRAINT chk_positive_values CHECK (time_spent_minutes >= 0 AND credits_earned >= 0 AND cost_amount >= 0),
    CONSTRAINT chk_score_valid CHECK (score_achieved >= 0 AND max_score >= 0 AND passing_score >= 0)
)
 WITH (fillfactor = 85);

CREATE INDEX lms_course_enrollment_idx_enrollment_date ON hub.lms_course_enrollment (enrollment_date);

CREATE INDEX lms_course_enrollment_idx_is_compliance_training ON hub.lms_course_enrollment (is_compliance_training);

CREATE INDEX lms_course_enrollment_idx_lms_integration_id ON hub.lms_course_enrollment (lms_integration_id);

CREATE INDEX lms_course_enrollment_idx_completion_date ON hub.lms_course_enrollment (completion_date);

CREATE INDEX lms_course_enrollment_idx_is_mandatory ON hub.lms_course_enrollment (is_mandatory);

CREATE INDEX lms_course_enrollment_idx_progress_percentage ON hub.lms_course_enrollment USING brin (progress_percentage);

CREATE INDEX lms_course_enrollment_idx_course_code ON hub.lms_course_enrollment (course_code);

CREATE INDEX lms_course_enrollment_idx_employee_id ON hub.lms_course_enrollment (employee_id);

CREATE INDEX lms_course_enrollment_idx_enrollment_status ON hub.lms_course_enrollment (enrollment_status);

CREATE INDEX lms_course_enrollment_idx_company_id ON hub.lms_course_enrollment (company_id);

CREATE INDEX lms_course_enrollment_idx_course_id ON hub.lms_course_enrollment (course_id);
COMMENT ON TABLE hub.lms_course_enrollment IS 'One cycle of one person in one course of one LMS. A retake after an end is a new row, and so is work after Dropped, or after Expired without completion_date. An ended row keeps its dates and certificate for ever.';
COMMENT ON COLUMN hub.lms_course_enrollment.id IS 'Identifier of the row: UUIDv5 of its natural key, equal after every rebuild.';
COMMENT ON COLUMN hub.lms_course_enrollment.company_id IS 'Company that the row belongs to.';
COMMENT ON COLUMN hub.lms_course_enrollment.lms_integration_id IS 'Integration (LMS) that the enrollment comes from.';
COMMENT ON COLUMN hub.lms_course_enrollment.employee_id IS 'Employee enrolled; NULL until the LMS account is linked to one.';
COMMENT ON COLUMN hub.lms_course_enrollment.enrollment_number IS 'Number for people, derived from the id (E- and 12 base-32 letters), stable over rebuilds.';
COMMENT ON COLUMN hub.lms_course_enrollment.course_id IS 'Id of the course in the LMS; where longer than 100, its alias.';
COMMENT ON COLUMN hub.lms_course_enrollment.course_name IS 'Name of the course.';
COMMENT ON COLUMN hub.lms_course_enrollment.course_code IS 'Short name or code of the LMS; where it has none, the course id or its alias.';
COMMENT ON COLUMN hub.lms_course_enrollment.course_type IS 'Form of the course.';
COMMENT ON COLUMN hub.lms_course_enrollment.enrollment_status IS 'Status of this cycle. An ended one still moves: Failed to Completed by a better final result, Completed to Certified to Expired (lapsed); a revocation moves Certified to Completed; else only a correction moves it.';
COMMENT ON COLUMN hub.lms_course_enrollment.enrollment_date IS 'Day of enrollment, else first seen (marked in the event).';
COMMENT ON COLUMN hub.lms_course_enrollment.start_date IS 'Day of the first own activity.';
COMMENT ON COLUMN hub.lms_course_enrollment.end_date IS 'Last day of access.';
COMMENT ON COLUMN hub.lms_course_enrollment.completion_date IS 'First completion of this cycle; kept when the certificate lapses (Expired with a completion date: lapsed; without: access ran out).';
COMMENT ON COLUMN hub.lms_course_enrollment.due_date IS 'Deadline. The first one stays in the events (on-time counts by it).';
COMMENT ON COLUMN hub.lms_course_enrollment.progress_percentage IS 'Percent, 0 to 100: newest known by source time. A newer lower value is taken (courses grow), an older one never.';
COMMENT ON COLUMN hub.lms_course_enrollment.time_spent_minutes IS 'Learning time tracked by the LMS, in minutes.';
COMMENT ON COLUMN hub.lms_course_enrollment.score_achieved IS 'The official result of the LMS by its own attempt rule, in points of max_score.';
COMMENT ON COLUMN hub.lms_course_enrollment.max_score IS 'Highest possible score, in points; raw values above 999.99 are rescaled.';
COMMENT ON COLUMN hub.lms_course_enrollment.passing_score IS 'Pass mark, in points of max_score.';
COMMENT ON COLUMN hub.lms_course_enrollment.grade_achieved IS 'Letter, "Pass", "Fail" or "Waived".';
COMMENT ON COLUMN hub.lms_course_enrollment.instructor_id IS 'Id of the instructor in the LMS.';
COMMENT ON COLUMN hub.lms_course_enrollment.instructor_name IS 'Name of the instructor.';
COMMENT ON COLUMN hub.lms_course_enrollment.completion_certificate_url IS 'Link to the certificate, https only.';
COMMENT ON COLUMN hub.lms_course_enrollment.credits_earned IS 'Credits, credited at completion.';
COMMENT ON COLUMN hub.lms_course_enrollment.cost_amount IS 'Cost in currency_code, only where a source gives one.';
COMMENT ON COLUMN hub.lms_course_enrollment.currency_code IS 'Currency of cost_amount (ISO 4217).';
COMMENT ON COLUMN hub.lms_course_enrollment.is_mandatory IS 'The LMS, else the catalog, else a mapping rule; a requirement sets it.';
COMMENT ON COLUMN hub.lms_course_enrollment.is_compliance_training IS 'The LMS, else the catalog, else a mapping rule; a requirement sets it.';
COMMENT ON COLUMN hub.lms_course_enrollment.auto_enrollment IS 'True where a cohort, rule, sync or requirement enrolled; false where a person did; NULL: unknown.';
COMMENT ON COLUMN hub.lms_course_enrollment.enrollment_source IS 'By the enrollment method of the LMS: manager or admin by hand; self; cohort, rule or sync; path or program; requirement. NULL: unknown.';
COMMENT ON COLUMN hub.lms_course_enrollment.learning_path_id IS 'Learning path that the course is part of, from the catalog.';
COMMENT ON COLUMN hub.lms_course_enrollment.prerequisite_courses IS 'List of prerequisite course IDs, from the catalog; outbound enrollment is refused while they are open, unless overridden with a reason.';
COMMENT ON COLUMN hub.lms_course_enrollment.next_courses IS 'List of recommended next courses, from the catalog.';
COMMENT ON COLUMN hub.lms_course_enrollment.last_access_date IS 'Last access by the learner (UTC).';
COMMENT ON COLUMN hub.lms_course_enrollment.total_access_count IS 'Number of sessions (launches), not statements.';
COMMENT ON COLUMN hub.lms_course_enrollment.created_by_user_id IS 'Person of the first command; NULL: a system.';
COMMENT ON COLUMN hub.lms_course_enrollment.updated_by_user_id IS 'Person of the last command; NULL: a system.';
COMMENT ON COLUMN hub.lms_course_enrollment.created_at IS 'When the hub recorded the first event of this row (UTC).';
COMMENT ON COLUMN hub.lms_course_enrollment.updated_at IS 'When the hub recorded the last event that changed this row (UTC).';
COMMENT ON COLUMN hub.lms_course_enrollment.fold_state IS 'What decisions must know and no column says: times and raw values of the source, cycle, validity. No personal data.';

CREATE TABLE hub.lms_account (
    id UUID NOT NULL,
    company_id UUID NOT NULL,
    lms_integration_id UUID NOT NULL,
    employee_id UUID,
    matched_by VARCHAR,
    match_problem VARCHAR(200),
    native_id TEXT,
    display_name VARCHAR(400),
    email VARCHAR(320),
    login_name VARCHAR(200),
    hr_number VARCHAR(100),
    custom_identifier VARCHAR(200),
    first_seen_at TIMESTAMP WITH TIME ZONE,
    last_seen_at TIMESTAMP WITH TIME ZONE,
    is_active BOOLEAN DEFAULT true,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    fold_state JSONB,
    PRIMARY KEY (id),
    CONSTRAINT fk_lms_account_company FOREIGN KEY(company_id) REFERENCES hub.company (id),
    CONSTRAINT fk_lms_account_lms_integration FOREIGN KEY(lms_integration_id) REFERENCES hub.lms_integration_config (id),
    CONSTRAINT fk_lms_account_employee FOREIGN KEY(employee_id) REFERENCES hub.employee (id),
    CONSTRAINT chk_matched_by_enum CHECK (matched_by IN ('hr_number', 'custom_field', 'email', 'login', 'manual'))
);

CREATE INDEX lms_account_idx_employee_id ON hub.lms_account (employee_id);

CREATE INDEX lms_account_idx_company_id_login_name ON hub.lms_account (company_id, login_name);

CREATE INDEX lms_account_idx_company_id_custom_identifier ON hub.lms_account (company_id, custom_identifier);

CREATE INDEX lms_account_idx_lms_integration_id ON hub.lms_account (lms_integration_id);

CREATE INDEX lms_account_idx_company_id_email ON hub.lms_account (company_id, email);

CREATE INDEX lms_account_idx_company_id_hr_number ON hub.lms_account (company_id, hr_number);

CREATE INDEX lms_account_idx_company_id ON hub.lms_account (company_id);
COMMENT ON TABLE hub.lms_account IS 'Somebody as one LMS knows them, linked to an employee where one key named exactly one.';
COMMENT ON COLUMN hub.lms_account.id IS 'Identifier of the account: UUIDv5 of a keyed hash of the identifier in the LMS.';
COMMENT ON COLUMN hub.lms_account.company_id IS 'Company that the row belongs to.';
COMMENT ON COLUMN hub.lms_account.lms_integration_id IS 'Integration (LMS) that the account belongs to.';
COMMENT ON COLUMN hub.lms_account.employee_id IS 'Employee whose account it is; NULL: not linked.';
COMMENT ON COLUMN hub.lms_account.matched_by IS 'Key that linked it to the employee; NULL: not linked.';
COMMENT ON COLUMN hub.lms_account.match_problem IS 'Why it is not linked; NULL: it is, or nothing was tried.';
COMMENT ON COLUMN hub.lms_account.native_id IS 'Identifier of the person in the LMS, in the clear.';
COMMENT ON COLUMN hub.lms_account.display_name IS 'Name in the LMS.';
COMMENT ON COLUMN hub.lms_account.email IS 'E-mail address in the LMS.';
COMMENT ON COLUMN hub.lms_account.login_name IS 'Login name in the LMS.';
COMMENT ON COLUMN hub.lms_account.hr_number IS 'Employee number that the LMS carries.';
COMMENT ON COLUMN hub.lms_account.custom_identifier IS 'Further identifier that the LMS carries.';
COMMENT ON COLUMN hub.lms_account.first_seen_at IS 'When the hub first saw the account (UTC).';
COMMENT ON COLUMN hub.lms_account.last_seen_at IS 'When the hub last saw something new of the account (UTC).';
COMMENT ON COLUMN hub.lms_account.is_active IS 'False when the LMS closed or suspended the account.';
COMMENT ON COLUMN hub.lms_account.created_at IS 'When the hub recorded the first event of this row (UTC).';
COMMENT ON COLUMN hub.lms_account.updated_at IS 'When the hub recorded the last event that changed this row (UTC).';
COMMENT ON COLUMN hub.lms_account.fold_state IS 'What decisions must know and no column says: times and raw values of the source, cycle, validity. No personal data.';

CREATE TABLE hub.lms_audit_trail (
    id UUID NOT NULL,
    company_id UUID NOT NULL,
    lms_integration_id UUID,
    enrollment_id UUID,
    audit_type VARCHAR,
    action VARCHAR,
    entity_type VARCHAR,
    entity_id UUID,
    old_values JSONB,
    new_values JSONB,
    field_changes JSONB,
    action_reason TEXT,
    business_justification TEXT,
    impact_assessment TEXT,
    risk_level VARCHAR,
    compliance_impact TEXT,
    affected_employees INTEGER DEFAULT 0,
    data_sensitivity_level VARCHAR,
    regulatory_impact VARCHAR,
    performed_by_user_id UUID,
    ip_address VARCHAR(45),
    user_agent TEXT,
    session_id VARCHAR(100),
    timestamp TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    additional_context JSONB,
    PRIMARY KEY (id),
    CONSTRAINT fk_lms_audit_company FOREIGN KEY(company_id) REFERENCES hub.company (id),
    CONSTRAINT fk_lms_audit_lms_integration FOREIGN KEY(lms_integration_id) REFERENCES hub.lms_integration_config (id),
    CONSTRAINT fk_lms_audit_enrollment FOREIGN KEY(enrollment_id) REFERENCES hub.lms_course_enrollment (id),
    CONSTRAINT fk_lms_audit_performed_by FOREIGN KEY(performed_by_user_id) REFERENCES hub."user" (id),
    CONSTRAINT chk_audit_type_enum CHECK (audit_type IN ('Data Sync', 'Configuration Change', 'Access Control', 'Security Incident', 'Compliance Check', 'Performance Issue', 'Course Enrollment', 'Progress Update', 'Content Management')),
    CONSTRAINT chk_action_enum CHECK (action IN ('Create', 'Update', 'Delete', 'Activate', 'Deactivate', 'Sync', 'Export', 'Import', 'Approve', 'Reject', 'Enroll', 'Unenroll', 'Complete')),
    CONSTRAINT chk_entity_type_enum CHECK (entity_type IN ('LMS Config', 'Course Enrollment', 'Learning Progress', 'User Role', 'Employee Data', 'Content Data', 'Compliance Setting')),
    CONSTRAINT chk_risk_level_enum CHECK (risk_level IN ('Low', 'Medium', 'High', 'Critical')),
    CONSTRAINT chk_data_sensitivity_level_enum CHECK (data_sensitivity_level IN ('Public', 'Internal', 'Confidential', 'Restricted', 'PII', 'Learning Data')),
    CONSTRAINT chk_regulatory_impact_enum CHECK (regulatory_impact IN ('None', 'GDPR', 'Industry Standards', 'Company Policy', 'Educational Compliance')),
    CONSTRAINT chk_affected_employees_positive CHECK (affected_employees >= 0)
);

CREATE INDEX lms_audit_trail_idx_audit_type ON hub.lms_audit_trail (audit_type);

CREATE INDEX lms_audit_trail_idx_performed_by_user_id ON hub.lms_audit_trail (performed_by_user_id);

CREATE INDEX lms_audit_trail_idx_data_sensitivity_level ON hub.lms_audit_trail (data_sensitivity_level);

CREATE INDEX lms_audit_trail_idx_company_id ON hub.lms_audit_trail (company_id);

CREATE INDEX lms_audit_trail_idx_action ON hub.lms_audit_trail (action);

CREATE INDEX lms_audit_trail_idx_risk_level ON hub.lms_audit_trail (risk_level);

CREATE INDEX lms_audit_trail_idx_timestamp ON hub.lms_audit_trail (timestamp);

CREATE INDEX lms_audit_trail_idx_lms_integration_id ON hub.lms_audit_trail (lms_integration_id);

CREATE INDEX lms_audit_trail_idx_entity_type ON hub.lms_audit_trail (entity_type);

CREATE INDEX lms_audit_trail_idx_enrollment_id ON hub.lms_audit_trail (enrollment_id);
COMMENT ON TABLE hub.lms_audit_trail IS 'One row per event, written in the same transaction as the row that it changed. The id is that of the event.';
COMMENT ON COLUMN hub.lms_audit_trail.id IS 'Identifier of the event.';
COMMENT ON COLUMN hub.lms_audit_trail.company_id IS 'Company that the row belongs to.';
COMMENT ON COLUMN hub.lms_audit_trail.lms_integration_id IS 'Integration (LMS) that the event concerns, if any.';
COMMENT ON COLUMN hub.lms_audit_trail.enrollment_id IS 'Enrollment that the event or its lesson concerns, where it existed when the event was decided; else named in additional_context.';
COMMENT ON COLUMN hub.lms_audit_trail.audit_type IS 'Kind of event; the exact word is additional_context.event_type.';
COMMENT ON COLUMN hub.lms_audit_trail.action IS 'What was done, coarsely; the exact word is additional_context.event_type.';
COMMENT ON COLUMN hub.lms_audit_trail.entity_type IS 'Kind of thing that the event is about.';
COMMENT ON COLUMN hub.lms_audit_trail.entity_id IS 'Id of the row that the event is about.';
COMMENT ON COLUMN hub.lms_audit_trail.old_values IS 'Previous values before change; NULL for a first row or where no row changed. Secrets are masked, personal fields sealed.';
COMMENT ON COLUMN hub.lms_audit_trail.new_values IS 'New values after change; NULL for a removal or where no row changed. Secrets are masked, personal fields sealed.';
COMMENT ON COLUMN hub.lms_audit_trail.field_changes IS 'Specific field changes: {field: [old, new]} of what differs, without updated_at.';
COMMENT ON COLUMN hub.lms_audit_trail.action_reason IS 'The reason that the event carries.';
COMMENT ON COLUMN hub.lms_audit_trail.business_justification IS 'Why a person did it; required from risk High on.';
COMMENT ON COLUMN hub.lms_audit_trail.impact_assessment IS 'One sentence from the decision: what changed from what to what.';
COMMENT ON COLUMN hub.lms_audit_trail.risk_level IS 'Risk of the event by its family, raised by at most one level.';
COMMENT ON COLUMN hub.lms_audit_trail.compliance_impact IS 'Requirements that became met or unmet by the event; NULL: none.';
COMMENT ON COLUMN hub.lms_audit_trail.affected_employees IS 'Number of employees whom the event affects, counted when it was decided.';
COMMENT ON COLUMN hub.lms_audit_trail.data_sensitivity_level IS 'Class of the data that the event touches.';
COMMENT ON COLUMN hub.lms_audit_trail.regulatory_impact IS 'Regulation that the event falls under.';
COMMENT ON COLUMN hub.lms_audit_trail.performed_by_user_id IS 'The person; NULL when a system acted, then additional_context.actor names it.';
COMMENT ON COLUMN hub.lms_audit_trail.ip_address IS 'Address the request came from; only for people and keys.';
COMMENT ON COLUMN hub.lms_audit_trail.user_agent IS 'Program that sent the request; only for people and keys.';
COMMENT ON COLUMN hub.lms_audit_trail.session_id IS 'Session of the request; only for people and keys.';
COMMENT ON COLUMN hub.lms_audit_trail.timestamp IS 'When the hub recorded the event (UTC).';
COMMENT ON COLUMN hub.lms_audit_trail.additional_context IS 'Extra context information: event_type, occurred_at, topic, partition, offset, hash, actor, causation.';

CREATE TABLE hub.lms_learning_progress (
    id UUID NOT NULL,
    company_id UUID NOT NULL,
    lms_integration_id UUID,
    enrollment_id UUID,
    employee_id UUID,
    course_id VARCHAR(100) NOT NULL,
    lesson_id VARCHAR(100),
    lesson_name VARCHAR(200),
    lesson_type VARCHAR,
    progress_status VARCHAR,
    completion_date TIMESTAMP WITH TIME ZONE,
    time_spent_seconds INTEGER DEFAULT 0,
    score_achieved NUMERIC(5, 2),
    max_score NUMERIC(5, 2),
    attempts_count INTEGER DEFAULT 0,
    first_access_date TIMESTAMP WITH TIME ZONE,
    last_access_date TIMESTAMP WITH TIME ZONE,
    completion_percentage NUMERIC(5, 2) DEFAULT 0.00,
    bookmark_data JSONB,
    interaction_data JSONB,
    assessment_results JSONB,
    feedback_data JSONB,
    next_lesson_id VARCHAR(100),
    prerequisites_completed BOOLEAN DEFAULT false,
    is_mandatory_lesson BOOLEAN DEFAULT false,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    fold_state JSONB,
    PRIMARY KEY (id),
    CONSTRAINT fk_lms_progress_company FOREIGN KEY(company_id) REFERENCES hub.company (id),
    CONSTRAINT fk_lms_progress_lms_integration FOREIGN KEY(lms_integration_id) REFERENCES hub.lms_integration_config (id),
    CONSTRAINT fk_lms_progress_enrollment FOREIGN KEY(enrollment_id) REFERENCES hub.lms_course_enrollment (id),
    CONSTRAINT fk_lms_progress_employee FOREIGN KEY(employee_id) REFERENCES hub.employee (id),
    CONSTRAINT chk_lesson_type_enum CHECK (lesson_type IN ('Video', 'Reading', 'Quiz', 'Assignment', 'Project', 'Discussion', 'Assessment', 'Simulation')),
    CONSTRAINT chk_progress_status_enum CHECK (progress_status IN ('Not Started', 'In Progress', 'Completed', 'Failed', 'Skipped')),
    CONSTRAINT chk_progress_percentage_range CHECK (completion_percentage BETWEEN 0 AND 100),
    CONSTRAINT chk_positive_values CHECK (time_spent_seconds >= 0 AND attempts_count >= 0),
    CONSTRAINT chk_score_achieved_valid CHECK (score_achieved >= 0 AND max_score >= 0)
)
 WITH (fillfactor = 85);

CREATE INDEX lms_learning_progress_idx_is_mandatory_lesson ON hub.lms_learning_progress (is_mandatory_lesson);

CREATE INDEX lms_learning_progress_idx_progress_status ON hub.lms_learning_progress (progress_status);

CREATE INDEX lms_learning_progress_idx_course_id ON hub.lms_learning_progress (course_id);

CREATE INDEX lms_learning_progress_idx_completion_percentage ON hub.lms_learning_progress USING brin (completion_percentage);

CREATE INDEX lms_learning_progress_idx_company_id ON hub.lms_learning_progress (company_id);

CREATE INDEX lms_learning_progress_idx_lesson_id ON hub.lms_learning_progress (lesson_id);

CREATE INDEX lms_learning_progress_idx_lms_integration_id ON hub.lms_learning_progress (lms_integration_id);

CREATE INDEX lms_learning_progress_idx_enrollment_id ON hub.lms_learning_progress (enrollment_id);

CREATE INDEX lms_learning_progress_idx_completion_date ON hub.lms_learning_progress (completion_date);

CREATE INDEX lms_learning_progress_idx_employee_id ON hub.lms_learning_progress (employee_id);
COMMENT ON TABLE hub.lms_learning_progress IS 'One lesson (activity, SCO, module item) of one enrollment; key (enrollment, lesson).';
COMMENT ON COLUMN hub.lms_learning_progress.id IS 'Identifier of the row: UUIDv5 of its natural key, equal after every rebuild.';
COMMENT ON COLUMN hub.lms_learning_progress.company_id IS 'Company that the row belongs to.';
COMMENT ON COLUMN hub.lms_learning_progress.lms_integration_id IS 'Integration (LMS) that the lesson comes from.';
COMMENT ON COLUMN hub.lms_learning_progress.enrollment_id IS 'Enrollment (cycle) that the lesson belongs to.';
COMMENT ON COLUMN hub.lms_learning_progress.employee_id IS 'Employee enrolled; NULL until the LMS account is linked to one.';
COMMENT ON COLUMN hub.lms_learning_progress.course_id IS 'Id of the course in the LMS; where longer than 100, its alias.';
COMMENT ON COLUMN hub.lms_learning_progress.lesson_id IS 'Id of the lesson in the LMS; where longer than 100, its alias.';
COMMENT ON COLUMN hub.lms_learning_progress.lesson_name IS 'Name of the lesson.';
COMMENT ON COLUMN hub.lms_learning_progress.lesson_type IS 'Kind of lesson.';
COMMENT ON COLUMN hub.lms_learning_progress.progress_status IS 'Status of the lesson.';
COMMENT ON COLUMN hub.lms_learning_progress.completion_date IS 'First completion of the lesson in this cycle (UTC).';
COMMENT ON COLUMN hub.lms_learning_progress.time_spent_seconds IS 'Learning time tracked by the LMS, in seconds.';
COMMENT ON COLUMN hub.lms_learning_progress.score_achieved IS 'The official result of the LMS by its own attempt rule, in points of max_score.';
COMMENT ON COLUMN hub.lms_learning_progress.max_score IS 'Highest possible score, in points; raw values above 999.99 are rescaled.';
COMMENT ON COLUMN hub.lms_learning_progress.attempts_count IS 'Attempts begun.';
COMMENT ON COLUMN hub.lms_learning_progress.first_access_date IS 'First access by the learner (UTC).';
COMMENT ON COLUMN hub.lms_learning_progress.last_access_date IS 'Last access by the learner (UTC).';
COMMENT ON COLUMN hub.lms_learning_progress.completion_percentage IS 'Percent of the lesson, 0 to 100; 100 when Completed.';
COMMENT ON COLUMN hub.lms_learning_progress.bookmark_data IS 'Progress bookmark: location and suspend data, up to 64 KiB.';
COMMENT ON COLUMN hub.lms_learning_progress.interaction_data IS 'User interactions and responses as {id, type, response, result, latency}, newest 500.';
COMMENT ON COLUMN hub.lms_learning_progress.assessment_results IS 'Per attempt: number, time, score, passed, so that first-attempt figures survive LMSs that overwrite.';
COMMENT ON COLUMN hub.lms_learning_progress.feedback_data IS 'Instructor feedback: comments with author and day.';
COMMENT ON COLUMN hub.lms_learning_progress.next_lesson_id IS 'Next lesson by the order of the course; NULL where the LMS does not tell.';
COMMENT ON COLUMN hub.lms_learning_progress.prerequisites_completed IS 'By the completion rules of the course; NULL where the LMS does not tell, recalculated when the course changes.';
COMMENT ON COLUMN hub.lms_learning_progress.is_mandatory_lesson IS 'By the completion rules of the course; NULL where the LMS does not tell, recalculated when the course changes.';
COMMENT ON COLUMN hub.lms_learning_progress.created_at IS 'When the hub recorded the first event of this row (UTC).';
COMMENT ON COLUMN hub.lms_learning_progress.updated_at IS 'When the hub recorded the last event that changed this row (UTC).';
COMMENT ON COLUMN hub.lms_learning_progress.fold_state IS 'What decisions must know and no column says: times and raw values of the source, cycle, validity. No personal data.';

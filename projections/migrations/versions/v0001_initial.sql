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
    observation_offset BIGINT,
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
COMMENT ON COLUMN hub.stream_head.observation_offset IS 'Offset in lms.observations of the last observation that led to an event; NULL: none did yet.';

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
    chain BYTEA,
    source_name TEXT,
    source_position TEXT,
    run_id UUID,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    resolved_at TIMESTAMP WITH TIME ZONE,
    resolution VARCHAR,
    PRIMARY KEY (id),
    CONSTRAINT chk_kind_enum CHECK (kind IN ('rejected', 'parked', 'behind')),
    CONSTRAINT chk_resolution_enum CHECK (resolution IN ('replayed', 'discarded')),
    CONSTRAINT chk_record_size CHECK (record_size >= 0),
    CONSTRAINT chk_record_sha256 CHECK (octet_length(record_sha256) = 32),
    CONSTRAINT chk_chain CHECK (octet_length(chain) = 32)
);

CREATE INDEX dead_letter_idx_company_id ON hub.dead_letter (company_id);

CREATE INDEX dead_letter_idx_lms_integration_id ON hub.dead_letter (lms_integration_id);

CREATE INDEX dead_letter_idx_recorded_at ON hub.dead_letter (recorded_at);

CREATE INDEX dead_letter_idx_run_id ON hub.dead_letter (run_id);

CREATE INDEX dead_letter_idx_stream_id ON hub.dead_letter (stream_id);
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
COMMENT ON COLUMN hub.dead_letter.chain IS 'Of a record of the log: head of its partition''s hash chain after it, 32 bytes.';
COMMENT ON COLUMN hub.dead_letter.source_name IS 'File or address that it came from, without credentials.';
COMMENT ON COLUMN hub.dead_letter.source_position IS 'Line, item or page in it.';
COMMENT ON COLUMN hub.dead_letter.run_id IS 'Run that read it.';
COMMENT ON COLUMN hub.dead_letter.recorded_at IS 'When it was put aside (UTC).';
COMMENT ON COLUMN hub.dead_letter.resolved_at IS 'When it was replayed or discarded (UTC); NULL: it is open.';
COMMENT ON COLUMN hub.dead_letter.resolution IS 'What became of a rejected one; records of the log leave the table when they are resolved.';

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
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    effective_from DATE NOT NULL,
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
COMMENT ON COLUMN hub.company_history.recorded_at IS 'When the hub recorded the event (UTC).';
COMMENT ON COLUMN hub.company_history.effective_from IS 'Day on which it happened: first day of this version.';

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
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    effective_from DATE NOT NULL,
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
COMMENT ON COLUMN hub.department_history.recorded_at IS 'When the hub recorded the event (UTC).';
COMMENT ON COLUMN hub.department_history.effective_from IS 'Day on which it happened: first day of this version.';

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
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    effective_from DATE NOT NULL,
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
COMMENT ON COLUMN hub.team_history.recorded_at IS 'When the hub recorded the event (UTC).';
COMMENT ON COLUMN hub.team_history.effective_from IS 'Day on which it happened: first day of this version.';

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
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    effective_from DATE NOT NULL,
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
COMMENT ON COLUMN hub.user_history.recorded_at IS 'When the hub recorded the event (UTC).';
COMMENT ON COLUMN hub.user_history.effective_from IS 'Day on which it happened: first day of this version.';

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
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    effective_from DATE NOT NULL,
    CONSTRAINT employee_history_pkey PRIMARY KEY (id, version),
    CONSTRAINT chk_employment_status_enum CHECK (employment_status IN ('Active', 'On Leave', 'Terminated'))
);

CREATE INDEX employee_history_idx_department_id ON hub.employee_history (department_id);
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
COMMENT ON COLUMN hub.employee_history.recorded_at IS 'When the hub recorded the event (UTC).';
COMMENT ON COLUMN hub.employee_history.effective_from IS 'Day on which it happened: first day of this version.';

CREATE TABLE hub.lms_course_enrollment_history (
    id UUID NOT NULL,
    company_id UUID NOT NULL,
    lms_integration_id UUID,
    employee_id UUID,
    course_id VARCHAR(100) NOT NULL,
    enrollment_status VARCHAR,
    enrollment_date DATE NOT NULL,
    start_date DATE,
    end_date DATE,
    completion_date DATE,
    due_date DATE,
    progress_percentage NUMERIC(5, 2),
    score_achieved NUMERIC(5, 2),
    max_score NUMERIC(5, 2),
    passing_score NUMERIC(5, 2),
    last_access_date TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    event_id UUID NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    time_spent_seconds INTEGER,
    valid_from DATE,
    valid_until DATE,
    revoked_on DATE,
    waived BOOLEAN,
    course_version VARCHAR,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    own_activity BOOLEAN NOT NULL,
    late BOOLEAN NOT NULL,
    retracted BOOLEAN NOT NULL,
    retracts UUID,
    corrected BOOLEAN,
    former_employee_id UUID,
    CONSTRAINT lms_course_enrollment_history_pkey PRIMARY KEY (id, version),
    CONSTRAINT chk_enrollment_status_enum CHECK (enrollment_status IN ('Not Started', 'In Progress', 'Completed', 'Failed', 'Dropped', 'On Hold', 'Expired', 'Certified')),
    CONSTRAINT chk_progress_range CHECK (progress_percentage BETWEEN 0 AND 100),
    CONSTRAINT chk_score_valid CHECK (score_achieved >= 0 AND max_score >= 0 AND passing_score >= 0)
);

CREATE INDEX lms_course_enrollment_history_idx_former_employee_id ON hub.lms_course_enrollment_history (former_employee_id) WHERE former_employee_id IS NOT NULL;

CREATE INDEX lms_course_enrollment_history_idx_recorded_at ON hub.lms_course_enrollment_history USING brin (recorded_at);
COMMENT ON TABLE hub.lms_course_enrollment_history IS 'Every version that a row of lms_course_enrollment had; the highest one is the present row.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.id IS 'Identifier of the row: UUIDv5 of its natural key, equal after every rebuild.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.company_id IS 'Company that the row belongs to.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.lms_integration_id IS 'Integration (LMS) that the enrollment comes from.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.employee_id IS 'Employee enrolled; NULL until the LMS account is linked to one.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.course_id IS 'Id of the course in the LMS; where longer than 100, its alias.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.enrollment_status IS 'Status of this cycle. An ended one still moves: Failed to Completed by a better final result, Completed to Certified to Expired (lapsed); a revocation moves Certified to Completed; else only a correction moves it.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.enrollment_date IS 'Day of enrollment, else first seen (marked in the event).';
COMMENT ON COLUMN hub.lms_course_enrollment_history.start_date IS 'Day of the first own activity.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.end_date IS 'Last day of access.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.completion_date IS 'First completion of this cycle; kept when the certificate lapses (Expired with a completion date: lapsed; without: access ran out).';
COMMENT ON COLUMN hub.lms_course_enrollment_history.due_date IS 'Deadline. The first one stays in the events (on-time counts by it).';
COMMENT ON COLUMN hub.lms_course_enrollment_history.progress_percentage IS 'Percent, 0 to 100: newest known by source time. A newer lower value is taken (courses grow), an older one never.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.score_achieved IS 'The official result of the LMS by its own attempt rule, in points of max_score.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.max_score IS 'Highest possible score, in points; raw values above 999.99 are rescaled.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.passing_score IS 'Pass mark, in points of max_score.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.last_access_date IS 'Last access by the learner (UTC).';
COMMENT ON COLUMN hub.lms_course_enrollment_history.version IS 'Version of the stream that the event made: 1, 2, 3, ...';
COMMENT ON COLUMN hub.lms_course_enrollment_history.event_id IS 'Event that made this version.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.recorded_at IS 'When the hub recorded the event (UTC).';
COMMENT ON COLUMN hub.lms_course_enrollment_history.time_spent_seconds IS 'Learning time tracked by the LMS, in seconds.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.valid_from IS 'First day on which the certificate is valid.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.valid_until IS 'First day on which it is no longer valid; NULL: no end is known.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.revoked_on IS 'Day on which the certificate was taken back; NULL: it was not.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.waived IS 'True when the person was excused; NULL: nobody said so.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.course_version IS 'Version of the course that was taken, where it is known.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.occurred_at IS 'When it happened, by the source''s clock (UTC).';
COMMENT ON COLUMN hub.lms_course_enrollment_history.own_activity IS 'True where it shows the learner''s own doing: started, progressed, completed, failed, certified or accessed, and no person of the company told it by hand.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.late IS 'True where it is older than what was known; it moved nothing back.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.retracted IS 'True where the event took a fact out.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.retracts IS 'Event whose fact was taken out; NULL: none.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.corrected IS 'True where a person put values right; NULL: not.';
COMMENT ON COLUMN hub.lms_course_enrollment_history.former_employee_id IS 'Employee whom the row belonged to before this version, where it is another one; NULL: the same.';

CREATE TABLE hub.lms_learning_progress_history (
    id UUID NOT NULL,
    company_id UUID NOT NULL,
    enrollment_id UUID,
    employee_id UUID,
    lesson_id VARCHAR(100),
    progress_status VARCHAR,
    completion_date TIMESTAMP WITH TIME ZONE,
    time_spent_seconds INTEGER,
    score_achieved NUMERIC(5, 2),
    max_score NUMERIC(5, 2),
    attempts_count INTEGER,
    completion_percentage NUMERIC(5, 2),
    last_access_date TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    event_id UUID NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    own_activity BOOLEAN NOT NULL,
    late BOOLEAN NOT NULL,
    retracted BOOLEAN NOT NULL,
    retracts UUID,
    corrected BOOLEAN,
    CONSTRAINT lms_learning_progress_history_pkey PRIMARY KEY (id, version),
    CONSTRAINT chk_progress_status_enum CHECK (progress_status IN ('Not Started', 'In Progress', 'Completed', 'Failed', 'Skipped')),
    CONSTRAINT chk_progress_percentage_range CHECK (completion_percentage BETWEEN 0 AND 100),
    CONSTRAINT chk_positive_values CHECK (time_spent_seconds >= 0 AND attempts_count >= 0),
    CONSTRAINT chk_score_achieved_valid CHECK (score_achieved >= 0 AND max_score >= 0)
);

CREATE INDEX lms_learning_progress_history_idx_recorded_at ON hub.lms_learning_progress_history USING brin (recorded_at);
COMMENT ON TABLE hub.lms_learning_progress_history IS 'Every version that a row of lms_learning_progress had; the highest one is the present row.';
COMMENT ON COLUMN hub.lms_learning_progress_history.id IS 'Identifier of the row: UUIDv5 of its natural key, equal after every rebuild.';
COMMENT ON COLUMN hub.lms_learning_progress_history.company_id IS 'Company that the row belongs to.';
COMMENT ON COLUMN hub.lms_learning_progress_history.enrollment_id IS 'Enrollment (cycle) that the lesson belongs to.';
COMMENT ON COLUMN hub.lms_learning_progress_history.employee_id IS 'Employee enrolled; NULL until the LMS account is linked to one.';
COMMENT ON COLUMN hub.lms_learning_progress_history.lesson_id IS 'Id of the lesson in the LMS; where longer than 100, its alias.';
COMMENT ON COLUMN hub.lms_learning_progress_history.progress_status IS 'Status of the lesson.';
COMMENT ON COLUMN hub.lms_learning_progress_history.completion_date IS 'First completion of the lesson in this cycle (UTC).';
COMMENT ON COLUMN hub.lms_learning_progress_history.time_spent_seconds IS 'Learning time tracked by the LMS, in seconds.';
COMMENT ON COLUMN hub.lms_learning_progress_history.score_achieved IS 'The official result of the LMS by its own attempt rule, in points of max_score.';
COMMENT ON COLUMN hub.lms_learning_progress_history.max_score IS 'Highest possible score, in points; raw values above 999.99 are rescaled.';
COMMENT ON COLUMN hub.lms_learning_progress_history.attempts_count IS 'Attempts begun.';
COMMENT ON COLUMN hub.lms_learning_progress_history.completion_percentage IS 'Percent of the lesson, 0 to 100; 100 when Completed.';
COMMENT ON COLUMN hub.lms_learning_progress_history.last_access_date IS 'Last access by the learner (UTC).';
COMMENT ON COLUMN hub.lms_learning_progress_history.version IS 'Version of the stream that the event made: 1, 2, 3, ...';
COMMENT ON COLUMN hub.lms_learning_progress_history.event_id IS 'Event that made this version.';
COMMENT ON COLUMN hub.lms_learning_progress_history.recorded_at IS 'When the hub recorded the event (UTC).';
COMMENT ON COLUMN hub.lms_learning_progress_history.occurred_at IS 'When it happened, by the source''s clock (UTC).';
COMMENT ON COLUMN hub.lms_learning_progress_history.own_activity IS 'True where it shows the learner''s own doing: started, progressed, completed, failed, certified or accessed, and no person of the company told it by hand.';
COMMENT ON COLUMN hub.lms_learning_progress_history.late IS 'True where it is older than what was known; it moved nothing back.';
COMMENT ON COLUMN hub.lms_learning_progress_history.retracted IS 'True where the event took a fact out.';
COMMENT ON COLUMN hub.lms_learning_progress_history.retracts IS 'Event whose fact was taken out; NULL: none.';
COMMENT ON COLUMN hub.lms_learning_progress_history.corrected IS 'True where a person put values right; NULL: not.';

CREATE TABLE hub.course_history (
    id UUID NOT NULL,
    company_id UUID NOT NULL,
    lms_integration_id UUID NOT NULL,
    course_id VARCHAR(100) NOT NULL,
    course_code VARCHAR(50),
    course_name VARCHAR(200),
    validity_days INTEGER,
    leads_to_certificate BOOLEAN,
    retired_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    event_id UUID NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    course_version VARCHAR(50),
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT course_history_pkey PRIMARY KEY (id, version),
    CONSTRAINT chk_validity_days CHECK (validity_days > 0)
);
COMMENT ON TABLE hub.course_history IS 'Every version that a row of course had; the highest one is the present row.';
COMMENT ON COLUMN hub.course_history.id IS 'Identifier of the row: UUIDv5 of its natural key, equal after every rebuild.';
COMMENT ON COLUMN hub.course_history.company_id IS 'Company that the row belongs to.';
COMMENT ON COLUMN hub.course_history.lms_integration_id IS 'Integration (LMS) whose course it is.';
COMMENT ON COLUMN hub.course_history.course_id IS 'Id of the course in the LMS; where longer than 100, its alias.';
COMMENT ON COLUMN hub.course_history.course_code IS 'Short name or code in the LMS.';
COMMENT ON COLUMN hub.course_history.course_name IS 'Name of the course.';
COMMENT ON COLUMN hub.course_history.validity_days IS 'Days for which a completion is valid; NULL: for ever.';
COMMENT ON COLUMN hub.course_history.leads_to_certificate IS 'True where the course ends with a certificate; NULL: unknown.';
COMMENT ON COLUMN hub.course_history.retired_at IS 'Since when the course is no longer offered (UTC); NULL: it is.';
COMMENT ON COLUMN hub.course_history.version IS 'Version of the stream that the event made: 1, 2, 3, ...';
COMMENT ON COLUMN hub.course_history.event_id IS 'Event that made this version.';
COMMENT ON COLUMN hub.course_history.recorded_at IS 'When the hub recorded the event (UTC).';
COMMENT ON COLUMN hub.course_history.course_version IS 'Version of the course, as the LMS names it.';
COMMENT ON COLUMN hub.course_history.occurred_at IS 'When it happened, by the source''s clock (UTC).';

CREATE TABLE ops.request_budget (
    lms_integration_id UUID NOT NULL,
    tokens NUMERIC(16, 6) NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (lms_integration_id)
);
COMMENT ON TABLE ops.request_budget IS 'How many requests may be made to an LMS at once; shared by all runs, tests and probes of its integration.';
COMMENT ON COLUMN ops.request_budget.lms_integration_id IS 'Integration (LMS) that is asked.';
COMMENT ON COLUMN ops.request_budget.tokens IS 'Requests that might be made at once when it was last changed.';
COMMENT ON COLUMN ops.request_budget.changed_at IS 'When requests were last taken from it (UTC).';

CREATE TABLE ops.chain_seal (
    number INTEGER NOT NULL,
    kind VARCHAR NOT NULL,
    topic VARCHAR(100),
    partition INTEGER,
    records BIGINT,
    head BYTEA,
    public_key BYTEA,
    reason TEXT,
    sealed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    previous BYTEA NOT NULL,
    key_id VARCHAR(16) NOT NULL,
    signature BYTEA NOT NULL,
    PRIMARY KEY (number),
    CONSTRAINT chk_kind_enum CHECK (kind IN ('key', 'seal', 'archive')),
    CONSTRAINT chk_records CHECK (records >= 0),
    CONSTRAINT chk_head CHECK (octet_length(head) = 32),
    CONSTRAINT chk_previous CHECK (octet_length(previous) = 32),
    CONSTRAINT chk_public_key CHECK (octet_length(public_key) = 32),
    CONSTRAINT chk_signature CHECK (octet_length(signature) = 64)
);

CREATE INDEX chain_seal_idx_topic_partition_records ON ops.chain_seal (topic, partition, records);
COMMENT ON TABLE ops.chain_seal IS 'Signed lines about the log, numbered, each naming the digest of the one before: what a partition held and the head of its chain then, what was archived, and every new key.';
COMMENT ON COLUMN ops.chain_seal.number IS 'Number of the line: 1, 2, 3, ... without a gap.';
COMMENT ON COLUMN ops.chain_seal.kind IS 'key: a new key, signed by the one before; seal: what a partition held; archive: its first records were taken out.';
COMMENT ON COLUMN ops.chain_seal.topic IS 'Topic of the log; NULL: the line is about a key.';
COMMENT ON COLUMN ops.chain_seal.partition IS 'Partition of the topic.';
COMMENT ON COLUMN ops.chain_seal.records IS 'Records that the partition had, or that were archived.';
COMMENT ON COLUMN ops.chain_seal.head IS 'Head of the hash chain over them, 32 bytes (SHA-256).';
COMMENT ON COLUMN ops.chain_seal.public_key IS 'The new key, 32 bytes (Ed25519), of a line about a key.';
COMMENT ON COLUMN ops.chain_seal.reason IS 'Why a key was changed or records were archived.';
COMMENT ON COLUMN ops.chain_seal.sealed_at IS 'When it was signed (UTC).';
COMMENT ON COLUMN ops.chain_seal.previous IS 'SHA-256 of the line before, 32 bytes; zeros for the first.';
COMMENT ON COLUMN ops.chain_seal.key_id IS 'Key that signed: first 16 hexadecimal letters of its SHA-256.';
COMMENT ON COLUMN ops.chain_seal.signature IS 'Ed25519 signature over all of it, 64 bytes.';

CREATE TABLE ops.chain_verified (
    topic VARCHAR(100) NOT NULL,
    partition INTEGER NOT NULL,
    seal_number INTEGER NOT NULL,
    verified_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (topic, partition)
);
COMMENT ON TABLE ops.chain_verified IS 'The last seal of each partition up to which the log was found unaltered; the next verification begins there.';
COMMENT ON COLUMN ops.chain_verified.topic IS 'Topic of the log.';
COMMENT ON COLUMN ops.chain_verified.partition IS 'Partition of the topic.';
COMMENT ON COLUMN ops.chain_verified.seal_number IS 'Number of the seal.';
COMMENT ON COLUMN ops.chain_verified.verified_at IS 'When it was verified (UTC).';

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

CREATE INDEX department_idx_company_id_code ON hub.department (company_id, code);

CREATE INDEX department_idx_manager_employee_id ON hub.department (manager_employee_id);

CREATE INDEX department_idx_parent_department_id ON hub.department (parent_department_id);
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

CREATE INDEX team_idx_company_id_code ON hub.team (company_id, code);

CREATE INDEX team_idx_department_id ON hub.team (department_id);

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

CREATE INDEX user_idx_company_id_login ON hub."user" (company_id, login);

CREATE INDEX user_idx_employee_id ON hub."user" (employee_id);
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

CREATE INDEX employee_idx_company_id_lower_custom_identifier ON hub.employee (company_id, lower(custom_identifier));

CREATE INDEX employee_idx_company_id_lower_email ON hub.employee (company_id, lower(email));

CREATE INDEX employee_idx_company_id_lower_login_name ON hub.employee (company_id, lower(login_name));

CREATE INDEX employee_idx_company_id_lower_number ON hub.employee (company_id, lower(employee_number));

CREATE INDEX employee_idx_department_id ON hub.employee (department_id);

CREATE INDEX employee_idx_manager_employee_id ON hub.employee (manager_employee_id);

CREATE INDEX employee_idx_team_id ON hub.employee (team_id);
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

CREATE INDEX lms_integration_config_idx_company_id ON hub.lms_integration_config (company_id);

CREATE INDEX lms_integration_config_idx_connection_status ON hub.lms_integration_config (connection_status);

CREATE INDEX lms_integration_config_idx_integration_method ON hub.lms_integration_config (integration_method);

CREATE INDEX lms_integration_config_idx_is_active ON hub.lms_integration_config (is_active);

CREATE INDEX lms_integration_config_idx_is_primary_lms ON hub.lms_integration_config (is_primary_lms);

CREATE INDEX lms_integration_config_idx_last_successful_sync_at ON hub.lms_integration_config (last_successful_sync_at);

CREATE INDEX lms_integration_config_idx_last_sync_at ON hub.lms_integration_config (last_sync_at);

CREATE INDEX lms_integration_config_idx_lms_type ON hub.lms_integration_config (lms_type);
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

CREATE INDEX course_idx_company_id ON hub.course (company_id);

CREATE INDEX course_idx_course_code ON hub.course (course_code);

CREATE INDEX course_idx_course_id ON hub.course (course_id);

CREATE INDEX course_idx_lms_integration_id ON hub.course (lms_integration_id);
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
    trigger VARCHAR,
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
    dropped INTEGER,
    retired INTEGER,
    held JSONB,
    unreachable BOOLEAN,
    credentials_refused BOOLEAN,
    failing_since TIMESTAMP WITH TIME ZONE,
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
    CONSTRAINT chk_status_enum CHECK (status IN ('running', 'completed', 'failed', 'held', 'released')),
    CONSTRAINT chk_trigger_enum CHECK (trigger IN ('schedule', 'retry', 'probe', 'person', 'accept', 'replay')),
    CONSTRAINT chk_counts CHECK (records_read >= 0 AND changed >= 0 AND unchanged >= 0 AND unmatched >= 0 AND stored >= 0 AND rejected >= 0 AND dropped >= 0 AND retired >= 0)
);

CREATE INDEX sync_run_idx_company_id ON hub.sync_run (company_id);

CREATE INDEX sync_run_idx_integration_started ON hub.sync_run (lms_integration_id, started_at);
COMMENT ON TABLE hub.sync_run IS 'One sync or import: what it read and what became of it. records_read = changed + unchanged + unmatched + stored + rejected, or the run has failed or is held.';
COMMENT ON COLUMN hub.sync_run.id IS 'Identifier of the run.';
COMMENT ON COLUMN hub.sync_run.company_id IS 'Company that the row belongs to.';
COMMENT ON COLUMN hub.sync_run.lms_integration_id IS 'Integration (LMS) that was read.';
COMMENT ON COLUMN hub.sync_run.kind IS 'sync: changes since the watermark; full sync: all; import: a file.';
COMMENT ON COLUMN hub.sync_run.status IS 'Whether the run goes on, and how it ended. held: the mass-change guard let nothing of it through; released: a person accepted that, and a new full pass follows.';
COMMENT ON COLUMN hub.sync_run.trigger IS 'Why it began. schedule: it was due; retry: the run before had failed; probe: the LMS answered again; person: asked for by hand; accept: a held run was accepted.';
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
COMMENT ON COLUMN hub.sync_run.dropped IS 'Enrollments that a full pass no longer showed, told as removed.';
COMMENT ON COLUMN hub.sync_run.retired IS 'Courses that a full pass no longer listed, told as retired.';
COMMENT ON COLUMN hub.sync_run.held IS 'What a held full pass would do: existing, would_drop, existing_courses, would_retire, people, share_percent, least, courses with most drops, sample of streams. NULL: it was not held.';
COMMENT ON COLUMN hub.sync_run.unreachable IS 'True where it failed since the LMS could not be reached.';
COMMENT ON COLUMN hub.sync_run.credentials_refused IS 'True where it failed since the LMS did not accept the credentials.';
COMMENT ON COLUMN hub.sync_run.failing_since IS 'First failure of the series that this failed run is part of (UTC).';
COMMENT ON COLUMN hub.sync_run.requests IS 'Requests by outcome and by hour, sum and histogram of their times (ms), connect times (ms), time per course (s), time waited (s).';
COMMENT ON COLUMN hub.sync_run.samples IS 'Run and processor seconds, highest memory in MiB, load and disk wait of the host, time from appended to folded, age of the facts.';
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

CREATE INDEX xapi_statement_idx_company_id ON hub.xapi_statement (company_id);

CREATE INDEX xapi_statement_idx_stream_id ON hub.xapi_statement (stream_id);
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

CREATE INDEX lms_course_enrollment_idx_company_id ON hub.lms_course_enrollment (company_id);

CREATE INDEX lms_course_enrollment_idx_completion_date ON hub.lms_course_enrollment (completion_date);

CREATE INDEX lms_course_enrollment_idx_course_code ON hub.lms_course_enrollment (course_code);

CREATE INDEX lms_course_enrollment_idx_course_id ON hub.lms_course_enrollment (course_id);

CREATE INDEX lms_course_enrollment_idx_employee_id ON hub.lms_course_enrollment (employee_id);

CREATE INDEX lms_course_enrollment_idx_enrollment_date ON hub.lms_course_enrollment (enrollment_date);

CREATE INDEX lms_course_enrollment_idx_enrollment_status ON hub.lms_course_enrollment (enrollment_status);

CREATE INDEX lms_course_enrollment_idx_is_compliance_training ON hub.lms_course_enrollment (is_compliance_training);

CREATE INDEX lms_course_enrollment_idx_is_mandatory ON hub.lms_course_enrollment (is_mandatory);

CREATE INDEX lms_course_enrollment_idx_lms_integration_id ON hub.lms_course_enrollment (lms_integration_id);

CREATE INDEX lms_course_enrollment_idx_progress_percentage ON hub.lms_course_enrollment USING brin (progress_percentage);
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

CREATE TABLE hub.lms_integration_monitoring (
    id UUID NOT NULL,
    company_id UUID NOT NULL,
    lms_integration_id UUID,
    monitoring_date DATE NOT NULL,
    api_response_time_ms INTEGER,
    sync_success_rate NUMERIC(5, 2),
    data_accuracy_score NUMERIC(5, 2),
    error_rate NUMERIC(5, 2),
    throughput_requests_per_hour INTEGER,
    availability_percentage NUMERIC(5, 2),
    data_latency_minutes INTEGER,
    connection_drops INTEGER DEFAULT 0,
    timeout_incidents INTEGER DEFAULT 0,
    validation_failures INTEGER DEFAULT 0,
    compliance_violations INTEGER DEFAULT 0,
    manual_interventions INTEGER DEFAULT 0,
    rollback_incidents INTEGER DEFAULT 0,
    performance_score NUMERIC(5, 2),
    sla_compliance BOOLEAN DEFAULT true,
    critical_incidents INTEGER DEFAULT 0,
    warning_incidents INTEGER DEFAULT 0,
    system_load_percentage NUMERIC(5, 2),
    memory_usage_mb INTEGER,
    cpu_usage_percentage NUMERIC(5, 2),
    network_latency_ms INTEGER,
    disk_io_wait_ms INTEGER,
    enrollment_processing_time_avg NUMERIC(8, 2),
    progress_sync_accuracy NUMERIC(5, 2),
    course_data_sync_time_avg NUMERIC(8, 2),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    fold_state JSONB,
    PRIMARY KEY (id),
    CONSTRAINT fk_lms_monitoring_company FOREIGN KEY(company_id) REFERENCES hub.company (id),
    CONSTRAINT fk_lms_monitoring_lms_integration FOREIGN KEY(lms_integration_id) REFERENCES hub.lms_integration_config (id),
    CONSTRAINT chk_positive_integers CHECK (api_response_time_ms >= 0 AND throughput_requests_per_hour >= 0 AND connection_drops >= 0),
    CONSTRAINT chk_score_ranges CHECK (sync_success_rate BETWEEN 0 AND 100 AND data_accuracy_score BETWEEN 0 AND 100 AND error_rate BETWEEN 0 AND 100),
    CONSTRAINT chk_performance_range CHECK (performance_score BETWEEN 0 AND 100)
);

CREATE INDEX lms_integration_monitoring_idx_company_id ON hub.lms_integration_monitoring (company_id);

CREATE INDEX lms_integration_monitoring_idx_data_accuracy_score ON hub.lms_integration_monitoring (data_accuracy_score);

CREATE INDEX lms_integration_monitoring_idx_error_rate ON hub.lms_integration_monitoring (error_rate);

CREATE INDEX lms_integration_monitoring_idx_lms_integration_id ON hub.lms_integration_monitoring (lms_integration_id);

CREATE INDEX lms_integration_monitoring_idx_monitoring_date ON hub.lms_integration_monitoring (monitoring_date);

CREATE INDEX lms_integration_monitoring_idx_performance_score ON hub.lms_integration_monitoring (performance_score);

CREATE INDEX lms_integration_monitoring_idx_sla_compliance ON hub.lms_integration_monitoring (sla_compliance);

CREATE INDEX lms_integration_monitoring_idx_sync_success_rate ON hub.lms_integration_monitoring (sync_success_rate);
COMMENT ON TABLE hub.lms_integration_monitoring IS 'One row per integration and day: how its runs, its connection and its data were. NULL is no data, with its reason in the event and in the view integration_health.';
COMMENT ON COLUMN hub.lms_integration_monitoring.id IS 'Identifier of the row: UUIDv5 of its natural key, equal after every rebuild.';
COMMENT ON COLUMN hub.lms_integration_monitoring.company_id IS 'Company that the row belongs to.';
COMMENT ON COLUMN hub.lms_integration_monitoring.lms_integration_id IS 'Integration (LMS) that the row is about.';
COMMENT ON COLUMN hub.lms_integration_monitoring.monitoring_date IS 'Day that the row is about, in the time zone of the company.';
COMMENT ON COLUMN hub.lms_integration_monitoring.api_response_time_ms IS 'Mean time from sending a request to the last byte of its answer, over answered requests (time-outs left out); the view integration_health has p50, p95 and p99. Unit: ms. Milliseconds of the answered requests / answered requests. NULL with the reason no_data.';
COMMENT ON COLUMN hub.lms_integration_monitoring.sync_success_rate IS 'Runs completed of the runs that ended. A run that rejected records is a success if its accounting adds up. Unit: %. Runs completed / runs ended. NULL with the reason no_data.';
COMMENT ON COLUMN hub.lms_integration_monitoring.data_accuracy_score IS 'Reconciliation: compared values equal to the LMS''s own. Validation is not accuracy. Unit: %. Values equal to the LMS''s own / values compared (totals and a random sample). NULL with the reason not_run.';
COMMENT ON COLUMN hub.lms_integration_monitoring.error_rate IS 'Requests that failed: 4xx but not 304 and not an expected 404, 5xx, a broken or cut connection, time-out, 200 with an error in the body. A 429 that was waited out is throttling, not an error. Unit: %. Requests that failed / requests. NULL with the reason no_data.';
COMMENT ON COLUMN hub.lms_integration_monitoring.throughput_requests_per_hour IS 'Requests per clock hour with at least one request, to the nearest whole; never extrapolated, so that it compares with rate_limit_per_hour. Unit: 1/h. Requests / clock hours with a request. NULL with the reason no_data or not_reported_by_source.';
COMMENT ON COLUMN hub.lms_integration_monitoring.availability_percentage IS 'Time in which the LMS was not down. Down is from the first failed request or probe of a series that reached Disconnected or Error to the next success; observed is from the first contact of the day, or activation, on, without Maintenance. Unit: %. Observed seconds that it was not down / observed seconds. NULL with the reason no_data.';
COMMENT ON COLUMN hub.lms_integration_monitoring.data_latency_minutes IS 'Median of recorded_at - occurred_at over learning facts of live runs whose source tells the time of change, rounded up. Backfill and imports are left out. Unit: min. NULL with the reason no_data or not_reported_by_source.';
COMMENT ON COLUMN hub.lms_integration_monitoring.connection_drops IS 'Changes of connection_status from Connected to Disconnected or Error. Unit: count. 0 where there was none.';
COMMENT ON COLUMN hub.lms_integration_monitoring.timeout_incidents IS 'Requests that took longer than timeout_seconds. Unit: count. 0 where there was none.';
COMMENT ON COLUMN hub.lms_integration_monitoring.validation_failures IS 'Rejected records, each (native id, hash of its content) once a day however often it is seen. Unit: count. 0 where there was none.';
COMMENT ON COLUMN hub.lms_integration_monitoring.compliance_violations IS 'Violations that lms_compliance_monitoring opened that day for this integration. Unit: count. NULL with the reason not_run.';
COMMENT ON COLUMN hub.lms_integration_monitoring.manual_interventions IS 'Acts by people on this integration''s data: link or unlink, replay or discard of a dead letter, correction, forced or full sync, reset of the breaker, release of a held run. Unit: count. 0 where there was none.';
COMMENT ON COLUMN hub.lms_integration_monitoring.rollback_incidents IS 'A mapping set back to an older version, an import undone, an outbound change taken back. Unit: count. 0 where there was none.';
COMMENT ON COLUMN hub.lms_integration_monitoring.performance_score IS 'Weighted mean of availability 30, sync success 25, 100 - error rate 15, accuracy 15 and latency 15 (100 up to the target, then falling in a line to 0 at four times the target). Missing parts drop out and the weights are scaled up; it needs availability or sync success. Unit: 0..100. Sum of weight * part / sum of the weights of the parts known. Composite of the hub''s own; its parts are kept. NULL with the reason no_data.';
COMMENT ON COLUMN hub.lms_integration_monitoring.sla_compliance IS 'True when every measured target holds: availability, success, latency, no critical incident open for over 4 hours. Targets stand in compliance_settings.sla; defaults are 99 %, 95 %, twice the interval of sync_frequency (Real-time: 5 minutes). Unit: true or false. Targets that hold / targets that were measured. NULL with the reason no_data.';
COMMENT ON COLUMN hub.lms_integration_monitoring.critical_incidents IS 'Opened that day: breaker to Error, connection lost for over 60 minutes, accounting that does not add up, credentials refused after renewal (first run of a series), mass-change guard tripped, source stopped by the dead-letter limit. Unit: count. 0 where there was none.';
COMMENT ON COLUMN hub.lms_integration_monitoring.warning_incidents IS 'Opened that day: retries exhausted once, freshness target missed, throttled for over 10 % of busy time. Unit: count. 0 where there was none.';
COMMENT ON COLUMN hub.lms_integration_monitoring.system_load_percentage IS 'Mean of the 1-minute load / processors, sampled every 5 seconds while this integration''s runs work; may exceed 100. Unit: %. Sum of the samples / samples. NULL with the reason no_data or not_reported_by_source.';
COMMENT ON COLUMN hub.lms_integration_monitoring.memory_usage_mb IS 'Highest resident memory of the process of a run. Unit: MiB. NULL with the reason no_data.';
COMMENT ON COLUMN hub.lms_integration_monitoring.cpu_usage_percentage IS 'Processor time of the process of a run. Unit: %. Processor seconds / seconds of the runs * processors. NULL with the reason no_data.';
COMMENT ON COLUMN hub.lms_integration_monitoring.network_latency_ms IS 'Mean time to open a TCP connection to the host of the LMS. Unit: ms. Milliseconds to connect / connections opened. NULL with the reason no_data or not_applicable.';
COMMENT ON COLUMN hub.lms_integration_monitoring.disk_io_wait_ms IS 'Time for which the host''s processors waited for the disk during the runs, added up. Unit: ms. NULL with the reason no_data or not_reported_by_source.';
COMMENT ON COLUMN hub.lms_integration_monitoring.enrollment_processing_time_avg IS 'Mean time from the append of an observation to the moment the run saw it folded, over changed enrollments; measured by the run. Unit: ms. Milliseconds / changed enrollments measured. NULL with the reason no_data.';
COMMENT ON COLUMN hub.lms_integration_monitoring.progress_sync_accuracy IS 'Reconciliation of status, progress (within 1 point) and score of enrollments only. Unit: %. Values equal to the LMS''s own / values compared. NULL with the reason not_run.';
COMMENT ON COLUMN hub.lms_integration_monitoring.course_data_sync_time_avg IS 'Mean time to read one course''s data (all pages) in one run. Unit: s. Seconds / courses read. NULL with the reason no_data or not_reported_by_source.';
COMMENT ON COLUMN hub.lms_integration_monitoring.created_at IS 'When the hub recorded the first event of this row (UTC).';
COMMENT ON COLUMN hub.lms_integration_monitoring.updated_at IS 'When the hub recorded the last event that changed this row (UTC).';
COMMENT ON COLUMN hub.lms_integration_monitoring.fold_state IS 'What decisions must know and no column says: times and raw values of the source, cycle, validity. No personal data.';

CREATE TABLE hub.lms_analytics_dashboard (
    id UUID NOT NULL,
    company_id UUID NOT NULL,
    lms_integration_id UUID,
    dashboard_name VARCHAR(200) NOT NULL,
    dashboard_type VARCHAR,
    analysis_period VARCHAR,
    report_date DATE NOT NULL,
    total_enrollments INTEGER DEFAULT 0,
    active_enrollments INTEGER DEFAULT 0,
    completed_enrollments INTEGER DEFAULT 0,
    in_progress_enrollments INTEGER DEFAULT 0,
    dropped_enrollments INTEGER DEFAULT 0,
    total_learning_hours NUMERIC(10, 2) DEFAULT 0.00,
    average_completion_time_hours NUMERIC(8, 2) DEFAULT 0.00,
    completion_rate NUMERIC(5, 2) DEFAULT 0.00,
    engagement_score NUMERIC(5, 2) DEFAULT 0.00,
    skill_acquisition_rate NUMERIC(5, 2) DEFAULT 0.00,
    certification_achievement_rate NUMERIC(5, 2) DEFAULT 0.00,
    compliance_training_completion NUMERIC(5, 2) DEFAULT 0.00,
    learning_effectiveness_score NUMERIC(5, 2) DEFAULT 0.00,
    instructor_performance_score NUMERIC(5, 2) DEFAULT 0.00,
    content_utilization_rate NUMERIC(5, 2) DEFAULT 0.00,
    learning_cost_per_employee NUMERIC(10, 2) DEFAULT 0.00,
    roi_analysis NUMERIC(5, 2) DEFAULT 0.00,
    additional_metrics JSONB,
    trend_data JSONB,
    department_breakdown JSONB,
    course_type_breakdown JSONB,
    created_by_user_id UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    fold_state JSONB,
    PRIMARY KEY (id),
    CONSTRAINT fk_lms_analytics_company FOREIGN KEY(company_id) REFERENCES hub.company (id),
    CONSTRAINT fk_lms_analytics_lms_integration FOREIGN KEY(lms_integration_id) REFERENCES hub.lms_integration_config (id),
    CONSTRAINT fk_lms_analytics_created_by FOREIGN KEY(created_by_user_id) REFERENCES hub."user" (id),
    CONSTRAINT chk_dashboard_type_enum CHECK (dashboard_type IN ('Executive', 'Manager', 'LMS Admin', 'Instructor', 'Compliance', 'Learning Analytics')),
    CONSTRAINT chk_analysis_period_enum CHECK (analysis_period IN ('Daily', 'Weekly', 'Monthly', 'Quarterly', 'Yearly', 'YTD', 'Custom')),
    CONSTRAINT chk_positive_counts CHECK (total_enrollments >= 0 AND active_enrollments >= 0 AND completed_enrollments >= 0),
    CONSTRAINT chk_positive_hours CHECK (total_learning_hours >= 0 AND average_completion_time_hours >= 0),
    CONSTRAINT chk_percentage_ranges CHECK (completion_rate BETWEEN 0 AND 100 AND engagement_score BETWEEN 0 AND 100)
);

CREATE INDEX lms_analytics_dashboard_idx_analysis_period ON hub.lms_analytics_dashboard (analysis_period);

CREATE INDEX lms_analytics_dashboard_idx_company_id ON hub.lms_analytics_dashboard (company_id);

CREATE INDEX lms_analytics_dashboard_idx_completion_rate ON hub.lms_analytics_dashboard (completion_rate);

CREATE INDEX lms_analytics_dashboard_idx_dashboard_type ON hub.lms_analytics_dashboard (dashboard_type);

CREATE INDEX lms_analytics_dashboard_idx_engagement_score ON hub.lms_analytics_dashboard (engagement_score);

CREATE INDEX lms_analytics_dashboard_idx_lms_integration_id ON hub.lms_analytics_dashboard (lms_integration_id);

CREATE INDEX lms_analytics_dashboard_idx_report_date ON hub.lms_analytics_dashboard (report_date);

CREATE INDEX lms_analytics_dashboard_idx_total_enrollments ON hub.lms_analytics_dashboard (total_enrollments);
COMMENT ON TABLE hub.lms_analytics_dashboard IS 'One row per dashboard (type, and what it is about) and period. NULL is no data, with its reason in additional_metrics.reasons; parts of every ratio stand in additional_metrics.parts.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.id IS 'Identifier of the row: UUIDv5 of its natural key, equal after every rebuild.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.company_id IS 'Company that the row belongs to.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.lms_integration_id IS 'Integration (LMS) that the row is about; NULL: all of them.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.dashboard_name IS 'Type and what it is about, such as Manager: Logistics.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.dashboard_type IS 'Whose view it is; it decides which enrollments count.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.analysis_period IS 'Kind of period. Weeks begin on Monday; quarter, year and YTD follow the fiscal year of the company.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.report_date IS 'Day as of which it is told: today while the period is open, else its last day, in the company''s time zone.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.total_enrollments IS 'Enrollments in play: begun before the end of the period and not ended before its start. Always = active + completed + dropped + on_hold + failed + expired + left of additional_metrics. A failed one that is completed later is in play in both periods; who came back to the company goes on with what was open. Unit: enrollments. 0 where there was none.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.active_enrollments IS 'Not Started or In Progress at the end of the period. Unit: enrollments. 0 where there was none.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.completed_enrollments IS 'Completed within the period. Unit: enrollments. 0 where there was none.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.in_progress_enrollments IS 'In Progress at the end of the period (part of active). Unit: enrollments. 0 where there was none.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.dropped_enrollments IS 'Dropped within the period (withdrawn, unenrolled, cancelled). Unit: enrollments. 0 where there was none.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.total_learning_hours IS 'Increases of tracked time within the period. An LMS gives totals: the difference counts on the day of last access, else of the sync. Nominal hours are in additional_metrics, never added. Unit: hours. Seconds by which tracked time increased / 3,600. NULL with the reason not_reported_by_source or capped.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.average_completion_time_hours IS 'Mean tracked learning time of the enrollments completed in the period with time > 0; waived ones are left out. Unit: hours. Tracked seconds of those / enrollments completed with tracked time * 3,600. NULL with the reason no_data or capped.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.completion_rate IS 'Completed of all in play. By nature low for short periods: completion_rate_12m and on_time_completion_rate of additional_metrics stand beside it. Unit: %. Completed_enrollments / total_enrollments. NULL with the reason no_data.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.engagement_score IS 'Mean of the known ones: active learners of people with something in play; enrollments that advanced of those begun and in play; active days per active learner against one per week, at most 1. Window: the period, at least the 28 days up to its end. It needs the first. Unit: 0..100. Sum of the parts known * 100 / parts known. Composite of the hub''s own; its parts are kept. NULL with the reason no_data.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.skill_acquisition_rate IS 'Distinct (employee, skill) taught by courses that ended in the period with evidence (post-assessment at or above its target, else score >= passing_score). A completion without evidence is no skill. Unit: %. Pairs with evidence / pairs taught. NULL with the reason not_reported_by_source or no_data or below_minimum_group.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.certification_achievement_rate IS 'Of the enrollments in play in courses that lead to a certificate and that ended in the period: Certified at any time up to the end of the period. Unit: %. Certified / ended. NULL with the reason not_reported_by_source or no_data.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.compliance_training_completion IS 'Required pairs (employee, requirement) with a valid completion on the last day. A stock, not a flow; basis of its parts says requirements, or enrolled where no requirement rule exists: then a pair is an employed person and a course of compliance training in which they have an enrollment that was not dropped, however many cycles it has; people who were never enrolled are invisible. Unit: %. Pairs with a valid completion / required pairs. NULL with the reason no_data.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.learning_effectiveness_score IS 'Mean of the known levels: 1 normalised reaction, 2 mean score percent of scored completions, 3 application rate, 4 share with a better rating. It needs level 2 or 3; effectiveness.levels of additional_metrics lists which. Unit: 0..100. Sum of the levels known / levels known. Composite of the hub''s own; its parts are kept. NULL with the reason no_data or no_input_event or below_minimum_group.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.instructor_performance_score IS 'Mean normalised rating of questions about instructors in evaluations handed in during the period, at least 5 of them. Pass rates are never a stand-in. Unit: %. Sum of the normalised ratings / ratings. NULL with the reason no_input_event or below_minimum_group.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.content_utilization_rate IS 'Courses with an active learner in the period, of the courses in the catalog that were not retired on any day of it. An instructor has no catalog. Unit: %. Courses with an active learner / courses in the catalog. NULL with the reason not_reported_by_source or not_applicable.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.learning_cost_per_employee IS 'Cost of the enrollments registered in the period and costs recorded for it, by days, per head. Direct cost only, no working time. A source that gives no cost is not a cost of 0. Unit: company currency. Direct cost in the company''s currency / mean of the headcount at start and end. NULL with the reason not_reported_by_source or no_input_event or no_data or mixed_currency or capped.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.roi_analysis IS 'Return on learning: recorded and approved benefits (amount * share credited to learning * confidence) against the cost of the same courses. Benefits are never estimated by the hub. May be negative. Unit: %. Benefit - cost / cost. NULL with the reason no_input_event or capped.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.additional_metrics IS 'definition_version, as_of, positions, parts, reasons; on_hold, failed, expired, left, waived; flow {registered, started, completed, certified, lapsed}; people {headcount, enrolled, active, reach_rate}; completion_rate_12m, on_time_completion_rate; overdue, expiring_30, expiring_60, expiring_90; first_attempt_pass_rate, attempts_mean; hours_per_learner, nominal_hours, days_to_complete; freshness per source. Unit: JSON. 0 where there was none.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.trend_data IS 'The rows of the twelve periods before, of the same subject: date and the ten main figures (the counts, learning hours, average completion time, completion, compliance and certification rates); change to the previous and to the same period a year ago (of a week: 52 weeks ago). Unit: JSON. 0 where there was none.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.department_breakdown IS 'Per department: people, total, active, completed, overdue, completion rate, compliance completion, hours. Sums of counts equal the row; no department is a line. A person counts once, in the department of the last day on which one of their enrollments counts. Unit: JSON. 0 where there was none.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.course_type_breakdown IS 'The same per course_type, and the ten courses with most and least completion (at least 5 enrollments). Unit: JSON. 0 where there was none.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.created_by_user_id IS 'The person who asked for it (Custom); NULL: the clock.';
COMMENT ON COLUMN hub.lms_analytics_dashboard.created_at IS 'When the hub recorded the first event of this row (UTC).';
COMMENT ON COLUMN hub.lms_analytics_dashboard.updated_at IS 'When the hub recorded the last event that changed this row (UTC).';
COMMENT ON COLUMN hub.lms_analytics_dashboard.fold_state IS 'What decisions must know and no column says: times and raw values of the source, cycle, validity. No personal data.';

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

CREATE INDEX lms_account_idx_company_id ON hub.lms_account (company_id);

CREATE INDEX lms_account_idx_company_id_custom_identifier ON hub.lms_account (company_id, custom_identifier);

CREATE INDEX lms_account_idx_company_id_email ON hub.lms_account (company_id, email);

CREATE INDEX lms_account_idx_company_id_hr_number ON hub.lms_account (company_id, hr_number);

CREATE INDEX lms_account_idx_company_id_login_name ON hub.lms_account (company_id, login_name);

CREATE INDEX lms_account_idx_employee_id ON hub.lms_account (employee_id);

CREATE INDEX lms_account_idx_lms_integration_id ON hub.lms_account (lms_integration_id);
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

CREATE INDEX lms_audit_trail_idx_action ON hub.lms_audit_trail (action);

CREATE INDEX lms_audit_trail_idx_audit_type ON hub.lms_audit_trail (audit_type);

CREATE INDEX lms_audit_trail_idx_company_id ON hub.lms_audit_trail (company_id);

CREATE INDEX lms_audit_trail_idx_data_sensitivity_level ON hub.lms_audit_trail (data_sensitivity_level);

CREATE INDEX lms_audit_trail_idx_enrollment_id ON hub.lms_audit_trail (enrollment_id);

CREATE INDEX lms_audit_trail_idx_entity_type ON hub.lms_audit_trail (entity_type);

CREATE INDEX lms_audit_trail_idx_lms_integration_id ON hub.lms_audit_trail (lms_integration_id);

CREATE INDEX lms_audit_trail_idx_performed_by_user_id ON hub.lms_audit_trail (performed_by_user_id);

CREATE INDEX lms_audit_trail_idx_risk_level ON hub.lms_audit_trail (risk_level);

CREATE INDEX lms_audit_trail_idx_timestamp ON hub.lms_audit_trail (timestamp);

CREATE INDEX lms_audit_trail_own_entity ON hub.lms_audit_trail (entity_id) WHERE enrollment_id IS NULL;
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

CREATE INDEX lms_learning_progress_idx_company_id ON hub.lms_learning_progress (company_id);

CREATE INDEX lms_learning_progress_idx_completion_date ON hub.lms_learning_progress (completion_date);

CREATE INDEX lms_learning_progress_idx_completion_percentage ON hub.lms_learning_progress USING brin (completion_percentage);

CREATE INDEX lms_learning_progress_idx_course_id ON hub.lms_learning_progress (course_id);

CREATE INDEX lms_learning_progress_idx_employee_id ON hub.lms_learning_progress (employee_id);

CREATE INDEX lms_learning_progress_idx_enrollment_id ON hub.lms_learning_progress (enrollment_id);

CREATE INDEX lms_learning_progress_idx_is_mandatory_lesson ON hub.lms_learning_progress (is_mandatory_lesson);

CREATE INDEX lms_learning_progress_idx_lesson_id ON hub.lms_learning_progress (lesson_id);

CREATE INDEX lms_learning_progress_idx_lms_integration_id ON hub.lms_learning_progress (lms_integration_id);

CREATE INDEX lms_learning_progress_idx_progress_status ON hub.lms_learning_progress (progress_status);
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

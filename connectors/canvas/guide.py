"""What the page of the Canvas connector tells; the connection test and the tests take their lines from here."""

from __future__ import annotations

from typing import Final

from connectors.guide import Fill, Guide, Permission

ENROLLMENT, LESSON, ACCOUNT, COURSE = "lms_course_enrollment", "lms_learning_progress", "lms_account", "course"
_SCOPE: Final = "url:GET|/api/v1/"

COURSES: Final = Permission(
    f"{_SCOPE}accounts/:account_id/courses",
    "Admin → account → Permissions: *Courses - view list* for the role of the token's user (an account role).",
    (f"{COURSE}.course_name", f"{ENROLLMENT}.enrollment_status", f"{LESSON}.progress_status"),
)
ENROLLMENTS: Final = Permission(
    f"{_SCOPE}courses/:course_id/enrollments",
    "Admin → account → Permissions: *Users - view list* for the role of the token's user.",
    (f"{ENROLLMENT}.enrollment_status", f"{ENROLLMENT}.enrollment_date", f"{ENROLLMENT}.last_access_date"),
)
PROGRESS: Final = Permission(
    f"{_SCOPE}courses/:course_id/bulk_user_progress",
    "Admin → account → Permissions: *Grades - view all grades* for the role of the token's user.",
    (f"{ENROLLMENT}.progress_percentage", f"{ENROLLMENT}.completion_date"),
    required=False,
)
GRADES: Final = Permission(
    "grades of enrollments",
    "Admin → account → Permissions: *Grades - view all grades* for the role of the token's user.",
    (f"{ENROLLMENT}.score_achieved", f"{ENROLLMENT}.max_score", f"{ENROLLMENT}.grade_achieved"),
    required=False,
)
SIS: Final = Permission(
    "SIS data",
    "Admin → account → Permissions: *SIS Data - read* for the role of the token's user.",
    (f"{ACCOUNT}.hr_number",),
    required=False,
)
LOGINS: Final = Permission(
    "login ids",
    "Admin → account → Permissions: *Users - view login IDs* for the role of the token's user.",
    (f"{ACCOUNT}.login_name",),
    required=False,
)
EMAIL: Final = Permission(
    f"{_SCOPE}courses/:course_id/users",
    "Admin → account → Permissions: *Users - view primary email address* for the role of the token's user.",
    (f"{ACCOUNT}.email",),
    required=False,
)
SUBMISSIONS: Final = Permission(
    f"{_SCOPE}courses/:course_id/students/submissions",
    "Admin → account → Permissions: *Grades - view all grades* for the role of the token's user.",
    tuple(
        f"{LESSON}.{name}"
        for name in ("progress_status", "completion_date", "score_achieved", "attempts_count", "last_access_date")
    ),
    required=False,
)
MODULES: Final = Permission(
    f"{_SCOPE}courses/:course_id/modules",
    "Admin → account → Permissions: *Course Content - view* for the role of the token's user.",
    (
        f"{COURSE}.lesson_order",
        f"{LESSON}.lesson_name",
        f"{LESSON}.is_mandatory_lesson",
        f"{LESSON}.next_lesson_id",
    ),
    required=False,
)


ASSIGNMENTS: Final = Permission(
    f"{_SCOPE}courses/:course_id/assignments",
    "Admin → account → Permissions: *Course Content - view* for the role of the token's user.",
    (f"{LESSON}.max_score", f"{LESSON}.lesson_name"),
    required=False,
)
ONE_PROGRESS: Final = Permission(
    f"{_SCOPE}courses/:course_id/users/:user_id/progress",
    "Admin → account → Permissions: *Grades - view all grades* for the role of the token's user.",
    (f"{ENROLLMENT}.completion_date",),
    required=False,
)


def _fill(table: str, *lines: tuple[str, str, str]) -> tuple[Fill, ...]:
    return tuple(Fill(f"{table}.{column}", source, note) for column, source, note in lines)


_STATUS_NOTE: Final = (
    "invited → Not Started; active → In Progress with any activity; all requirements done → Completed; inactive → On Hold; "
    "deleted or rejected → Dropped; concluded before all was done → Expired, or Failed below the pass mark"
)

GUIDE: Final = Guide(
    title="Canvas",
    promise=(
        "The connector reads one account of a Canvas over its REST API (`/api/v1`): its courses and, in each, all "
        "enrollments as a student in every state, the progress of the roster, the submissions, the modules and the users. "
        "Canvas tells no changes but of submissions; so each run reads all enrollments, and submissions since the last run."
    ),
    steps=(
        "In Canvas, choose the user for whom the hub reads: one of their own, with an account role that has the rights below.",
        "Give the hub a token, either by hand (Account → Settings → *New Access Token*) or by a developer key (Admin → "
        "Developer Keys → *API Key*). If the key enforces scopes, add each `url:GET|…` of the table below.",
        "In the hub, add the integration with `lms_type` Canvas and `integration_method` API; `api_endpoint_url` is "
        "`https://<your Canvas>/api/v1`.",
        "A token made by hand: `authentication_type` API Key with `api_key`. A developer key: OAuth 2.0 with `client_id`, "
        "`client_secret` and `refresh_token`; tokens are renewed at `/login/oauth2/token` of the same host.",
        "Set `account_id` if the courses lie in a sub-account, and `passing_score` if courses have a pass mark.",
        "Run `hub integrations test`, then `hub sync --full` once.",
    ),
    permissions=(
        COURSES,
        ENROLLMENTS,
        PROGRESS,
        ONE_PROGRESS,
        GRADES,
        SIS,
        LOGINS,
        EMAIL,
        SUBMISSIONS,
        MODULES,
        ASSIGNMENTS,
    ),
    fills=(
        *_fill(
            ENROLLMENT,
            ("course_id", "course `id`", "a global id counts as the local one: modulo 10^13"),
            ("course_name", "course `name`", "a new name is taken by the enrollments too"),
            ("course_code", "course `course_code`", ""),
            ("enrollment_status", "`enrollment_state`, progress, grades", _STATUS_NOTE),
            ("enrollment_date", "`created_at`", "the earliest section that the learner is still in"),
            (
                "start_date",
                "`last_activity_at`",
                "the day of the earliest activity that the hub saw; Canvas keeps only the last",
            ),
            ("end_date", "`end_at`", "the latest of all sections; none where one of them has no end"),
            ("completion_date", "progress `completed_at`", "its day in the company's time zone"),
            (
                "progress_percentage",
                "`requirement_completed_count` ÷ `requirement_count`",
                "empty where the course has no requirements; an excused submission can raise it",
            ),
            (
                "score_achieved",
                "`grades.final_score` once it is over, else `grades.current_score`",
                "`override_score` stands above the final score",
            ),
            ("max_score", "100", "scores of enrollments are percentages; a bonus may lift them above 100"),
            ("passing_score", "the setting `passing_score`", "Canvas has none"),
            ("grade_achieved", "`grades.final_grade`, else `grades.current_grade`", "the first 10 characters"),
            ("time_spent_minutes", "`total_activity_time`", "of all sections"),
            ("last_access_date", "`last_activity_at`", "not `last_attended_at`, which a teacher types in"),
        ),
        *_fill(
            LESSON,
            ("lesson_id", "`assignment_id`", "also of quizzes and graded discussions"),
            ("lesson_name", "module item `title`", "the assignment's `name` where it stands in no module"),
            ("lesson_type", "module item `type`", "else by the assignment, else by the kind of submission"),
            (
                "progress_status",
                "submission `workflow_state`",
                "unsubmitted → Not Started; submitted, pending_review → In Progress; graded → Completed, or Failed below "
                "`min_score`; `excused` → Skipped",
            ),
            ("completion_date", "`graded_at`", ""),
            ("score_achieved", "`score`", "in points"),
            ("max_score", "assignment `points_possible`", "told with a score"),
            ("attempts_count", "`attempt`", ""),
            ("assessment_results", "`attempt`, `submitted_at`, `score`", "each attempt that a run has seen"),
            ("first_access_date", "`submitted_at`", "of the first attempt"),
            ("last_access_date", "`submitted_at`", ""),
            ("completion_percentage", "`workflow_state`", "100 when graded; Canvas tells nothing in between"),
            ("is_mandatory_lesson", "`completion_requirement`", "of items of the modules"),
            ("next_lesson_id", "`position` of modules and items", "of items of the modules"),
        ),
        *_fill(
            ACCOUNT,
            ("hr_number", "`sis_user_id`, else `integration_id`", "the first key by which an employee is looked for"),
            ("email", "`email` of the course's users", ""),
            ("login_name", "`login_id`", ""),
            ("display_name", "`name`", ""),
        ),
        *_fill(
            COURSE,
            ("course_id", "`id`", ""),
            ("course_name", "`name`", ""),
            ("course_code", "`course_code`", ""),
            ("lesson_order", "modules and their items", "headings are left out"),
        ),
    ),
    lacks=(
        (
            f"{ENROLLMENT}.course_type",
            "known only where the course has a format: `course_format` online, on_campus or blended.",
        ),
        (f"{ENROLLMENT}.due_date", "only assignments have due dates."),
        (f"{ENROLLMENT}.completion_certificate_url", "Canvas issues no certificates; badges are another product."),
        (f"{ENROLLMENT}.credits_earned", "Canvas counts no credits."),
        (f"{ENROLLMENT}.cost_amount", "Canvas knows no prices."),
        (f"{ENROLLMENT}.instructor_id", "teachers belong to a section, not to an enrollment."),
        (f"{ENROLLMENT}.is_mandatory", "set it by a requirement of the hub."),
        (f"{ENROLLMENT}.enrollment_source", "Canvas does not tell by whom somebody was enrolled."),
        (f"{ENROLLMENT}.total_access_count", "Canvas counts time, not sessions."),
        (f"{LESSON}.time_spent_seconds", "Canvas measures time per course."),
        (f"{LESSON}.prerequisites_completed", "it would take one request per learner and module."),
        (f"{LESSON}.feedback_data", "comments on submissions are not read."),
        (f"{COURSE}.validity_days", "Canvas has no validity; enter it in the hub."),
        (f"{COURSE}.skills", "Canvas has no skills in its API of courses."),
    ),
    notes=(
        "A learner in several sections of a course has one enrollment in the hub. As long as one of the sections stands, it stands.",
        "Lessons are what can be submitted: assignments, quizzes, graded discussions. Pages and files of the modules stand in "
        "the course's lesson order, but what each learner has opened Canvas tells one learner at a time, so it is not read.",
        "Between full passes only submissions that were handed in or graded since are asked for: what nobody has handed in yet, "
        "and the lessons of somebody who came back, appear with the next full pass.",
        "Concluded in Canvas does not mean finished by the learner: Completed is only whoever has done all requirements.",
        "The roster's progress may leave out who is held or concluded. They are asked for one by one: in a full pass each of them, "
        "else those that have changed since.",
        "Canvas answers by the cost of requests. One that is throttled (429, or 403 *Rate Limit Exceeded*) is asked again after "
        "growing pauses and counted as throttled.",
        "A course whose enrollments the token may not read is kept as one rejected record; nothing of it is taken for gone.",
        "An end of access that is taken back in Canvas stays in `end_date` until another one is set.",
    ),
)

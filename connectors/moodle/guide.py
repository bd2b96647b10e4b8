"""What the page of the Moodle connector tells; the connection test and the tests take their lines from here."""

from __future__ import annotations

from typing import Final

from connectors.guide import Fill, Guide, Permission
from connectors.moodle import functions

ENROLLMENT, LESSON, ACCOUNT, COURSE = "lms_course_enrollment", "lms_learning_progress", "lms_account", "course"
_SERVICE: Final = "Site administration → Server → Web services → External services → the service → Functions: add it."
_ROLE: Final = "Site administration → Users → Permissions → Define roles → the role of the token's user: allow "


def _columns(table: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{table}.{name}" for name in names)


_SCORES: Final = (
    *_columns(ENROLLMENT, "score_achieved", "max_score", "passing_score"),
    *_columns(LESSON, "score_achieved", "max_score", "last_access_date", "feedback_data"),
)

SITE_INFO: Final = Permission(functions.SITE_INFO, _SERVICE, ())
COURSES: Final = Permission(
    functions.COURSES,
    f"{_SERVICE} {_ROLE}`moodle/course:view` and, for hidden courses, `moodle/course:viewhiddencourses`.",
    _columns(COURSE, "course_name", "course_code"),
)
ENROLLED: Final = Permission(
    functions.ENROLLED,
    f"{_SERVICE} {_ROLE}`moodle/course:viewparticipants`.",
    _columns(ENROLLMENT, "enrollment_status", "enrollment_date", "instructor_id", "instructor_name"),
)
COURSES_OF_USER: Final = Permission(
    functions.COURSES_OF_USER,
    f"{_SERVICE} {_ROLE}`moodle/user:viewdetails`.",
    _columns(ENROLLMENT, "progress_percentage", "completion_date"),
)
CONTENTS: Final = Permission(
    functions.CONTENTS,
    f"{_SERVICE} {_ROLE}`moodle/course:view` and `moodle/course:viewhiddenactivities`.",
    (
        *_columns(COURSE, "lesson_order", "leads_to_certificate"),
        *_columns(LESSON, "lesson_name", "next_lesson_id", "is_mandatory_lesson"),
    ),
    required=False,
)
ACTIVITIES: Final = Permission(
    functions.ACTIVITIES,
    f"{_SERVICE} {_ROLE}`report/progress:view`.",
    _columns(LESSON, "progress_status", "completion_date", "first_access_date", "completion_percentage"),
    required=False,
)
COMPLETION: Final = Permission(
    functions.COMPLETION,
    f"{_SERVICE} {_ROLE}`report/completion:view`. Without it a completion has the day on which the hub first saw it.",
    (),
    required=False,
)
GRADES: Final = Permission(
    functions.GRADES,
    f"{_SERVICE} {_ROLE}`gradereport/user:view` and `moodle/grade:viewall`.",
    _SCORES,
    required=False,
)
CERTIFICATES: Final = Permission(
    functions.CERTIFICATES,
    f"Install the plugin mod_customcert 4.4.10, 5.0.4, 5.2.2 or later. {_SERVICE} "
    f"{_ROLE}`mod/customcert:viewallcertificates`. Without it nobody is Certified.",
    (),
    required=False,
)
ACTIVE: Final = Permission(
    "moodle/course:enrolreview",
    f"{_ROLE}it. Without it nobody is On Hold, since who is suspended cannot be told.",
    (),
    required=False,
)
HIDDEN: Final = Permission(
    "moodle/user:viewhiddendetails",
    f"{_ROLE}it, or Site administration → Users → Permissions → User policies → Hide user fields: take *Last access* out.",
    _columns(ENROLLMENT, "last_access_date"),
    required=False,
)
NUMBER: Final = Permission(
    "moodle/site:viewuseridentity (ID number)",
    "Site administration → Users → Permissions → User policies → Show user identity: tick *ID number*. "
    f"{_ROLE}`moodle/site:viewuseridentity`.",
    _columns(ACCOUNT, "hr_number"),
    required=False,
)
EMAIL: Final = Permission(
    "moodle/site:viewuseridentity (Email address)",
    "Site administration → Users → Permissions → User policies → Show user identity: tick *Email address*. "
    f"{_ROLE}`moodle/site:viewuseridentity`.",
    _columns(ACCOUNT, "email"),
    required=False,
)

FUNCTIONS: Final = (
    SITE_INFO, COURSES, ENROLLED, COURSES_OF_USER, CONTENTS, ACTIVITIES, COMPLETION, GRADES, CERTIFICATES,
)  # fmt: skip
"""Rights that are functions of the token's service; the others are capabilities."""


def _fills(table: str, *lines: tuple[str, str, str]) -> tuple[Fill, ...]:
    return tuple(Fill(f"{table}.{column}", source, note) for column, source, note in lines)


_ROSTER, _STANDING = f"`{functions.ENROLLED}`", f"`{functions.COURSES_OF_USER}`"
_STATES, _GRADES, _CONTENTS = f"`{functions.ACTIVITIES}`", f"`{functions.GRADES}`", f"`{functions.CONTENTS}`"
_LIST, _ISSUES, _CRITERIA = f"`{functions.COURSES}`", f"`{functions.CERTIFICATES}`", f"`{functions.COMPLETION}`"

GUIDE: Final = Guide(
    title="Moodle",
    promise=(
        "The connector reads a Moodle over its web services (REST, JSON): the courses that the token's user sees, in each "
        "all enrolled users with progress, completion and grades, the activities of each learner as lessons, and "
        "certificates of the plugin mod_customcert. It only reads. Moodle cannot say what has changed, so every run reads "
        "all courses and all their learners; activities and dates of completion, which take a request for each learner "
        "and course, are read in a full sync of everybody, else of those who were in the course, or got a grade, since "
        "the last sync."
    ),
    steps=(
        "Moodle: Site administration → Advanced features: enable web services. Site administration → Server → Web services "
        "→ Manage protocols: enable REST.",
        "Moodle: make a user for the hub and a role with the capabilities below; assign it in the system context.",
        "Moodle: Site administration → Server → Web services → External services: add a service for authorised users only, "
        "put the functions below into it, and authorise the user.",
        "Moodle: Site administration → Server → Web services → Manage tokens: make a token of that user for that service.",
        "Hub: add an integration with `lms_type` Moodle, `integration_method` API, `api_endpoint_url` the address of the "
        "site (above `/webservice/rest/server.php`), `authentication_type` API Key and the token as `api_key`.",
        "Hub: set `rate_limit_per_hour` to what the site bears. A first sync takes about one request per learner and one "
        "per learner and course.",
        "Hub: `hub integrations test`, then `hub sync`.",
    ),
    permissions=(*FUNCTIONS, ACTIVE, HIDDEN, NUMBER, EMAIL),
    fills=(
        *_fills(
            ENROLLMENT,
            ("course_id", f"{_LIST} `id`", ""),
            ("course_name", f"{_LIST} `fullname`", ""),
            ("course_code", f"{_LIST} `shortname`", ""),
            ("course_type", "the custom course field of the setting `course_type_field`", "only with that setting"),
            (
                "enrollment_status",
                f"{_ROSTER} with and without `onlyactive`, {_STANDING}, {_STATES}, {_GRADES}, {_ISSUES}",
                "`completed` → Completed; with a total below the pass mark or a mandatory activity failed, also where all "
                "tracked activities are done → Failed; not active → On Hold; no longer on the list → Dropped; any progress "
                "or access → In Progress; a certificate → Certified",
            ),
            ("enrollment_date", "first sync that saw the learner in the course", "Moodle does not tell it"),
            ("start_date", f"{_STANDING} `lastaccess`, {_STATES} `timecompleted`", "the earliest seen"),
            (
                "completion_date",
                f"{_CRITERIA} `completions[].timecompleted`",
                "the latest of them; Moodle has no single field",
            ),
            ("progress_percentage", f"{_STANDING} `progress`", "NULL where completion tracking is off"),
            ("score_achieved", f"{_GRADES} `graderaw` of the item type course", "rescaled above 999.99"),
            ("max_score", f"{_GRADES} `grademax` of the item type course", ""),
            ("passing_score", "the setting `passing_score`, on the scale of the course", "only with that setting"),
            ("instructor_id", f"{_ROSTER} `id` of who has a role of `instructor_roles`", "of several, the lowest"),
            ("instructor_name", f"{_ROSTER} `fullname` of the same", ""),
            ("last_access_date", f"{_ROSTER} `lastcourseaccess`, {_STANDING} `lastaccess`", "of the course"),
            ("is_mandatory", "the custom course field of the setting `mandatory_field`", "only with that setting"),
            (
                "is_compliance_training",
                "the custom course field of the setting `compliance_field`",
                "only with that setting",
            ),
        ),
        *_fills(
            LESSON,
            ("lesson_id", f"{_STATES} `cmid`", "activities whose completion is tracked, or that have a grade"),
            ("lesson_name", f"{_CONTENTS} `name`", ""),
            ("lesson_type", f"{_CONTENTS} `modname`", "NULL for SCORM, H5P and external tools, which may be anything"),
            (
                "progress_status",
                f"{_STATES} `state`",
                "0 Not Started (In Progress where it was begun, or a completion was taken back), 1 and 2 Completed, "
                "3 and 4 Failed",
            ),
            ("completion_date", f"{_STATES} `timecompleted`", "only where `state` is not 0"),
            ("completion_percentage", f"{_STATES} `state`", "100 when Completed"),
            ("score_achieved", f"{_GRADES} `graderaw` of the item type mod", ""),
            ("max_score", f"{_GRADES} `grademax` of the item type mod", ""),
            ("first_access_date", f"{_STATES} `timecompleted`, {_GRADES} `gradedatesubmitted`", "the earliest seen"),
            ("last_access_date", f"{_GRADES} `gradedatesubmitted`", "the last submission"),
            ("feedback_data", f"{_GRADES} `feedback`", "without markup"),
            ("next_lesson_id", f"{_CONTENTS}", "by the order of the course"),
            (
                "is_mandatory_lesson",
                f"{_CRITERIA} `completions[].details.criteria`, {_CONTENTS} `completion`",
                "the completion of the course depends on it; where no criterion names an activity, it is tracked",
            ),
        ),
        *_fills(
            COURSE,
            ("course_name", f"{_LIST} `fullname`", ""),
            ("course_code", f"{_LIST} `shortname`", ""),
            ("course_type", "the custom course field of the setting `course_type_field`", "one of the hub's types"),
            ("skills", "the custom course field of the setting `skills_field`", "separated by commas"),
            ("validity_days", "the custom course field of the setting `validity_days_field`", ""),
            ("leads_to_certificate", f"{_CONTENTS} `modname` customcert", ""),
            ("lesson_order", f"{_CONTENTS}", ""),
            ("is_mandatory", "the custom course field of the setting `mandatory_field`", ""),
            ("is_compliance_training", "the custom course field of the setting `compliance_field`", ""),
            ("retired_at", f"{_LIST} `visible` 0", "a hidden course is not offered"),
        ),
        *_fills(
            ACCOUNT,
            ("native_id", f"{_ROSTER} `id`", "sealed, as all of an account"),
            ("display_name", f"{_ROSTER} `fullname`", ""),
            ("login_name", f"{_ROSTER} `username`", ""),
            ("email", f"{_ROSTER} `email`", ""),
            ("hr_number", f"{_ROSTER} `idnumber`", "the first key to the employee"),
            (
                "custom_identifier",
                f"{_ROSTER} `customfields[]` of the setting `employee_field`",
                "only with that setting",
            ),
        ),
    ),
    lacks=(
        (f"{ENROLLMENT}.end_date", "the end of an enrollment is not told; a course's own end date ends no access"),
        (f"{ENROLLMENT}.due_date", "a course has no deadline of completion"),
        (f"{ENROLLMENT}.time_spent_minutes", "time is only in Moodle's logs"),
        (f"{ENROLLMENT}.grade_achieved", "letters depend on the site's own scales"),
        (f"{ENROLLMENT}.completion_certificate_url", "certificates are behind a login"),
        (f"{ENROLLMENT}.credits_earned", "Moodle has no credits"),
        (f"{ENROLLMENT}.cost_amount", "the price of an enrollment is not told"),
        (f"{ENROLLMENT}.currency_code", "the price of an enrollment is not told"),
        (f"{ENROLLMENT}.enrollment_source", "the method of an enrollment is not told"),
        (f"{ENROLLMENT}.auto_enrollment", "the method of an enrollment is not told"),
        (f"{ENROLLMENT}.learning_path_id", "Moodle has no learning paths"),
        (f"{ENROLLMENT}.prerequisite_courses", "not told by the functions that are read"),
        (f"{ENROLLMENT}.next_courses", "Moodle has no recommended courses"),
        (f"{ENROLLMENT}.total_access_count", "sessions are only in Moodle's logs"),
        (f"{LESSON}.time_spent_seconds", "time is only in Moodle's logs"),
        (f"{LESSON}.attempts_count", "attempts are not told by the functions that are read"),
        (f"{LESSON}.assessment_results", "attempts are not told by the functions that are read"),
        (f"{LESSON}.interaction_data", "answers are not told by the functions that are read"),
        (f"{LESSON}.bookmark_data", "not told"),
        (f"{LESSON}.prerequisites_completed", "restrictions of access are told to the learner alone"),
        (f"{COURSE}.course_category", "the list of courses names categories by number only"),
        (f"{COURSE}.nominal_minutes", "Moodle does not plan time"),
        (f"{COURSE}.version", "Moodle does not count versions of a course"),
    ),
    notes=(
        "A course that cannot be read costs itself alone: it is in the rejected records with Moodle's error code, and "
        "nobody in it is taken for gone.",
        "Who has only roles that are not in `learner_roles` is counted as stored.",
        "Moodle's times are whole seconds of its own clock. All that a run reads is told as of the second in which the run "
        "began, so that a change that comes meanwhile never looks older.",
        "Grades of a course are asked for in one request where they are at most 10,000, else for each learner whose "
        "activities are read.",
        "A completion that Moodle's cron finds more than a day after the learner was last in the course, and a reset that "
        "touches neither access nor grade, are dated by the sync that sees them, or seen by the next full sync.",
        "`field_mappings` and rules see `user` (the enrolled user), `standing` (the course among the user's own), `course` "
        "and, for a lesson, `activity` and `grade`, each as Moodle wrote it.",
        "A deleted account, course or enrollment is found by a full sync.",
    ),
)

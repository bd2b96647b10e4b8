"""The web service functions that are asked; each only reads."""

from __future__ import annotations

from typing import Final

SITE_INFO: Final = "core_webservice_get_site_info"
COURSES: Final = "core_course_get_courses"
ENROLLED: Final = "core_enrol_get_enrolled_users"
COURSES_OF_USER: Final = "core_enrol_get_users_courses"
CONTENTS: Final = "core_course_get_contents"
ACTIVITIES: Final = "core_completion_get_activities_completion_status"
COMPLETION: Final = "core_completion_get_course_completion_status"
GRADES: Final = "gradereport_user_get_grade_items"
CERTIFICATES: Final = "mod_customcert_list_issues"

"""Canvas LMS over its REST API: courses, enrollments, progress and submissions of one account."""

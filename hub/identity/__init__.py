"""Identity: which employee an LMS account belongs to, and that its enrollments say the same."""

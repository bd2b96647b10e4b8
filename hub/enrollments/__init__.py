"""Acts on enrollments that come from people, reactors and the clock instead of an LMS."""

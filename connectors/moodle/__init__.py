"""Moodle over its web services: courses, enrolled users, completion, grades and certificates of one site."""

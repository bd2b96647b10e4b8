"""Scheduling: when each integration is pulled, probed or left alone, and the threads that do it."""

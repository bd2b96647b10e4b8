"""Rebuilding the read tables beside live traffic, comparing them with their log, repairing and rolling back."""

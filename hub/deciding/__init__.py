"""Deciding: observations and commands become events.

One decision yields at most one event; the log decides who was first. What lost a race is void and is decided again on
the newer state. Deciding the same thing again gives the same event id, so nothing is told twice.
"""

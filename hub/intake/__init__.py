"""Intake: a run takes source records in, publishes what was seen, and accounts for every one of them."""

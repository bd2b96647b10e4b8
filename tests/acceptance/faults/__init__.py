"""The fault suite: whatever befalls a hub's processes and what they rest on, its tables are those of a quiet run.

``make test`` runs one round of the kill and restart faults; what is marked ``faults`` runs with ``make test-faults``.
"""

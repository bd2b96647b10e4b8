"""The audit trail as proof: seals over the chain of the log, verification, exports, evidence, and who did what."""

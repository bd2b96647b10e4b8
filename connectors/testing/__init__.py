"""Fakes and the suite that every API connector passes: a hostile server on loopback, a small LRS, time without waiting.

They are part of the package, so that a connector that is written elsewhere can be held against the same suite.
"""

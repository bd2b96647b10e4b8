"""xAPI 1.0.3 and 2.0: what a statement must look like, whom and what it is about, and how files of statements are read.

Everything here is pure: no clock, no network, no database. Modules, in the order in which a statement meets them:
``read_file`` (bytes to statements), ``formats`` (values), ``validate`` (the rules), ``actor``, ``verbs`` and
``activity_types`` (meaning), ``digest`` (identity).
"""

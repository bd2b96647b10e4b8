"""The embedded PostgreSQL: the database the hub starts by itself when it is given none.

``embedded`` is the way in; ``watcher`` is the process that owns the server; ``server`` runs the binaries of the
wheel, as the account that ``account`` chooses; ``folder`` says what lies where under ``HUB_HOME/postgres``.
"""

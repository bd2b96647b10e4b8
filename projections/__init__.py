"""Read tables in PostgreSQL, and the engine that folds the event log into them."""

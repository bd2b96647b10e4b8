"""The event log: a port, its adapters on PostgreSQL, Kafka and memory, and how events are written as bytes."""

"""The worker of the Kafka log: Faust hosts folding and deciding, any number of processes share the partitions."""

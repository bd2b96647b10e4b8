"""The fold engine: takes records of the log in batches and makes rows of them, exactly once."""

"""Questions about a day in the past, and putting facts right without deleting any."""

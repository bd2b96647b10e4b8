"""A second set of the read tables beside the live ones: made, loaded, compared row for row, and put in their place."""

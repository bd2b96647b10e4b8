"""One module per revision, and beside it the SQL that it runs; a released one never changes."""

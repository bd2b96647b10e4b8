"""Recording computed figures: as events, where a value differs, with the periods that they close and restate."""

"""Dead letters: what could not be taken in (rejected) or folded (parked), and what people and the hub do about it."""

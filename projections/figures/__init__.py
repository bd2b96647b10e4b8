"""Computed figures: each one's definition, and the computations that give the rows of the tables of figures."""

"""Connectors: one module or folder per learning management system or standard, each turning its wire format into observations."""

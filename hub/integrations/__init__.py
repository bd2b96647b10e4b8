"""Integrations: their configuration, their runs, and the choice of their connector."""

"""The domain: events, observations and decisions. Pure: no clock, no driver, no framework but pydantic."""

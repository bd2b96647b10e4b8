"""The hub: an event-sourced integration between an HR system and its learning management systems."""

__version__ = "0.1.0"

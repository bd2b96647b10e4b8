"""All event types. Importing this package declares them."""

from hub.domain.events import directory, integration, learning, raw
from hub.domain.events.base import Declared, Event, Wire, all_types

__all__ = ["Declared", "Event", "Wire", "all_types", "directory", "integration", "learning", "raw"]

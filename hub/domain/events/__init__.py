"""All event types. Importing this package declares them."""

from hub.domain.events import directory, figures, integration, learning, raw
from hub.domain.events.base import Declared, Event, Wire, all_types

__all__ = ["Declared", "Event", "Wire", "all_types", "directory", "figures", "integration", "learning", "raw"]

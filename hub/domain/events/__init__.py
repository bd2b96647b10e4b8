"""All event types. Importing this package declares them."""

from hub.domain.events import audit, deadletters, directory, figures, integration, learning, projections, raw
from hub.domain.events.base import Declared, Event, Wire, all_types

__all__ = [
    "Declared",
    "Event",
    "Wire",
    "all_types",
    "audit",
    "deadletters",
    "directory",
    "figures",
    "integration",
    "learning",
    "projections",
    "raw",
]

"""Fixtures that several test files share; they are defined in tests/support."""

from tests.support.pg_scene import bare_scene, scene, with_tables
from tests.support.rebuilding import filled_database, hub

__all__ = ["bare_scene", "filled_database", "hub", "scene", "with_tables"]

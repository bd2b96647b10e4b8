"""Fixtures that several test files share; they are defined in tests/support."""

from tests.support.pg_scene import bare_scene, scene, with_tables

__all__ = ["bare_scene", "scene", "with_tables"]

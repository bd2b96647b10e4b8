"""All routes of the fake Canvas, and those that tell what the token may do."""

from __future__ import annotations

import re
from typing import Final

from connectors.testing.canvas_gate import not_found
from connectors.testing.canvas_items import ItemRows
from connectors.testing.canvas_learning import LearningRoutes
from connectors.testing.canvas_people import EnrollingRoutes, PeopleRoutes
from connectors.testing.canvas_places import Places, Route, every
from connectors.testing.server import Asked
from connectors.testing.world import World

PERMISSIONS: Final = frozenset(
    {
        "read_course_list",
        "read_roster",
        "view_all_grades",
        "read_sis",
        "read_email_addresses",
        "view_user_logins",
        "manage_students",
    }
)
"""All that can lack."""
READER: Final = {
    "id": 900,
    "name": "Hub Reader",
    "short_name": "Hub Reader",
    "sortable_name": "Reader, Hub",
    "locale": None,
}


class Routes(Places):
    """``most_items``: modules with more come without their items."""

    def __init__(self, world: World, rows: ItemRows, lacking: frozenset[str], most_items: int) -> None:
        super().__init__(world, rows, lacking)
        self.table = [
            Route("GET", "/users/self", lambda asked, at: READER),  # noqa: ARG005
            Route("GET", "/accounts/:account_id/permissions", self._permissions),
            Route("GET", "/courses/:course_id/permissions", self._permissions),
            *PeopleRoutes(world, rows, lacking).routes(),
            *LearningRoutes(world, rows, lacking, most_items).routes(),
            *EnrollingRoutes(world, rows, lacking).routes(),
        ]

    def find(self, asked: Asked) -> tuple[Route, re.Match[str]]:
        """The route of a request. Raises CanvasError where there is none."""
        for route in self.table:
            if route.method == asked.method and (at := route.pattern.fullmatch(asked.path)):
                return route, at
        raise not_found()

    def _permissions(self, asked: Asked, at: re.Match[str]) -> dict[str, bool]:  # noqa: ARG002
        return {name: name in PERMISSIONS - self.lacking for name in every(asked, "permissions") or sorted(PERMISSIONS)}

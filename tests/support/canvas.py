"""A small Canvas that serves lists made by hand, page by page, and rows to put into them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.canvas.connector import CanvasConnector
from connectors.contract import Check, Item, Pull
from connectors.observe import Observer
from connectors.testing.server import Asked, HostileServer, Reply, json_reply
from connectors.testing.waiting import ClearSealer, FakeTime
from hub.domain.integration_config import IntegrationConfig

CONFIG = IntegrationConfig(
    id="11111111-1111-5111-8111-111111111111",
    company_id="22222222-2222-5222-8222-222222222222",
    lms_code="canvas",
    lms_name="Canvas",
    lms_type="Canvas",
    integration_method="API",
    authentication_type="API Key",
    credentials={"api_key": "kept-secret"},
    rate_limit_per_hour=100_000,
)
Lists = dict[str, Any]
"""Path below ``/api/v1/`` → its rows, or a Reply."""


@dataclass
class SmallCanvas:
    """Serves ``lists``; what is in none of them is refused as Canvas does."""

    lists: Lists
    page: int = 100
    server: HostileServer = field(init=False)

    def __post_init__(self) -> None:
        self.server = HostileServer(self.answer)

    @property
    def url(self) -> str:
        """The endpoint."""
        return self.server.origin + "/api/v1"

    def answer(self, asked: Asked) -> Reply:
        """A page of a list, with an opaque link to the next one."""
        told = self.lists.get(asked.path.removeprefix("/api/v1/"))
        if told is None:
            return json_reply({"status": "unauthorized", "errors": [{"message": "not allowed"}]}, 403)
        if isinstance(told, Reply):
            return told
        start = int(asked.query.get("page", "opaque0").removeprefix("opaque"))
        rest = start + self.page < len(told)
        link = f'<{self.server.origin}{asked.path}?page=opaque{start + self.page}>; rel="next"' if rest else ""
        return json_reply(told[start : start + self.page], headers={"link": link, "X-Request-Cost": "0.25"})

    def asked(self, ending: str) -> list[Asked]:
        """The requests for paths that end so."""
        return [asked for asked in self.server.asked if asked.path.endswith(ending)]


@contextmanager
def serving(lists: Lists, page: int = 100) -> Iterator[SmallCanvas]:
    """The small Canvas, while it is entered."""
    canvas = SmallCanvas(lists, page)
    with canvas.server:
        yield canvas


def connect(canvas: SmallCanvas, time: FakeTime | None = None, **config: Any) -> CanvasConnector:
    """A connector to it; ``config``: fields of the integration's configuration."""
    chosen = replace(CONFIG, api_endpoint_url=canvas.url, **config)
    return CanvasConnector(chosen, Observer(chosen, ClearSealer()), pace=(time or FakeTime()).pace())


def pulled(connector: CanvasConnector, since: int | None = None, *, full: bool = False) -> list[Item]:
    """All that one pull gives."""
    with closing(connector):
        return list(connector.pull(Pull(since, full, now=FakeTime().micros)))


def found_by(connector: CanvasConnector) -> list[Check]:
    """What its connection test finds."""
    with closing(connector):
        return connector.test()


def facts(items: Sequence[Item], kind: str = "enrollment") -> list[dict[str, Any]]:
    """What was told of enrollments, lessons, accounts or courses, in order."""
    wanted = f"lms.observation.{kind}.v1"
    return [told["facts"] for item in items for told in item.observations if told["type"] == wanted]


def enrollment(number: int = 4711, **more: Any) -> dict[str, Any]:
    """A row of enrollments."""
    row: dict[str, Any] = {
        "id": number,
        "course_id": 565,
        "course_section_id": 598,
        "user_id": 123,
        "sis_user_id": "E1001",
        "type": "StudentEnrollment",
        "enrollment_state": "active",
        "created_at": "2025-02-03T08:00:00Z",
        "updated_at": "2025-03-01T10:15:00Z",
        "start_at": None,
        "end_at": None,
        "last_activity_at": "2025-03-01T10:14:22Z",
        "total_activity_time": 7260,
        "grades": {"current_score": 82.5, "current_grade": "B-", "final_score": 41.25, "final_grade": "F"},
        "user": {"id": 123, "name": "Ada Hale", "login_id": "ahale"},
    }
    return row | more


def progress(user: int = 123, asked: int = 8, done: int = 3, completed_at: str | None = None) -> dict[str, Any]:
    """A row of a roster's progress."""
    told = {"requirement_count": asked, "requirement_completed_count": done, "completed_at": completed_at}
    return {"id": user, "display_name": "Somebody", "progress": told}


def submission(number: int = 355, user: int = 123, **more: Any) -> dict[str, Any]:
    """A row of submissions."""
    row: dict[str, Any] = {
        "assignment_id": number,
        "user_id": user,
        "attempt": 2,
        "score": 17.5,
        "workflow_state": "graded",
        "submitted_at": "2025-02-20T09:00:00Z",
        "graded_at": "2025-02-21T11:00:00Z",
        "grader_id": -12,
        "excused": False,
    }
    return row | more


def course(number: int = 565, **more: Any) -> dict[str, Any]:
    """A row of courses."""
    return {"id": number, "name": "Safety Basics", "course_code": "SAFE-101", "workflow_state": "available", **more}


def lists(
    enrollments: Sequence[Any] = (),
    roster: Sequence[Any] | Reply = (),
    submissions: Sequence[Any] = (),
    modules: Sequence[Any] = (),
    users: Sequence[Any] | Reply = (),
    **more: Any,
) -> Lists:
    """The lists of an account with one course; ``more``: other lists, ``__`` stands for a slash."""
    told: Mapping[str, Any] = {
        "accounts/self/courses": [course()],
        "courses/565/enrollments": list(enrollments),
        "courses/565/bulk_user_progress": roster,
        "courses/565/students/submissions": list(submissions),
        "courses/565/modules": list(modules),
        "courses/565/assignments": [],
        "courses/565/users": users,
    }
    return {**told, **{name.replace("__", "/"): value for name, value in more.items()}}

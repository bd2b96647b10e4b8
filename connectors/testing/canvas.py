"""A fake Canvas: the REST routes that a connector needs, over a living world.

As Canvas does, it pages by opaque links, shows ten rows where nobody asks for more, hides what is dropped unless all states
are asked for, and measures requests by their cost. ``python -m connectors.testing.canvas --help`` runs it as a process.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

import orjson

from connectors.testing import process
from connectors.testing.canvas_gate import Bucket, CanvasError, Throttled, Tokens, in_scope, not_permitted
from connectors.testing.canvas_items import ItemRows
from connectors.testing.canvas_pages import Pages
from connectors.testing.canvas_places import Listed, Route
from connectors.testing.canvas_recorded import Recorded, Shelf
from connectors.testing.canvas_routes import PERMISSIONS, Routes
from connectors.testing.canvas_truth import CanvasTruth, truth_of
from connectors.testing.living import LivingFake
from connectors.testing.server import Asked, Fault, Reply, json_reply
from connectors.testing.world import World

ERROR_SHAPES: Final = (
    {"errors": [{"message": "An error occurred.", "error_code": "internal_server_error"}]},
    {"errors": "something is wrong"},
    {"errors": {"submitted_since": "Invalid datetime for submitted_since"}},
    {"error": "something is wrong"},
    {"message": "something is wrong"},
    {"name": [{"attribute": "name", "type": "too_long", "message": "too_long"}]},
)
"""The bodies that its errors come in."""
IN_BODY: Final = frozenset({"quiz_submissions"})
"""Lists whose next page is named in the body, at ``meta.pagination.next``."""
_COST: Final = 0.05


class FakeCanvas(LivingFake):
    """``lacking``: permissions that the token's user has not (:data:`PERMISSIONS`). ``scopes``: those of a scoped key.
    ``bucket``: how much cost fits, None for no limit; ``leak_per_second``: how fast it leaks; ``cost``: of one request.
    ``throttle_status``: 429 or 403. ``page_limit``: the most rows on a page; may change midway, as :attr:`page_limit`.
    ``most_items``: larger modules come without their items. ``in_body``: lists whose next page is named in the body.
    ``recorded``: answers that are given, where there is one, instead of what the world would tell."""

    def __init__(
        self,
        world: World,
        *,
        token: str = "canvas-secret-token",  # noqa: S107  of a fake
        client: tuple[str, str] = ("10000000000001", "canvas-client-secret"),
        refresh_token: str = "canvas-refresh-secret",  # noqa: S107  of a fake
        lacking: Collection[str] = (),
        scopes: Collection[str] | None = None,
        page_limit: int = 100,
        most_items: int = 25,
        bucket: float | None = None,
        leak_per_second: float = 10.0,
        cost: float = _COST,
        throttle_status: int = 429,
        in_body: Collection[str] = IN_BODY,
        recorded: Iterable[Recorded] = (),
        latency: float = 0.0,
        port: int = 0,
    ) -> None:
        if unknown := set(lacking) - PERMISSIONS:
            raise ValueError(f"It knows no permission {sorted(unknown)}.")
        super().__init__(world, port=port, latency=latency)
        self.token, self.client, self.refresh_token = token, client, refresh_token
        self.lacking, self.scopes, self.cost = frozenset(lacking), scopes, cost
        self.in_body = frozenset(in_body)
        self.tokens = Tokens(token, client, refresh_token, world.clock)
        self.bucket = Bucket(world.clock, bucket, leak_per_second, throttle_status)
        self._pages = Pages(page_limit)
        self._shelf = Shelf(recorded)
        rows = ItemRows(self.lacking, self.told, self.url)
        self._routes = Routes(world, rows, self.lacking, most_items)

    @property
    def token_url(self) -> str:
        """Where tokens are granted."""
        return self.url + "/login/oauth2/token"

    @property
    def page_limit(self) -> int:
        """The most rows on a page."""
        return self._pages.limit

    @page_limit.setter
    def page_limit(self, most: int) -> None:
        self._pages.limit = most

    def repeat_a_page(self) -> None:
        """The next link to a page leads to the page that it stands on."""
        self._pages.repeats += 1

    def expire_tokens(self) -> None:
        self.tokens.expire()

    def scope_names(self) -> list[str]:
        """All scopes that there are, as a key names them."""
        return [f"url:{route.scope}" for route in self._routes.table]

    def error_in_200(self) -> Reply:
        return json_reply(ERROR_SHAPES[0])

    def throttled(self) -> Reply:
        return Throttled(self.bucket.status, {"X-Request-Cost": "0.0", "X-Rate-Limit-Remaining": "0.0"}).reply

    # -- answering ----------------------------------------------------------------------------------------

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/login/oauth2/token":
            return self.tokens.grant(asked) if asked.method == "POST" else json_reply({"error": "invalid_request"}, 400)
        if not asked.path.startswith("/api/v1/"):
            page = b"<!DOCTYPE html><html><body>Page Not Found</body></html>"
            return Reply(404, page, {"Content-Type": "text/html; charset=utf-8"})
        told: dict[str, str] = {}
        try:
            token = self.tokens.check(asked)
            told = self.bucket.pour(token, self.cost)
            if reply := self._shelf.find(asked, self._host(asked)):
                return replace(reply, headers={**reply.headers, **told})
            route, at = self._routes.find(asked)
            in_scope(route.scope, self.scopes)
            if route.needs in self.lacking:
                raise not_permitted()
            with self.world.lock:
                return self._composed(asked, route, at, told)
        except CanvasError as error:
            return Reply(error.reply.status, error.reply.body, {**told, **error.reply.headers})

    def _composed(self, asked: Asked, route: Route, at: re.Match[str], told: dict[str, str]) -> Reply:
        value: Any = route.answer(asked, at)
        if isinstance(value, Listed):
            rows, url, links = self._pages.page(asked, value.source, self._host(asked))
            if value.name in self.in_body:
                value = {value.name: rows, "meta": {"pagination": {"next": url} if url else {}}}
            else:
                value, told = rows, told | links
        if "string-ids" in asked.headers.get("accept", ""):
            value = _with_text_ids(value)
        return Reply(200, orjson.dumps(value), {"Content-Type": "application/json; charset=utf-8", **told})

    def _host(self, asked: Asked) -> str:
        """The address that the client used."""
        return f"http://{asked.headers['host']}" if "host" in asked.headers else self.url

    # -- truth --------------------------------------------------------------------------------------------

    def truth(self) -> Iterator[CanvasTruth]:
        """What it would tell of every learner in every course, the deleted ones too."""
        with self.world.lock:
            found = [truth_of(enrollment, self.told) for enrollment in self.world.enrollments]
        return iter(found)


def failing(status: int, shape: int = 0) -> Fault:
    """An error in one of the :data:`ERROR_SHAPES`."""
    return lambda asked, right: json_reply(ERROR_SHAPES[shape], status)  # noqa: ARG005


def _with_text_ids(value: Any) -> Any:
    """The same with all numbers of things as text."""
    if isinstance(value, list):
        return [_with_text_ids(one) for one in value]
    if isinstance(value, dict):
        return {
            name: str(one) if isinstance(one, int) and (name == "id" or name.endswith("_id")) else _with_text_ids(one)
            for name, one in value.items()
        }
    return value


def main() -> None:
    """Serve till SIGTERM, or till the pipe of the parent closes."""
    process.main("canvas", lambda world, port, latency: FakeCanvas(world, port=port, latency=latency))


if __name__ == "__main__":
    main()

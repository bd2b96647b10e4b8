"""What stands before the fake Canvas's routes: tokens that end after an hour, scopes, and a bucket that leaks."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final
from urllib.parse import parse_qsl

from connectors.testing.server import Asked, Reply, json_reply

TOKEN_SECONDS: Final = 3600
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="canvas-lms"'}


class CanvasError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(str(status))
        self.reply = json_reply(body, status, headers)


def not_found() -> CanvasError:
    """What is asked for does not exist."""
    return CanvasError(404, {"errors": [{"message": "The specified resource does not exist."}]})


def not_permitted() -> CanvasError:
    """The user lacks a permission: 401 without a challenge."""
    text = "user not authorized to perform that action"
    return CanvasError(401, {"status": "unauthorized", "errors": [{"message": text}]})


class Tokens:
    """A token made by hand, good until it is revoked, and tokens that are granted for a refresh token."""

    def __init__(self, by_hand: str, client: tuple[str, str], refresh_token: str, clock: Callable[[], float]) -> None:
        self.by_hand, self.client, self.refresh_token = by_hand, client, refresh_token
        self._clock = clock
        self._good_until: dict[str, float] = {by_hand: float("inf")}
        self._granted = 0

    def expire(self) -> None:
        """No token is good any more."""
        self._good_until.clear()

    def check(self, asked: Asked) -> str:
        """The token of a request. Raises CanvasError, with a challenge, where it is missing or no good."""
        kind, _, token = asked.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            text = "user authorization required"
            raise CanvasError(401, {"status": "unauthenticated", "errors": [{"message": text}]}, _CHALLENGE)
        if self._good_until.get(token, 0) <= self._clock():
            raise CanvasError(401, {"errors": [{"message": "Invalid access token."}]}, _CHALLENGE)
        return token

    def grant(self, asked: Asked) -> Reply:
        """Grant a token for an hour."""
        given = {**asked.query, **dict(parse_qsl(asked.body.decode("utf-8", "replace")))}
        if (given.get("client_id"), given.get("client_secret")) != self.client:
            return json_reply({"error": "invalid_client", "error_description": "unknown client"}, 401, _CHALLENGE)
        if given.get("grant_type") != "refresh_token":
            return json_reply(
                {"error": "unsupported_grant_type", "error_description": "The grant_type is not supported"}, 400
            )
        if given.get("refresh_token") != self.refresh_token:
            return json_reply({"error": "invalid_request", "error_description": "refresh_token not found"}, 400)
        self._granted += 1
        token = f"canvas-granted-secret-{self._granted}"
        self._good_until[token] = self._clock() + TOKEN_SECONDS
        user = {"id": 900, "name": "Hub Reader"}
        return json_reply({"access_token": token, "token_type": "Bearer", "user": user, "expires_in": TOKEN_SECONDS})


class Bucket:
    """Each token has a bucket of cost that leaks. ``size`` None: there is no limit, and nothing is said of one.

    ``status``: 429, or 403 as older installations answer; neither says when to come back.
    """

    def __init__(self, clock: Callable[[], float], size: float | None, leak_per_second: float, status: int) -> None:
        self.size, self.leak_per_second, self.status = size, leak_per_second, status
        self._clock = clock
        self._filled: dict[str, tuple[float, float]] = {}

    def pour(self, token: str, cost: float) -> dict[str, str]:
        """The headers that tell of cost and rest. Raises CanvasError where the bucket is full."""
        headers = {"X-Request-Cost": f"{cost:.4f}"}
        if self.size is None:
            return headers
        now = self._clock()
        level, then = self._filled.get(token, (0.0, now))
        level = max(0.0, level - (now - then) * self.leak_per_second)
        if level + cost > self.size:
            self._filled[token] = (level, now)
            raise Throttled(self.status, {**headers, "X-Rate-Limit-Remaining": f"{self.size - level:.4f}"})
        self._filled[token] = (level + cost, now)
        return {**headers, "X-Rate-Limit-Remaining": f"{self.size - level - cost:.4f}"}


class Throttled(CanvasError):
    """Too much was asked."""

    def __init__(self, status: int, headers: dict[str, str]) -> None:
        super().__init__(status, {})
        body = (
            b"403 Forbidden (Rate Limit Exceeded)\n"
            if status == 403
            else b"429 Too Many Requests (Rate Limit Exceeded)\n"
        )
        self.reply = Reply(status, body, {"Content-Type": "text/plain; charset=utf-8", **headers})


def in_scope(route: str, scopes: Collection[str] | None) -> None:
    """Raises CanvasError, without a challenge, where a scoped key does not name a route."""
    if scopes is not None and f"url:{route}" not in scopes:
        raise CanvasError(401, {"errors": [{"message": "Insufficient scopes on access token."}]})

"""What a request counts as: errors are what the error rate of an integration is made of (``error_rate`` in docs/figures.md)."""

from __future__ import annotations

import pytest

from connectors.contract import RequestLog
from connectors.testing.server import json_reply
from connectors.testing.waiting import FakeTime
from tests.support.canvas import connect, lists, pulled, serving


@pytest.mark.parametrize(("status", "counted"), [(404, "missing"), (401, "error"), (403, "error")])
def test_only_what_is_not_there_is_missing(status: int, counted: str) -> None:
    """A list that a course does not have is no error; one that the token may not read is, until the right is granted. Either
    way the rest is read, and the counts add up to the requests."""
    told = lists()
    told["courses/565/modules"] = json_reply({"status": "refused"}, status)
    with serving(told) as canvas:
        connector = connect(canvas)
        assert pulled(connector)
        asked = len(canvas.server.asked)
        refused = sum("/modules" in one.path for one in canvas.server.asked)
    assert refused > 0
    assert connector.requests.outcomes == {counted: refused, "ok": asked - refused}
    assert connector.requests.plain()["requests"] == asked


def test_a_series_of_answers_that_hold_errors_began_with_the_first() -> None:
    """Each is counted as ok before it is understood; that ends no series."""
    time = FakeTime()
    log = RequestLog(now=lambda: time.seconds)
    began = []
    for _ in range(3):
        time.sleep(60)
        log.add("ok", 5.0)
        log.recount("ok", "faulty")
        began.append(log.failing_since)
    assert began == began[:1] * 3
    assert began[0] is not None
    log.add("error", 5.0)
    log.recount("error", "missing")
    assert log.failing_since is None
    assert log.plain()["outcomes"] == {"faulty": 3, "missing": 1}

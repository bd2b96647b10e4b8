"""A fake that misbehaves by turns, for soak tests: it is killed, throttles, lies, and is made well again.

Which lies it tells, and when, is chosen by a seed. Between two turns it is well for one, so that a reader gets on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import cycle
from random import Random
from threading import Event, Lock, Thread
from typing import Any, Final

import orjson

from connectors.testing.living import LivingFake
from connectors.testing.server import Answerer, Asked, Fault, Reply, half_body, half_json, web_page

LIES: Final = ("half_list", "empty_list", "error_in_200", "login_page", "half_body", "half_json")
_MOODS: Final = ("killed", "well", "throttled", "well", "lying", "well")


class Unruly:
    """``often``: which part of the requests is throttled or lied to while it misbehaves; the others get the right answer.
    ``lies``: those that it tells."""

    def __init__(self, fake: LivingFake, seed: int = 0, often: float = 0.6, lies: Sequence[str] = LIES) -> None:
        self.fake = fake
        self.often = often
        self.lies = tuple(lies)
        self.mood = "well"
        """``well``, ``killed``, ``throttled`` or ``lying: `` and how."""
        self.told: Counter[str] = Counter()
        """How often it misbehaved in which way; kills are counted once each."""
        self._rng = Random(seed)  # noqa: S311  the same lies each time
        self._lock = Lock()
        self._turns = cycle(_MOODS)
        self._stop, self._thread = Event(), Thread()

    def kill(self) -> None:
        """Refuse connections."""
        self.well()
        self.fake.server.kill()
        self.told["killed"] += 1
        self.mood = "killed"

    def throttle(self) -> None:
        """Answer that there are too many requests."""
        self.well()
        self.fake.server.always(self._now_and_then("throttled", lambda asked, right: self.fake.throttled()))  # noqa: ARG005
        self.mood = "throttled"

    def lie(self, kind: str | None = None) -> str:
        """Answer with what is not so, by default in a way that the seed chooses; returns the way."""
        self.well()
        chosen = kind or self._rng.choice(self.lies)
        lies: dict[str, Fault] = {
            "half_list": shortened(2),
            "empty_list": shortened(0),
            "error_in_200": lambda asked, right: self.fake.error_in_200(),  # noqa: ARG005
            "login_page": web_page,
            "half_body": half_body,
            "half_json": half_json,
        }
        self.fake.server.always(self._now_and_then(chosen, lies[chosen]))
        self.mood = f"lying: {chosen}"
        return chosen

    def well(self) -> None:
        """Behave again."""
        self.fake.server.always(None)
        self.fake.server.revive()
        self.mood = "well"

    def turn(self) -> str:
        """Misbehave in the next way, or behave; returns the mood."""
        moods: dict[str, Callable[[], Any]] = {
            "killed": self.kill,
            "throttled": self.throttle,
            "lying": self.lie,
            "well": self.well,
        }
        moods[next(self._turns)]()
        return self.mood

    def run(self, seconds: float) -> None:
        """Take a turn every so many seconds, until :meth:`stop`."""
        self.stop()
        self._stop = Event()
        self._thread = Thread(target=self._take_turns, args=(seconds, self._stop), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take no more turns, and behave."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self.well()

    def _take_turns(self, seconds: float, stop: Event) -> None:
        while not stop.wait(seconds):
            self.turn()

    def _now_and_then(self, name: str, fault: Fault) -> Fault:
        def go_through(asked: Asked, right: Answerer) -> Reply:
            with self._lock:
                hit = self._rng.random() < self.often
                self.told[name] += hit
            return fault(asked, right) if hit else right(asked)

        return go_through


def shortened(part: int) -> Fault:
    """A fault: of the longest list of the right answer only one in ``part`` rows (0: none), and as if that were all."""

    def shorten(asked: Asked, right: Answerer) -> Reply:
        reply = right(asked)
        try:
            value = orjson.loads(reply.body)
        except orjson.JSONDecodeError:
            return reply
        longest = max(_lists(value), key=len, default=[])
        del longest[len(longest) // part if part else 0 :]
        headers = {name: text for name, text in reply.headers.items() if name.lower() != "link"}
        return replace(reply, body=orjson.dumps(value), headers=headers)

    return shorten


def _lists(value: Any) -> list[list[Any]]:
    """A value, or what it holds at the first two levels, as far as it is a list."""
    if isinstance(value, list):
        return [value]
    inner = list(value.values()) if isinstance(value, dict) else []
    inner += [deeper for one in inner if isinstance(one, dict) for deeper in one.values()]
    return [one for one in inner if isinstance(one, list)]

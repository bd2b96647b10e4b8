"""A fake Moodle: the web service functions that a connector needs, over a living world.

As Moodle does, it answers everything with status 200: XML unless JSON is asked for, errors as exceptions in the body, and a
web page where the address is wrong. ``python -m connectors.testing.moodle --help`` runs it as a process of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final
from urllib.parse import parse_qsl

from connectors.testing import process
from connectors.testing.living import LivingFake
from connectors.testing.moodle_functions import CAPABILITIES, PARAMETERS, Functions
from connectors.testing.moodle_truth import MoodleTruth, truth_of
from connectors.testing.moodle_wire import MoodleError, checked, json_answer, php_arrays, xml_answer
from connectors.testing.server import Asked, Reply
from connectors.testing.world import World

FUNCTIONS: Final = frozenset(PARAMETERS)
"""All functions that it has."""
SERVER: Final = "/webservice/rest/server.php"
_SITE_INFO: Final = "core_webservice_get_site_info"
_PAGE: Final = (
    b"<!DOCTYPE html><html><head><title>Works Academy: Log in</title></head><body>Page not found</body></html>"
)
_OWN: Final = frozenset({"wstoken", "wsfunction", "moodlewsrestformat", "moodlewssettingraw", "moodlewssettingfilter"})


class FakeMoodle(LivingFake):
    """``functions``: those in the token's service. ``lacking``: capabilities that its user has not (:data:`CAPABILITIES`).
    ``not_installed``: functions of plugins that are not there. ``valid_until``: when the token ends, 0 for never.
    ``page_cap``: the most enrolled users in one answer. ``debug``: errors tell more than they should."""

    def __init__(
        self,
        world: World,
        *,
        token: str = "moodle-secret-token",  # noqa: S107  of a fake
        functions: Collection[str] = FUNCTIONS,
        lacking: Collection[str] = (),
        not_installed: Collection[str] = (),
        valid_until: int = 0,
        page_cap: int | None = None,
        debug: bool = False,
        username: str = "hub",
        password: str = "kept-secret",  # noqa: S107  of a fake
        latency: float = 0.0,
        port: int = 0,
    ) -> None:
        if unknown := set(lacking) - CAPABILITIES:
            raise ValueError(f"It knows no capability {sorted(unknown)}.")
        super().__init__(world, port=port, latency=latency)
        self.token, self.username, self.password = token, username, password
        self.functions = frozenset(functions)
        self.not_installed = frozenset(not_installed)
        self.valid_until = valid_until
        self.debug = debug
        self._tokens = {token}
        self._granted = 0
        self._functions = Functions(world, frozenset(lacking), self.told)
        self._functions.page_cap = page_cap

    @property
    def page_cap(self) -> int | None:
        """The most enrolled users in one answer; may change midway."""
        return self._functions.page_cap

    @page_cap.setter
    def page_cap(self, most: int | None) -> None:
        self._functions.page_cap = most

    def repeat_a_page(self) -> None:
        """In the next list that is read in pages, one page comes twice."""
        self._functions.repeats += 1

    def expire_tokens(self) -> None:
        """No token is good any more; a new one is granted for a login."""
        self._tokens.clear()

    def restore_token(self) -> None:
        """The first token is good again."""
        self._tokens.add(self.token)

    def error_in_200(self) -> Reply:
        body = {
            "exception": "dml_read_exception",
            "errorcode": "dmlreadexception",
            "message": "Error reading from database",
        }
        return json_answer(body)

    # -- answering ----------------------------------------------------------------------------------------

    def answer(self, asked: Asked) -> Reply:
        pairs = [*getattr(asked.query, "pairs", asked.query.items())]
        pairs += parse_qsl(asked.body.decode("utf-8", "replace"), keep_blank_values=True)
        if asked.path == "/login/token.php":
            return self._login(dict(pairs))
        if asked.path != SERVER:
            return Reply(200, _PAGE, {"Content-Type": "text/html; charset=utf-8"})
        own = {name: value for name, value in pairs if name in _OWN}
        try:
            value = self._called(own, [pair for pair in pairs if pair[0] not in _OWN])
        except MoodleError as error:
            value = error.body(debug=self.debug)
        return json_answer(value) if own.get("moodlewsrestformat") == "json" else xml_answer(value)

    def _called(self, own: dict[str, str], pairs: list[tuple[str, str]]) -> Any:
        ended = self.valid_until and self.world.clock() >= self.valid_until
        if own.get("wstoken") not in self._tokens or ended:
            raise MoodleError("invalidtoken")
        name = own.get("wsfunction", "")
        if not name:
            raise MoodleError("missingparam")
        if name not in FUNCTIONS or name in self.not_installed:
            raise MoodleError("invalidrecord")
        if name not in self.functions:
            raise MoodleError("accessexception")
        given = checked(php_arrays(pairs), PARAMETERS[name])
        if name == _SITE_INFO:
            return self._site_info()
        with self.world.lock:
            return self._functions.call(name, given)

    def _site_info(self) -> dict[str, Any]:
        there = sorted(self.functions - self.not_installed)
        return {
            "sitename": "Works Academy",
            "username": self.username,
            "firstname": "Hub",
            "lastname": "Reader",
            "fullname": "Hub Reader",
            "lang": "en",
            "userid": 3,
            "siteurl": self.url,
            "userpictureurl": "",
            "functions": [{"name": name, "version": "2024100700"} for name in there],
            "downloadfiles": 0,
            "uploadfiles": 0,
            "release": "4.5.1 (Build: 20241202)",
            "version": "2024100701",
            "mobilecssurl": "",
            "advancedfeatures": [{"name": "enablecompletion", "value": 1}],
            "usercanmanageownfiles": False,
            "userquota": 0,
            "usermaxuploadfilesize": -1,
            "userhomepage": 1,
            "siteid": 1,
            "sitecalendartype": "gregorian",
            "usercalendartype": "gregorian",
            "userissiteadmin": False,
            "theme": "boost",
        }

    def _login(self, given: dict[str, str]) -> Reply:
        if (given.get("username"), given.get("password")) != (self.username, self.password):
            text = "Invalid login, please try again"
            return json_answer({"error": text, "errorcode": "invalidlogin", "stacktrace": None, "debuginfo": None})
        self._granted += 1
        token = f"{self.token}-{self._granted}"
        self._tokens.add(token)
        return json_answer({"token": token, "privatetoken": None})

    # -- truth --------------------------------------------------------------------------------------------

    def truth(self) -> Iterator[MoodleTruth]:
        """What it would tell of every learner in every course, the removed ones too."""
        with self.world.lock:
            found = [truth_of(enrollment, self.told) for enrollment in self.world.enrollments]
        return iter(found)


def main() -> None:
    """Serve till SIGTERM, or till the pipe of the parent closes."""
    process.main("moodle", lambda world, port, latency: FakeMoodle(world, port=port, latency=latency))


if __name__ == "__main__":
    main()

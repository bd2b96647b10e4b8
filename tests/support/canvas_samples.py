"""Real answers of Canvas, of a public client's tests: served at their own paths, and what became of each kind.

Answers that are lists of a kind that the connector asks for are served where they stood, their ``Link`` leading to this
server; the lists of one kind follow each other by those links. All others are named with the reason why they are not used.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from connectors.testing.server import Asked, HostileServer, Reply, json_reply

FOLDER: Final = Path(__file__).parents[3] / "shared" / "data" / "canvas"

USED: Final[Mapping[str, tuple[str, ...]]] = {
    "courses": ("course/multiple", "course/multiple_page_2", "user/courses", "user/courses_p2"),
    "enrollments": (
        "course/list_enrollments", "course/list_enrollments_2", "user/list_enrollments", "user/list_enrollments_2",
        "section/list_enrollments", "section/list_enrollments_2",
    ),
    "users": ("course/get_users", "course/get_users_p2", "course/get_recent_students", "course/get_recent_students_p2"),
    "modules": ("course/list_modules", "course/list_modules2"),
    "module items": ("module/list_module_items", "module/list_module_items2"),
    "assignments": (
        "course/get_all_assignments", "course/get_all_assignments2", "course/get_assignments_for_group",
        "user/get_user_assignments", "user/get_user_assignments2",
    ),
    "submissions": (
        "course/list_multiple_submissions", "submission/list_submissions", "section/list_submissions",
        "section/list_multiple_submissions",
    ),
}  # fmt: skip
"""Kind → its answers (file/name), in the order in which they follow each other."""
STARTS: Final[Mapping[str, str]] = {
    "courses": "accounts/self/courses",
    "enrollments": "courses/1/enrollments",
    "users": "courses/1/users",
    "modules": "courses/1/modules",
    "module items": "courses/1/modules/1/items",
    "assignments": "courses/1/assignments",
    "submissions": "courses/1/students/submissions",
}
"""Where the connector asks for each kind; the first answer is served there too."""
EMPTY: Final = re.compile(r"courses/\d+/(enrollments|students/submissions)")
"""Lists of the other courses, which the samples do not have."""

REASONS: Final = (
    (r"grouped$", "submissions grouped by learner: asked for ungrouped"),
    (r" courses/[^/]+$", "one course: asked for in the list of the account"),
    (r"accounts/1/enrollments/1$", "one enrollment: asked for in the list of its course"),
    (r" (courses/1/users/\S+|users/(1|2|sis_user_id:jdoe|self)|users/1/profile)$", "one user: asked for in the list of the course"),
    (r"courses/1/modules/1(/items/1)?$", "one module or item: asked for in the list of the course"),
    (r"courses/1/assignments/\d+$", "one assignment: asked for in the list of the course"),
    (r"assignments/1/submissions/1$", "one submission: asked for in the list of the course"),
    (r" progress/\d$", "the progress of a job of Canvas, not of a learner"),
    (r"missing_submissions|gradeable_students|moderated_students", "a choice of assignments or users that is not asked for"),
    (r"quizzes|quiz_submissions", "quizzes by themselves: a quiz is asked for by its assignment and submissions"),
    (r"overrides?(/\d+|\?.*)?$", "dates for single learners, which the hub does not keep"),
    (r"assignment_groups", "groups of assignments, which the hub does not keep"),
    (r"peer_reviews|gradebook|audit/grade|provisional_grades|rubrics|late_policy|grading", "grading by itself: the score stands in the submission"),
    (r"recipients|observe[er]s|observees|communication_channels|logins|avatars|courses/1/group|audit/authentication", "other facts of people, which the hub does not need"),
    (r"sections", "sections by themselves: the section stands in the enrollment"),
    (r"analytics|page_views|activity_stream|todo|upcoming_events|calendar|audit/course", "what somebody did or is to do: told elsewhere, or not needed"),
    (r"files|folders|pages|front_page|discussion_topics|external|epub|content_|tabs|features|settings|blueprint|outcome|colors|nicknames|collaborations|smartsearch|search/|eportfolios", "content and looks of courses, which the hub does not keep"),
)  # fmt: skip
"""Pattern of ``name path`` → why an answer is not used; the first that fits."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer to a GET."""

    name: str
    """File and name of the answer."""
    endpoint: str
    data: Any
    headers: Mapping[str, str]


def samples() -> dict[str, Sample]:
    """All answers to a GET, by name."""
    found = {}
    for path in sorted(FOLDER.glob("*.json")):
        for key, told in json.loads(path.read_text(encoding="utf-8")).items():
            if told["method"] == "GET":
                name = f"{path.stem}/{key}"
                found[name] = Sample(name, told["endpoint"], told.get("data"), told.get("headers", {}))
    return found


def reason(sample: Sample) -> str | None:
    """Why an answer is not used; None where no reason is written."""
    place = f"{sample.name.split('/')[1]} {sample.endpoint}"
    text = f"{place} grouped" if sample.name.endswith("_grouped") else place
    return next((why for pattern, why in REASONS if re.search(pattern, text)), None)


@dataclass
class SampleCanvas:
    """Serves the used answers between entering and leaving."""

    server: HostileServer = field(init=False)
    served: Counter[str] = field(default_factory=Counter)
    """Answers by name, as often as they were asked for."""

    def __post_init__(self) -> None:
        self.server = HostileServer(self._answer)
        known = samples()
        self._at: dict[tuple[str, str], tuple[Sample, str]] = {}
        for kind, names in USED.items():
            chain = [known[name] for name in names]
            for sample, following in zip(chain, [*chain[1:], None], strict=True):
                self._at[_place(sample.endpoint)] = (sample, following.endpoint if following else "")
            self._at[STARTS[kind], ""] = self._at[_place(chain[0].endpoint)]

    def __enter__(self) -> SampleCanvas:
        self.server.__enter__()
        return self

    def __exit__(self, *of: Any) -> None:
        self.server.__exit__(*of)

    def _answer(self, asked: Asked) -> Reply:
        path = asked.path.removeprefix("/api/v1/")
        found = self._at.get((path, asked.query.get("page", "")))
        if found is None:
            empty = EMPTY.fullmatch(path)
            return json_reply([]) if empty else json_reply({"message": "not found"}, 404)
        sample, following = found
        self.served[sample.name] += 1
        link = f'<{self.server.origin}/api/v1/{following}>; rel="next"' if following else ""
        return json_reply(sample.data, headers={"Link": link})


def _place(endpoint: str) -> tuple[str, str]:
    """Path and page of an answer."""
    parts = urlsplit(endpoint)
    return parts.path, dict(parse_qsl(parts.query)).get("page", "")


def page(rows: Mapping[str, int], outcomes: Mapping[str, Sequence[str]]) -> str:
    """The page of the documentation. ``rows``: kind → rows in its answers; ``outcomes``: kind → what became of them."""
    known = samples()
    used = {name for names in USED.values() for name in names}
    lines = [
        "# What became of real answers of Canvas",
        "",
        f"The tests of a public Canvas client hold {len(known)} answers to a GET, made by many hands and not consistent with",
        "one another. A server answers with each list of a kind that the connector asks for, at Canvas's own path, its `Link`",
        "leading to the next one; a real sync takes them in. Every row is accounted for: rows that are records become facts,",
        "are stored, or are rejected with field, rule and expectation; rows that are details are joined to records.",
        "",
        "| Kind | Answers | Rows | What became of them |",
        "| --- | --- | --- | --- |",
    ]
    for kind, names in USED.items():
        shown = ", ".join(f"`{name}`" for name in names)
        lines.append(f"| {kind} | {shown} | {rows[kind]} | {'; '.join(outcomes[kind])} |")
    lines += ["", "## Answers that are not used", "", "| Why | Answers |", "| --- | --- |"]
    left: dict[str, list[str]] = {}
    for name, sample in known.items():
        if name not in used:
            left.setdefault(reason(sample) or "", []).append(name)
    order = [why for _, why in REASONS]
    for why in sorted(left, key=order.index):
        lines.append(f"| {why} | {', '.join(f'`{name}`' for name in left[why])} |")
    return "\n".join(lines) + "\n"


def rows_of(kind: str) -> Iterator[Any]:
    """The rows of a kind, in order."""
    known = samples()
    for name in USED[kind]:
        yield from known[name].data

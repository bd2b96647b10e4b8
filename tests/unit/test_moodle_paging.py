"""Reading Moodle's lists whole, learners once, and grades in one answer where that is small."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.moodle import paging
from connectors.moodle.client import php_arrays
from connectors.moodle.errors import Denied, NothingThere
from connectors.moodle.gradebook import Gradebook
from connectors.moodle.learners import Learners
from hub.errors import Retriable


class Asked:
    """Stands for a client: answers by a function of the arguments, and keeps what was asked."""

    def __init__(self, answer):
        self.answer = answer
        self.calls = []

    def ask(self, function, shape, **arguments):
        self.calls.append((function, arguments))
        found = self.answer(arguments)
        assert type(found) is shape
        return found


def listed(people, change=lambda number: None, cap=None):
    """A client of a list of users; ``change`` is called before each page, with its number."""

    def answer(arguments):
        change(len(client.calls))
        asked = {one["name"]: one["value"] for one in arguments["options"]}
        most = min(asked["limitnumber"], cap or asked["limitnumber"])
        return [{"id": one} for one in sorted(people)[asked["limitfrom"] :][:most]]

    client = Asked(answer)
    return client


def read(client, size=3):
    return [row["id"] for row in paging.enrolled(client, "42", size)]


@pytest.mark.parametrize("count", range(8))
def test_every_length(count):
    """A list of any length is read once, whether its last page is full or not."""
    assert read(listed(set(range(1, count + 1)))) == list(range(1, count + 1))


def test_site_that_gives_fewer():
    """A page that is shorter than asked for is not taken for the last one."""
    assert read(listed(set(range(20)), cap=2), size=500) == list(range(20))


@given(st.data())
def test_list_that_moves(data):
    """Whoever stays comes exactly once, however many others come and go while the list is read."""
    people = set(data.draw(st.sets(st.integers(1, 40), min_size=4)))
    staying = set(data.draw(st.sets(st.sampled_from(sorted(people)))))

    def change(number):
        if number <= 4:
            people.difference_update(data.draw(st.sets(st.integers(1, 40), max_size=4)) - staying)
            people.update(data.draw(st.sets(st.integers(1, 40), max_size=4)))

    found = read(listed(people, change))
    assert max(Counter(found).values(), default=1) == 1
    assert staying <= set(found)


def test_list_that_never_rests():
    """A list that moves each time that it is read ends the run: it cannot be said to be whole."""
    people = list(range(100, 200))
    with pytest.raises(Retriable, match="moved"):
        read(listed(people, lambda number: people.pop(0)))


def test_rows_without_an_id():
    """Rows that cannot be recognised are handed on, to be rejected one by one."""
    rows = [{"id": 1}, {}, "x", {"id": []}]
    client = Asked(lambda arguments: rows[3 if len(client.calls) > 1 else 0 :])
    assert list(paging.enrolled(client, "42", 500)) == rows


def test_certificates_that_come_meanwhile():
    """Newest first, and a new one at the top doubles none."""
    issues = list(range(1200, 0, -1))

    def answer(arguments):
        if len(client.calls) == 2:
            issues.insert(0, 1201)
        return [{"issue": {"id": one}} for one in issues[arguments["offset"] :][: arguments["limit"]]]

    client = Asked(answer)
    found = [row["issue"]["id"] for row in paging.certificates(client, 0)]
    assert Counter(found) == Counter(range(1, 1202))


# -- learners ---------------------------------------------------------------------------------------------


def test_learner_is_asked_for_once():
    """One request tells all courses of a learner, and each course is told."""
    client = Asked(lambda arguments: [{"id": 1, "progress": 5}, {"id": "2", "progress": 6}])
    learners = Learners(client)
    assert learners.standing("7", "1")["progress"] == 5
    assert learners.standing("7", "2")["progress"] == 6
    assert len(client.calls) == 1


def test_learners_are_kept_up_to_a_bound():
    """More than the bound is not kept, and who came first stays: learners come in the same order in every course."""
    client = Asked(lambda arguments: [{"id": number} for number in range(1, 5)])
    learners = Learners(client, kept=6)
    for course in ("1", "2", "3", "4"):
        for learner in ("a", "b", "c", "d"):
            assert learners.standing(learner, course) is not None
            assert sum(map(len, learners._kept.values())) <= 6
    asked = Counter(arguments["userid"] for _, arguments in client.calls)
    assert asked["a"] == asked["b"] == 1
    assert max(asked.values()) <= 4


def test_fresh_answer():
    """Where it matters that Moodle tells nothing of a course, an old answer is not good enough."""
    courses = [{"id": 1}, {"id": 3}]
    client = Asked(lambda arguments: list(courses))
    learners = Learners(client)
    assert learners.standing("7", "1") is not None
    courses.append({"id": 2})
    assert learners.standing("7", "2") is None
    assert learners.standing("7", "2", fresh=True) is not None
    assert learners.standing("7", "3", fresh=True) is not None
    assert len(client.calls) == 2


@pytest.mark.parametrize("kind", [Denied, NothingThere])
def test_learner_whose_courses_cannot_be_seen(kind):
    """Of such a learner nothing is known; the others go on."""

    def answer(arguments):
        raise kind("nopermissions", "f", "a right")

    assert Learners(Asked(answer)).standing("7", "1") is None


# -- grades and arguments ---------------------------------------------------------------------------------


def test_grades_together_and_one_by_one():
    """In a small course one request brings all grades; in a large one each learner is asked for, or has none."""

    def answer(arguments):
        if arguments.get("userid") == "3":
            raise NothingThere("usernotenroled", "f", "an answer")
        one = {"gradeitems": [{"itemtype": "course", "graderaw": 5, "gradedategraded": 1_740_739_260}]}
        return {"usergrades": [one | {"userid": 1}, one | {"userid": 2}]}

    client = Asked(answer)
    together = Gradebook(client, "42", together=True)
    assert together.of("1", ask=True).total.raw == together.of("2", ask=False).total.raw == 50_000
    assert together.of("1", ask=True).at == 1_740_739_260_000_000
    assert together.of("3", ask=False).total is None
    assert len(client.calls) == 1
    assert together.of("3", ask=True).total is None
    assert client.calls[1][1] == {"courseid": "42", "userid": "3"}
    client = Asked(answer)
    alone = Gradebook(client, "42", together=False)
    assert client.calls == []
    assert alone.of("2", ask=False).total is None
    assert (alone.of("2", ask=True).total.raw, alone.of("3", ask=True).total) == (50_000, None)


def test_arguments_as_php_wants_them():
    """Lists and objects are arrays of PHP in a form."""
    form = php_arrays({"courseid": 4, "options": [{"name": "onlyactive", "value": True}], "ids": ["7", "8"]})
    assert form == {
        "courseid": "4", "options[0][name]": "onlyactive", "options[0][value]": "1", "ids[0]": "7", "ids[1]": "8",
    }  # fmt: skip

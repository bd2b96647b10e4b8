"""The little living LMS: the same for the same seed, every change one that a real LMS allows, fast and safe with threads."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from connectors.testing.world import HABITS, World
from connectors.testing.world_parts import ATTEMPTS, FULFILLED, Person

NOW = 1_772_438_400.0


def world(seed=7, **given):
    return World(seed, **({"courses": 12, "learners": 60, "clock": lambda: NOW} | given))


def picture(world):
    """Everything that is so, as plain values."""
    courses = [(each.id, each.name, each.number, [one.name for one in each.path]) for each in world.courses.values()]
    enrollments = [
        (
            each.id,
            each.learner.person,
            each.course.id,
            each.standing,
            each.completed_at,
            each.certificate,
            [(seat.id, seat.section_id, seat.gone, seat.last_access, seat.seconds) for seat in each.seats],
            {number: (one.state, one.score, one.attempts, one.done_at) for number, one in each.lessons.items()},
        )
        for each in world.enrollments
    ]
    return courses, enrollments


def test_same_seed_same_world():
    """Two worlds of one seed are equal, also after the same number of steps; another seed gives another one."""
    one, other = world(), world()
    assert picture(one) == picture(other)
    assert one.step(500) == other.step(500)
    assert picture(one) == picture(other)
    assert picture(world(8)) != picture(world())


def test_size_is_chosen():
    """There are as many courses, learners and enrollments as asked for; four for each learner by default, each pair once."""
    small = world(courses=5, learners=7, enrollments=11)
    assert (len(small.courses), len(small.learners), len(small.enrollments)) == (5, 7, 11)
    assert len(world().enrollments) == 240
    full = world(courses=3, learners=10, enrollments=1000)
    assert len({(each.learner.id, each.course.id) for each in full.enrollments}) == len(full.enrollments) == 30
    assert world(learners=0).enrollments == []


def test_people_are_given():
    """The learners are the people that are handed in, in their order; whoever comes later is invented."""
    known = [Person(f"BW{n}", "Ulma", f"Linden{n}", f"u{n}@brightwater.example", f"u{n}") for n in range(5)]
    made = world(people=known)
    assert [learner.person for learner in made.learners.values()] == known
    assert made.hire().person.number.startswith("E")


def test_20_000_enrollments():
    """A large world is built, each of whose enrollments is found."""
    large = world(learners=5000, courses=40)
    assert len(large.enrollments) == len(large.seats) - sum(len(each.seats) - 1 for each in large.enrollments) == 20_000


def test_changes_carry_the_clock():
    """Every change is stamped with the world's clock, or with the time that is handed in; nothing lies in the future."""
    made = world()
    assert {change.at for change in made.step(50)} == {int(NOW)}
    assert {change.at for change in made.step(50, now=NOW + 60)} == {int(NOW) + 60}
    times = [lesson.changed_at for each in made.enrollments for lesson in each.lessons.values()]
    assert max(times) == int(NOW) + 60
    assert min(times) > 0


def test_everything_happens():
    """In a long life everything happens that can, each time with whom and where it did."""
    made = world(habits=dict.fromkeys(HABITS, 10))
    happened = Counter(change.kind for change in made.step(4000))
    wanted = {
        "accepted", "started", "submitted", "graded", "passed", "failed", "finished", "completed", "certificate", "enrolled",
        "withdrawn", "returned", "suspended", "resumed", "concluded", "declined", "excused", "second section",
        "left a section", "renamed", "grown", "hired", "reset",
    }  # fmt: skip
    assert set(happened) == wanted
    assert made.happened == happened


def test_habits():
    """What has no weight does not happen; by default, nobody begins anew."""
    made = world(habits={"rename": 0, "grow": 0})
    names = [course.name for course in made.courses.values()]
    happened = {change.kind for change in made.step(3000)}
    assert not happened & {"renamed", "grown", "reset"}
    assert [course.name for course in made.courses.values()] == names


@pytest.fixture(scope="module")
def lived():
    made = world(habits={"reset": 1})
    made.step(3000)
    return made


def test_lessons_make_sense(lived):
    """A passed quiz has its points, a failed one has not; attempts stay within what is allowed; times are in order."""
    for each in lived.enrollments:
        for activity in each.course.path:
            lesson = each.lessons.get(activity.id)
            if lesson is None:
                continue
            assert lesson.attempts <= ATTEMPTS
            assert bool(lesson.done_at) == (lesson.state in FULFILLED)
            assert lesson.started_at <= max(lesson.done_at, lesson.changed_at)
            if lesson.state == "passed":
                assert lesson.score >= activity.pass_points
            if lesson.state == "failed":
                assert lesson.score < activity.pass_points
            if lesson.state == "submitted":
                assert (lesson.score, lesson.graded_at) == (None, 0)


def test_completion_makes_sense(lived):
    """Who has completed has met every criterion at that time; a certificate comes only after completion."""
    completed = [each for each in lived.enrollments if each.completed_at]
    assert completed
    for each in completed:
        assert each.course.tracks
        assert each.course.criteria
        assert all(each.fulfilled(one) for one in each.course.path if one.criterion)
    held = [each for each in lived.enrollments if each.certificate]
    assert held
    assert all(each.course.certificate for each in held)
    assert len({each.certificate.id for each in held}) == len(held)


def test_nobody_learns_who_is_not_active(lived):
    """Whoever is suspended, removed or declined does nothing."""
    before = {each.id: (each.seconds, each.standing) for each in lived.enrollments if each.standing != "active"}
    changes = lived.step(1000)
    again = {
        (change.learner_id, change.course_id)
        for change in changes
        if change.kind in ("accepted", "resumed", "returned")
    }
    for each in lived.enrollments:
        if each.id in before and (each.learner.id, each.course.id) not in again:
            assert each.seconds == before[each.id][0]


def test_enroll_and_stand():
    """Enrolling twice is one enrollment; one that was removed comes back with what was learned."""
    made = world(enrollments=0)
    learner, course = next(iter(made.learners)), next(iter(made.courses))
    one = made.enroll(learner, course)
    assert made.enroll(learner, course) is one
    made.stand(one, "removed")
    one.seats[0].seconds = 60
    assert made.enroll(learner, course) is one
    assert (one.standing, one.seconds, one.seats[0].gone) == ("active", 60, False)


def test_renumber():
    """All numbers change at once, and everything is found by the new ones."""
    made = world()
    before = picture(made)
    made.renumber(1000)
    assert [each[0] for each in picture(made)[1]] == [each[0] + 1000 for each in before[1]]
    for each in made.enrollments:
        assert made.enrollment(each.learner.id, each.course.id) is each
        assert made.courses[each.course.id] is each.course
        assert set(each.lessons) <= {one.id for one in each.course.path}
        assert all(made.seats[seat.id] == (each, seat) for seat in each.seats)
    made.step(300)


def test_it_lives_in_a_thread():
    """It lives until it is stopped, while somebody reads it under its lock."""
    made = World(7, courses=12, learners=60)
    made.run(per_second=500)
    assert made.living
    try:
        deadline = time.monotonic() + 30
        while made.happened.total() < 50:
            assert time.monotonic() < deadline
            with made.lock:
                total = made.happened.total()
                picture(made)
                assert made.happened.total() == total
            threading.Event().wait(0.01)
    finally:
        made.stop()
    assert not made.living


def test_steps_of_several_threads():
    """Steps that threads take at once are all taken, and the world stays whole."""
    made = world()
    threads = [threading.Thread(target=made.step, args=(300,)) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert made.happened.total() == 1200
    assert len({seat.id for each in made.enrollments for seat in each.seats}) == len(made.seats)
    assert all(made.seats[seat.id][0] is each for each in made.enrollments for seat in each.seats)

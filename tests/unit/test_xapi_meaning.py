"""Whom and what a statement is about: identities, verbs and activity types."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from connectors.xapi import activity_types
from connectors.xapi.activity_types import lesson_type
from connectors.xapi.actor import Identity, identify
from connectors.xapi.formats import is_iri
from connectors.xapi.verbs import VERBS, kind_of
from hub.domain.values import LessonType
from hub.errors import Unusable

STANDARDS = Path(__file__).parents[3] / "shared" / "reference" / "standards.md"
needs_standards = pytest.mark.skipif(not STANDARDS.is_file(), reason="the reference on standards is absent")

HOME = "https://lms.example.org/"


@pytest.mark.parametrize(
    ("actor", "identity"),
    [
        (
            {"mbox": "mailto:Ada.Hale@Example.ORG", "name": "Ada Hale", "objectType": "Agent"},
            Identity("mbox", None, "mailto:Ada.Hale@example.org", "Ada Hale", "Ada.Hale@example.org"),
        ),
        (
            {"mbox": "mailto:o%27hara@example.org"},
            Identity("mbox", None, "mailto:o%27hara@example.org", None, "o'hara@example.org"),
        ),
        ({"mbox_sha1sum": "AB" * 20, "name": ""}, Identity("mbox_sha1sum", None, "ab" * 20, None, None)),
        ({"openid": "http://Ada.example/"}, Identity("openid", None, "http://Ada.example/", None, None)),
        (
            {"account": {"homePage": HOME, "name": "17"}, "name": "Ada"},
            Identity("account", HOME, "17", "Ada", None),
        ),
        (
            {"account": {"homePage": HOME, "name": "Ada@Example.org"}},
            Identity("account", HOME, "Ada@Example.org", None, "Ada@example.org"),
        ),
    ],
)
def test_identity(actor, identity):
    """Each of the four ways gives its identifier; case is unified only where it means nothing."""
    assert identify(actor) == identity


@pytest.mark.parametrize("name", ["ada", "ada@", "@example.org", "ada@localhost", "a b@example.org", "a@b@c.org"])
def test_account_name_that_is_no_address(name):
    """Only what looks like an e-mail address is taken for one; it is the login all the same."""
    found = identify({"account": {"homePage": HOME, "name": name}})
    assert (found.email, found.login) == (None, name)


def test_only_an_account_has_a_login():
    """A mail address is no login."""
    assert identify({"mbox": "mailto:ada@example.org"}).login is None


def test_equal_mail_addresses_have_equal_hashes():
    """The value of an mbox is what its mbox_sha1sum is the hash of, as the specification wants it."""
    value = identify({"mbox": "mailto:ada@EXAMPLE.org"}).value
    assert hashlib.sha1(value.encode()).hexdigest() == hashlib.sha1(b"mailto:ada@example.org").hexdigest()


@pytest.mark.parametrize(
    ("actor", "field", "word"),
    [
        ({"objectType": "Group", "member": [{"openid": "http://x"}]}, "actor", "anonymous group identifies nobody"),
        ({"objectType": "Group", "openid": "http://x"}, "actor", "identified group is no learner"),
        ({"objectType": "Group"}, "actor.member", "required"),
        ({"name": "Ada"}, "actor", "one identifier"),
        ({"openid": "http://x", "mbox": "mailto:a@b"}, "actor.openid", "one identifier"),
        ({"account": {"homePage": HOME, "name": " "}}, "actor.account.name", "not empty"),
        ("Ada", "actor", "type"),
        (None, "actor", "null"),
    ],
)
def test_nobody(actor, field, word):
    """A group, an ambiguous or an empty actor identifies no learner, and the reason is said."""
    with pytest.raises(Unusable, match=word) as caught:
        identify(actor)
    assert caught.value.field == field


# -- verbs ------------------------------------------------------------------------------------------------


def test_every_verb_is_read_as_what_it_says():
    """Every alias has one kind only, and every emitted verb is read back as its kind, but for enrolled."""
    aliases = [iri for verb in VERBS.values() for iri in verb.aliases]
    assert len(aliases) == len(set(aliases))
    assert all(is_iri(iri) for iri in [*aliases, *(verb.emit for verb in VERBS.values())])
    for kind, verb in VERBS.items():
        assert kind_of(verb.emit) == ("registered" if kind == "enrolled" else kind)
        assert {kind_of(alias) for alias in verb.aliases} <= {kind}


@pytest.mark.parametrize(
    ("iri", "kind"),
    [
        ("http://activitystrea.ms/schema/1.0/leave", "unenrolled"),
        ("http://activitystrea.ms/leave", "unenrolled"),
        ("https://w3id.org/xapi/video/verbs/seeked", "interacted"),
        ("https://w3id.org/xapi/tla/verbs/suspended", "suspended"),
        ("https://xapi.edlm/profiles/edlm-lms/concepts/verbs/uncompleted", "uncompleted"),
        ("http://adlnet.gov/expapi/verbs/Completed", "other"),
        ("http://adlnet.gov/expapi/verbs/completed/", "other"),
        ("https://adlnet.gov/expapi/verbs/completed", "other"),
        ("https://w3id.org/xapi/adl/verbs/voided", "other"),
        ("", "other"),
    ],
)
def test_kind_of(iri, kind):
    """The whole string decides, and only one IRI voids."""
    assert kind_of(iri) == kind


@needs_standards
def test_verbs_are_those_of_the_reference():
    """Every IRI that the table of verbs spells out is known, under the kind of its row."""
    section = STANDARDS.read_text().split("## 4. Verbs")[1].split("\n## 5.")[0]
    rows = re.findall(r"^\| ([a-z, ]+?) \| (.+?) \| (.+?) \|", section, re.MULTILINE)
    renamed = {"logged in, out": {"logged_in", "logged_out"}, "suspended, resumed": {"suspended", "resumed"}}
    seen = 0
    for name, emit, aliases in rows:
        for iri in re.findall(r"`(https?://[^`]+)`", emit + aliases):
            seen += 1
            assert kind_of(iri) in renamed.get(name, {name}), iri
    assert seen >= 61


# -- activity types ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("iri", "expected"),
    [
        ("https://w3id.org/xapi/video/activity-type/video", LessonType.VIDEO),
        ("https://w3id.org/xapi/acrossx/activities/video", LessonType.VIDEO),
        ("http://activitystrea.ms/schema/1.0/video", LessonType.VIDEO),
        ("http://id.tincanapi.com/activitytype/slide-deck", LessonType.READING),
        ("http://adlnet.gov/expapi/activities/lesson", LessonType.READING),
        ("http://adlnet.gov/expapi/activities/cmi.interaction", LessonType.QUIZ),
        ("http://id.tincanapi.com/activitytype/essay", LessonType.ASSIGNMENT),
        ("http://id.tincanapi.com/activitytype/project", LessonType.PROJECT),
        ("http://adlnet.gov/expapi/activities/meeting", LessonType.DISCUSSION),
        ("https://w3id.org/xapi/openedx/activity/timed-assessment", LessonType.ASSESSMENT),
        ("http://id.tincanapi.com/activitytype/scenario", LessonType.SIMULATION),
        ("http://adlnet.gov/expapi/activities/Lesson", None),
        ("http://adlnet.gov/expapi/activities/attempt", None),
        ("https://w3id.org/xapi/acrossx/activities/face-to-face-discussion", None),
        ("", None),
        (None, None),
    ],
)
def test_lesson_type(iri, expected):
    """A listed type gives its lesson type by exact string; all else gives none, never a default."""
    assert lesson_type(iri) == expected


def test_courses_containers_and_proofs_are_no_lessons():
    """What stands above, inside or beside a lesson has no lesson type, and each type has one role."""
    roles = [
        activity_types.COURSE_TYPES,
        activity_types.CONTAINER_TYPES,
        activity_types.ATTEMPT_TYPES,
        activity_types.CERTIFICATE_TYPES,
        activity_types.BADGE_TYPES,
        activity_types.SITE_TYPES,
        activity_types.SCORM_TYPES,
    ]
    everything = [iri for role in roles for iri in role]
    assert len(everything) == len(set(everything))
    assert {lesson_type(iri) for iri in everything} == {None}


@needs_standards
def test_types_are_those_of_the_reference():
    """Every IRI that the table of types spells out gives the lesson type of its row; every type has a row."""
    section = STANDARDS.read_text().split("### 3.4 ")[1].split("## 4.")[0]
    seen = set()
    for name, iris in re.findall(r"^\| ([A-Z]\w+) \| (.+?) \|", section, re.MULTILINE):
        for base, tail in re.findall(r"`(https?://[^`]+)`([^`]*)", iris):
            words = re.findall(r"[\w.-]+", re.sub(r"\(.*?\)|type attempt .*", "", tail)) if base.endswith("/") else [""]
            for word in words:
                assert lesson_type(base + word) == name
                seen.add(name)
    assert seen == set(LessonType)

"""Proposed mappings: what headers seem to mean, and what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.files import open_file, propose
from connectors.files.proposal import SYNONYMS
from connectors.mapping import squeezed
from connectors.record_fields import FIELDS
from tests.support.sealing import file_config, make_observer


def test_synonyms_are_of_known_fields_and_mean_one_field_each() -> None:
    """A word that stood for two fields would be a guess."""
    assert set(SYNONYMS) <= FIELDS
    words = [squeezed(name) for names in SYNONYMS.values() for name in names.split(";")]
    assert [word for word in words if words.count(word) > 1] == []


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            [
                "Personal-Nr.",
                "Teilnehmer",
                "E-Mail",
                "Kurs-ID",
                "Kursname",
                "Status",
                "Fortschritt %",
                "Abschlussdatum",
            ],
            {
                "hr_number": "Personal-Nr.",
                "display_name": "Teilnehmer",
                "course_id": "Kurs-ID",
                "course_name": "Kursname",
                "enrollment_status": "Status",
                "progress_percentage": "Fortschritt %",
                "completion_date": "Abschlussdatum",
            },
        ),
        (
            ["User ID", "Full Name", "Course Title", "Course No.", "Score (%)", "Last Acess"],
            {
                "lms_user_id": "User ID",
                "display_name": "Full Name",
                "course_name": "Course Title",
                "course_id": "Course No.",
                "score_achieved": '"Score (%)"',
                "last_access_date": "Last Acess",
            },
        ),
        (["Courriel", "Cours"], {"email": "Courriel", "course_name": "Cours", "course_id": "Cours"}),
        (["lms_user_id", "Course ID"], {}),
    ],
)
def test_proposals(headers: list[str], expected: dict[str, str]) -> None:
    """By synonyms of several languages and by likeness; own names need no mapping."""
    proposal = propose(headers)
    assert proposal.field_mappings == expected
    assert proposal.missing == ()


def test_what_is_missing() -> None:
    """Headers that tell no learner or no course say so; unknown ones are listed."""
    proposal = propose(["Name", "Shoe size"])
    assert proposal.missing == ("learner", "course_id")
    assert proposal.unused == ("Shoe size",)
    assert propose([]).field_mappings == {}


def test_a_proposal_can_be_used_as_it_is(tmp_path: Path) -> None:
    """The mapping that is proposed compiles, fits the file, and reads it."""
    headers = ["Mitarbeiternummer", "Kurs (neu)", "Kurs-Nr.", "Frist"]
    path = tmp_path / "list.csv"
    path.write_text(";".join(headers) + "\n7;Safety;C1;2024-03-13\n", "utf-8")
    config = file_config(field_mappings=propose(headers).field_mappings)
    (item,) = open_file(str(path), config, make_observer(config), {}, lambda: 1)
    assert item.problem is None
    assert item.observations[-1]["facts"]["due_on"] == 19795

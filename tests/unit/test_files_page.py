"""The page on files: what it prints can be given, and does what it says."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from connectors.files import open_file
from tests.support.sealing import file_config, make_observer
from tests.unit.test_readme import in_blocks, misread

PAGE = (Path(__file__).parents[2] / "docs/connectors/files.md").read_text(encoding="utf-8")
SETTINGS = {"date_format": "%d.%m.%Y", "decimal_mark": ","}
GERMAN = (
    "E-Mail;Kurs-Nr;Status;Abschlussdatum;max_score;score_achieved\n"
    "ada@example.org;K1;Abgeschlossen;01.05.2026;100;85,5\n"
    "ben@example.org;K1;In Bearbeitung;;;\n"
    "eve@example.org;K1;Weg;;;\n"
    "ann@example.org;K1;Abgeschlossen;01.05.2026 09:30;;\n"
)


def mapping() -> dict[str, str]:
    """The field mappings of the page's command."""
    (line,) = [line for line in in_blocks(PAGE) if "--field-mappings" in line]
    found: dict[str, str] = json.loads(shlex.split(line)[-1])
    return found


def rules() -> dict[str, Any]:
    """The transformation rules of the page."""
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize("line", in_blocks(PAGE))
def test_each_command_of_the_page_parses(line: str) -> None:
    """Whoever copies a line is not told of wrong usage."""
    assert misread(line) is None


@pytest.mark.parametrize("line", re.findall(r"`(hub integrations change [^`]+)`", PAGE))
def test_each_command_in_a_sentence_parses(line: str) -> None:
    """The settings too."""
    assert misread(line) is None


def test_a_list_in_another_language_is_read_by_the_rules_of_the_page(tmp_path: Path) -> None:
    """Mapping, rules and settings as printed: known values count, an unknown one and a time without zone are rejected."""
    file = tmp_path / "german.csv"
    file.write_bytes(GERMAN.encode("cp1252"))
    config = file_config(field_mappings=mapping(), transformation_rules=rules(), settings=SETTINGS)
    items = list(open_file(str(file), config, make_observer(config), {}, lambda: 0))
    assert [item.problem and item.problem.field for item in items] == [
        None,
        None,
        "enrollment_status",
        "completion_date",
    ]
    ((facts,), _) = [[one["facts"] for one in item.observations if one["counted"]] for item in items[:2]]
    assert (facts["completed_on"], facts["score"]) == (20574, 855_000)
    problem = items[3].problem
    assert problem is not None
    assert "--time-zone" in str(problem)

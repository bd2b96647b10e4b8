"""The frame around the code: lock file, Makefile, CI entry, containers."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import stat
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()


def normal(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=;~! ]", requirement, maxsplit=1)[0]).lower()


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load((ROOT / "compose.yaml").read_text())
    return loaded


def test_the_lock_names_no_address() -> None:
    """Where packages come from is the machine's matter: no index, no link, no path."""
    assert "://" not in LOCK
    assert not re.search(r"^\s*(-i|-f|-e|--index-url|--extra-index-url|--find-links|--trusted-host)\b", LOCK, re.M)
    assert " @ " not in LOCK


def test_everything_in_the_lock_is_pinned_and_hashed() -> None:
    """One exact version per package, each with at least one SHA-256."""
    for block in re.split(r"\n(?=[A-Za-z0-9])", LOCK.split("\n", 2)[2]):
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z0-9,-]+\])?==\S+ ", block), block[:80]
        assert "--hash=sha256:" in block, block[:80]


def test_the_lock_covers_all_that_the_project_asks_for() -> None:
    """Run-time and development dependencies alike."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    locked = {normal(line) for line in LOCK.splitlines() if re.match(r"[A-Za-z0-9]", line)}
    assert {normal(each) for each in wanted} <= locked


def test_compose_follows_its_specification() -> None:
    """Valid by the schema of the Compose specification."""
    package = importlib.util.find_spec("check_jsonschema")
    assert package
    assert package.submodule_search_locations
    schema = Path(package.submodule_search_locations[0]) / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.validate(compose(), json.loads(schema.read_text()))


def test_compose_has_the_four_parts_with_health_and_storage() -> None:
    """Every lasting part says when it is healthy; every named volume exists and is used."""
    parts = compose()["services"]
    assert {"kafka", "postgres", "serve", "worker"} <= set(parts)
    for name in ("kafka", "postgres", "serve", "worker"):
        assert "healthcheck" in parts[name], name
        assert parts[name]["restart"] == "unless-stopped", name
    used = {mount.split(":")[0] for part in parts.values() for mount in part["volumes"]}
    assert used == set(compose()["volumes"])


def test_compose_holds_no_secret() -> None:
    """Passwords and keys come from the environment, and have no default that somebody would forget to change."""
    for name, part in compose()["services"].items():
        for variable, value in part["environment"].items():
            if re.search("PASSWORD|KEY", variable):
                assert re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", value), f"{name}: {variable}"


def test_compose_and_kafka_local_run_the_same_kafka() -> None:
    """What is tested is what is recommended."""
    pom = (ROOT / "tests/tools/kafka-local/pom.xml").read_text()
    version = re.search(r"kafka_2\.13</artifactId>\s*<version>(.*?)</version>", pom)
    assert version
    assert compose()["services"]["kafka"]["image"] == f"apache/kafka:{version[1]}"


@pytest.mark.parametrize(
    ("target", "commands"),
    [
        ("demo", ["hub demo"]),
        ("test", ["kafka-local fetch", "-m pytest"]),
        ("check", ["ruff format --check", "ruff check", "mypy", "lint-imports", "hub schemas check"]),
        ("bench", ["-m tests.bench"]),
        ("lock", ["pip compile"]),
    ],
)
def test_make_targets_do_what_they_are_called(target: str, commands: list[str]) -> None:
    """The five names that stay, by what make would run, in this order."""
    said = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    ).stdout
    places = [said.find(command) for command in commands]
    assert -1 not in places, said
    assert places == sorted(places)


def test_the_virtualenv_is_made_by_hash() -> None:
    """A fresh machine installs exactly what the lock says."""
    said = subprocess.run(
        ["make", "--dry-run", "--always-make", ".venv/.installed"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert "pip install --quiet --require-hashes -r requirements.lock" in said
    assert "--no-deps --editable ." in said


def test_ci_entry_is_a_sound_script() -> None:
    """Executable, strict, and it parses."""
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & stat.S_IXUSR
    assert "set -euo pipefail" in script.read_text()
    assert "export CI=1" in script.read_text()
    subprocess.run(["bash", "-n", script], check=True, timeout=60)


def test_ci_entry_checks_before_it_tests_and_stops_at_the_first_failure(tmp_path: Path) -> None:
    """With a make that fails in `check`, `test` is not reached, and the script fails."""
    called = tmp_path / "called"
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("java", "mvn"):
        (tools / name).write_text("#!/bin/sh\n")
        (tools / name).chmod(0o755)
    (tools / "make").write_text(f'#!/bin/sh\necho "$1 $CI" >> {called}\nexit 3\n')
    (tools / "make").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    done = subprocess.run([ROOT / ".ci" / "run"], env=environment, check=False, timeout=60)
    assert done.returncode == 3
    assert called.read_text() == "check 1\n"

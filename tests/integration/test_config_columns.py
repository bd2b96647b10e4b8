"""Every column of lms_integration_config, one test each: changing it alone changes what the hub does (figures 9.1)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from connectors.testing.lrs import FakeLrs
from connectors.testing.server import Reply
from hub.bootstrap import Hub, clock
from hub.cli.integration_options import COLUMNS as OPTIONS
from hub.cli.standing import integrations as status_lines
from hub.deciding.envelope import Actor
from hub.directory.commands import company, upsert
from hub.domain import ids
from hub.domain.sealing import to_text
from hub.domain.units import DAY
from hub.errors import Refused, Retriable
from hub.intake.service import Intake
from hub.integrations import commands as acts
from hub.scheduling.plan import next_run, next_step
from hub.scheduling.standings import standings
from projections.tables import TABLES
from tests.support import services
from tests.support.site import CODE, COMPANY, site

BOOKKEEPING = {"id", "company_id", "created_at", "updated_at", "fold_state"}
"""What names the row, and when it was written: nobody sets it, and nothing is asked of it."""
CSV = "email,course_id,course_name,course_type,progress_percentage\nada@example.org,C1,{name},eLearning,40\n"
STATEMENT = {
    "actor": {"mbox": "mailto:ada@example.org"},
    "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
    "object": {
        "id": "https://lms.example.org/course/1",
        "definition": {"type": "http://adlnet.gov/expapi/activities/course"},
    },
}


class Bench:
    """A hub on which each test has integrations of its own."""

    def __init__(self, hub: Hub, folder: Path, stack: ExitStack) -> None:
        self.hub, self.folder, self.stack = hub, folder, stack
        self.intake = Intake(hub)
        self._numbers = count(1)
        hub.commands.execute(company(CODE, "Acme", time_zone="UTC"))

    def files(self, **wanted: Any) -> str:
        """An integration that takes in files; its code."""
        return self._add({"lms_type": "Corporate LMS", "integration_method": "File Upload"} | wanted)

    def lrs(self, statements: int = 1, **wanted: Any) -> tuple[str, FakeLrs]:
        """An integration that reads an LRS over HTTP: its code, and the LRS."""
        fake = self.stack.enter_context(FakeLrs([STATEMENT] * statements, page_limit=1))
        values = {
            "lms_type": "xAPI Compatible",
            "integration_method": "API",
            "api_endpoint_url": fake.url,
            "api_version": "1.0.3",
            "authentication_type": "Basic Auth",
            "authentication_config": self.sealed(username=fake.username, password=fake.password),
            "max_retry_attempts": 0,
        }
        return self._add(values | wanted), fake

    def sealed(self, **credentials: str) -> str:
        return json.dumps({"sealed": to_text(self.hub.keyring.seal_credentials(COMPANY, credentials))})

    def change(self, code: str, **wanted: Any) -> None:
        told = {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in wanted.items()}
        assert self.hub.commands.execute(acts.change(COMPANY, code, told)).changed

    def sync(self, code: str) -> dict[str, int]:
        return self.intake.sync(COMPANY, code).plain()

    def refusal(self, code: str) -> str:
        """The field that a sync is refused for."""
        with pytest.raises(Refused) as no:
            self.sync(code)
        return no.value.field

    def take(self, code: str, text: str | bytes, name: str = "told.csv") -> dict[str, int]:
        path = self.folder / f"{next(self._numbers)}-{name}"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return self.intake.import_file(COMPANY, code, str(path), {}).plain()

    def row(self, code: str) -> dict[str, Any]:
        return self.rows("SELECT * FROM hub.lms_integration_config WHERE lms_code = %s", code)[0]

    def enrollment(self, code: str) -> dict[str, Any]:
        query = "SELECT e.* FROM hub.lms_course_enrollment e JOIN hub.lms_integration_config c ON c.id = e.lms_integration_id"
        return self.rows(f"{query} WHERE c.lms_code = %s", code)[0]

    def rows(self, query: str, *given: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.hub.url, row_factory=dict_row) as connection:
            return connection.execute(query, given).fetchall()  # type: ignore[call-overload]

    def plan(self, code: str) -> Any:
        found, _ = standings(self.hub.connection, ids.integration_id(COMPANY, code))
        return found[0]

    def _add(self, wanted: dict[str, Any]) -> str:
        code = f"i{next(self._numbers)}"
        told = {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in wanted.items()}
        self.hub.commands.execute(acts.add(COMPANY, {"lms_code": code, "lms_name": code, **told}))
        return code


@pytest.fixture(scope="module")
def bench(databases: services.Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    url, folder = databases.create(), tmp_path_factory.mktemp("columns")
    with ExitStack() as stack:
        made = stack.enter_context(site("postgres", url, folder, None))
        yield Bench(stack.enter_context(made.open()), folder, stack)
    databases.drop(url)


Proof = Callable[[Bench], None]
PROOFS: dict[str, Proof] = {}


def proves(name: str) -> Callable[[Proof], Proof]:
    """The test of a column."""

    def keep(proof: Proof) -> Proof:
        PROOFS[name] = proof
        return proof

    return keep


@proves("lms_name")
def name_is_shown(bench: Bench) -> None:
    """What people read."""
    code = bench.files()
    bench.change(code, lms_name="Academy")
    shown = bench.rows("SELECT lms_name FROM analytics.integrations WHERE lms_code = %s", code)
    assert shown == [{"lms_name": "Academy"}]


@proves("lms_code")
def code_names_it(bench: Bench) -> None:
    """Chosen once, unique, never changes; commands use it."""
    code = bench.files()
    for wanted in (acts.change(COMPANY, code, {"lms_code": "other"}), acts.add(COMPANY, {"lms_code": code})):
        with pytest.raises(Refused) as no:
            bench.hub.commands.execute(wanted)
        assert no.value.field == "lms_code"
    with pytest.raises(Refused, match="there is none with the code other"):
        bench.sync("other")


@proves("lms_type")
def type_chooses_the_connector(bench: Bench) -> None:
    code, _ = bench.lrs()
    assert bench.sync(code)["read"] == 1
    bench.change(code, lms_type="Blackboard")
    assert bench.refusal(code) == "integration_method"


@proves("integration_method")
def method_chooses_the_connector(bench: Bench) -> None:
    code, _ = bench.lrs()
    bench.change(code, integration_method="File Upload")
    assert bench.refusal(code) == "integration_method"
    bench.change(code, integration_method="xAPI")
    assert bench.sync(code)["read"] == 1


@proves("api_endpoint_url")
def address_is_asked(bench: Bench) -> None:
    code, first = bench.lrs(1)
    _, second = bench.lrs(2)
    bench.change(code, api_endpoint_url=second.url)
    assert bench.sync(code)["read"] == 2
    assert not first.server.asked


@proves("api_version")
def version_is_spoken(bench: Bench) -> None:
    """The dialect; one that the connector lacks is refused."""
    code, fake = bench.lrs()
    bench.sync(code)
    bench.change(code, api_version="2.0")
    bench.sync(code)
    spoken = [asked.headers["x-experience-api-version"] for asked in fake.server.asked]
    assert (spoken[0], spoken[-1]) == ("1.0.3", "2.0.0")
    bench.change(code, api_version="9")
    assert bench.refusal(code) == "api_version"


@proves("authentication_type")
def how_the_hub_proves_itself(bench: Bench) -> None:
    code, fake = bench.lrs()
    both = {"username": fake.username, "password": fake.password, "token_url": fake.token_url,
            "client_id": fake.username, "client_secret": fake.password}  # fmt: skip
    bench.change(code, authentication_config=bench.sealed(**both))
    bench.sync(code)
    assert "/token" not in {asked.path for asked in fake.server.asked}
    bench.change(code, authentication_type="OAuth 2.0")
    bench.sync(code)
    assert "/token" in {asked.path for asked in fake.server.asked}


@proves("authentication_config")
def credentials_are_presented(bench: Bench) -> None:
    code, fake = bench.lrs()
    bench.change(code, authentication_config=bench.sealed(username=fake.username, password="wrong"))
    with pytest.raises(Refused, match="credentials"):
        bench.sync(code)
    assert bench.row(code)["connection_status"] == "Error"


@proves("data_format")
def format_of_files(bench: Bench) -> None:
    """File Upload of an LMS that sends xAPI: the same file is read as statements."""
    code, told = bench.files(), json.dumps([STATEMENT])
    assert bench.take(code, told, "told.json")["rejected"] == 1
    bench.change(code, data_format="xAPI")
    assert bench.take(code, told, "told.json")["unmatched"] == 1


@proves("encoding_format")
def encoding_of_files(bench: Bench) -> None:
    code, told = bench.files(), CSV.format(name="Übung").encode("cp850")
    bench.change(code, encoding_format="cp850")
    bench.take(code, told)
    assert bench.enrollment(code)["course_name"] == "Übung"
    bench.change(code, encoding_format="cp1252")
    bench.take(code, told.replace(b",40", b",41"))
    assert bench.enrollment(code)["course_name"] != "Übung"


@proves("sync_frequency")
def frequency_is_obeyed(bench: Bench) -> None:
    code, _ = bench.lrs()
    bench.sync(code)
    assert next_run(bench.plan(code), 0) is None
    bench.change(code, sync_frequency="Daily")
    daily = next_run(bench.plan(code), 0)
    assert daily is not None
    bench.change(code, sync_frequency="Weekly")
    weekly = next_run(bench.plan(code), 0)
    assert weekly is not None
    assert weekly.at - daily.at == 6 * DAY


@proves("sync_direction")
def direction_is_kept(bench: Bench) -> None:
    code, _ = bench.lrs()
    bench.change(code, sync_direction="Outbound Only")
    assert bench.refusal(code) == "sync_direction"
    bench.change(code, sync_direction="Bidirectional")
    assert bench.sync(code)["read"] == 1


@proves("is_primary_lms")
def primary_moves(bench: Bench) -> None:
    """At most one per company."""
    first, second = bench.files(), bench.files()
    bench.change(first, is_primary_lms=True)
    bench.change(second, is_primary_lms=True)
    assert [bench.row(code)["is_primary_lms"] for code in (first, second)] == [False, True]


@proves("is_active")
def inactive_is_left_alone(bench: Bench) -> None:
    """No run; rows and history stay; the connection is Disconnected then."""
    code, _ = bench.lrs()
    bench.sync(code)
    bench.change(code, is_active=False)
    assert bench.refusal(code) == "is_active"
    assert bench.row(code)["connection_status"] == "Disconnected"
    assert standings(bench.hub.connection, ids.integration_id(COMPANY, code)) == ([], [])
    assert bench.enrollment(code)


@proves("connection_status")
def status_steers_the_schedule(bench: Bench) -> None:
    """Error: nothing but a probe."""
    code, _ = bench.lrs(sync_frequency="Real-time")
    assert next_step(bench.plan(code), clock()).what == "sync"
    bench.change(code, connection_status="Error")
    assert next_step(bench.plan(code), clock()).what == "probe"


@proves("last_sync_at")
def end_of_the_last_run(bench: Bench) -> None:
    """What `hub status` says of the last run."""
    code, _ = bench.lrs()
    bench.sync(code)
    before = bench.row(code)
    bench.change(code, last_sync_at=clock() + DAY)
    with bench.hub.connection() as connection:
        (line,) = [one for one in status_lines(connection, COMPANY) if one["lms_code"] == code]
    assert (line["last_sync_at"] - before["last_sync_at"]).total_seconds() > 86_000
    assert line["last_successful_sync_at"] == before["last_successful_sync_at"]


@proves("last_successful_sync_at")
def what_comes_after_a_success_is_news(bench: Bench) -> None:
    """Facts of a first sync are old records; once a sync was completed they are news."""
    told = []
    for wanted in ({}, {"last_successful_sync_at": clock()}):
        code, _ = bench.lrs()
        if wanted:
            bench.change(code, **wanted)
        bench.sync(code)
        found = bench.rows(
            "SELECT additional_context->'backfill' AS old FROM hub.lms_audit_trail WHERE entity_id = %s",
            bench.enrollment(code)["id"],
        )
        told.append(found[0]["old"])
    assert told == [True, None]


@proves("error_count")
def failures_in_a_row(bench: Bench) -> None:
    """Error when it reaches max_retry_attempts; 0 after a success."""
    code, fake = bench.lrs(max_retry_attempts=2)
    right, wrong = (bench.sealed(username=fake.username, password=word) for word in (fake.password, "wrong"))
    seen = []
    for credentials in (wrong, right, wrong, wrong):
        bench.hub.commands.execute(acts.change(COMPANY, code, {"authentication_config": credentials}))
        with suppress(Refused):
            bench.sync(code)
        seen.append((bench.row(code)["error_count"], bench.row(code)["connection_status"]))
    assert seen == [(1, "Disconnected"), (0, "Connected"), (1, "Connected"), (2, "Error")]


@proves("max_retry_attempts")
def limit_of_failures(bench: Bench) -> None:
    """Also of the tries of one request."""
    wrong = bench.sealed(username="x", password="y")
    statuses = []
    for limit in (1, 2):
        code, _ = bench.lrs(authentication_config=wrong)
        bench.change(code, max_retry_attempts=limit)
        bench.refusal(code)
        statuses.append(bench.row(code)["connection_status"])
    assert statuses == ["Error", "Disconnected"]


@proves("timeout_seconds")
def longest_wait(bench: Bench) -> None:
    code, fake = bench.lrs()
    fake.server._answer = lambda asked: Reply(held=True)
    bench.change(code, timeout_seconds=1)
    with pytest.raises(Retriable, match="within 1 seconds"):
        bench.sync(code)
    run = bench.rows("SELECT r.requests FROM hub.sync_run r WHERE r.lms_integration_id = %s", bench.row(code)["id"])
    assert run[0]["requests"]["outcomes"] == {"timeout": 1}


@proves("rate_limit_per_hour")
def most_requests_in_an_hour(bench: Bench) -> None:
    """Held across runs: what one used up, the next one has not."""
    code, fake = bench.lrs(2)
    bench.change(code, rate_limit_per_hour=3)
    for _ in range(2):
        with pytest.raises(Retriable, match="rate_limit_per_hour"):
            bench.sync(code)
    assert len(fake.server.asked) == 1
    bench.change(code, rate_limit_per_hour=36_000)
    assert bench.sync(code)["read"] == 2
    assert len(fake.server.asked) == 3


@proves("supported_course_types")
def types_taken_in(bench: Bench) -> None:
    """Others count as stored; empty: all."""
    code, told = bench.files(), CSV.format(name="Safety")
    bench.change(code, supported_course_types=["Blended"])
    assert bench.take(code, told)["stored"] == 1
    bench.change(code, supported_course_types=["eLearning"])
    assert bench.take(code, told)["stored"] == 0


@proves("field_mappings")
def mappings_name_the_columns(bench: Bench) -> None:
    code, told = bench.files(), CSV.format(name="Safety").replace("course_id", "Kurs")
    with pytest.raises(Refused):
        bench.take(code, told)
    bench.change(code, field_mappings={"course_id": "Kurs"})
    assert bench.take(code, told)["unmatched"] == 1


@proves("validation_rules")
def rules_reject(bench: Bench) -> None:
    code, told = bench.files(), CSV.format(name="Safety")
    bench.change(code, validation_rules={"properties": {"course_name": {"maxLength": 3}}})
    assert bench.take(code, told)["rejected"] == 1
    bench.change(code, validation_rules={"properties": {"course_name": {"maxLength": 30}}})
    assert bench.take(code, told)["rejected"] == 0


@proves("transformation_rules")
def rules_transform(bench: Bench) -> None:
    code = bench.files()
    bench.change(code, transformation_rules={"course_name": "join(' ', [record.course_name, 'II'])"})
    bench.take(code, CSV.format(name="Safety"))
    assert bench.enrollment(code)["course_name"] == "Safety II"


@proves("compliance_settings")
def settings_of_compliance(bench: Bench) -> None:
    """educational: the regulation of its learning facts."""
    regulations = []
    for settings in ({"educational": False}, {"educational": True}):
        code = bench.files()
        bench.change(code, compliance_settings=settings)
        bench.take(code, CSV.format(name="Safety"))
        found = bench.rows(
            "SELECT regulatory_impact FROM hub.lms_audit_trail WHERE entity_id = %s", bench.enrollment(code)["id"]
        )
        regulations.append(found[0]["regulatory_impact"])
    assert regulations == ["None", "Educational Compliance"]


@proves("created_by_user_id")
def person_of_the_first_command(bench: Bench) -> None:
    """A person; nobody where a system set it up; later commands leave it."""
    person = _user(bench)
    values = {"lms_code": "by-ada", "lms_name": "x", "lms_type": "Moodle", "integration_method": "File Upload"}
    bench.hub.commands.execute(acts.add(COMPANY, values, actor=Actor("user", person, person)))
    bench.change("by-ada", lms_name="y")
    assert str(bench.row("by-ada")["created_by_user_id"]) == person
    assert bench.row(bench.files())["created_by_user_id"] is None


@proves("updated_by_user_id")
def person_of_the_last_command(bench: Bench) -> None:
    person, code = _user(bench), bench.files()
    bench.hub.commands.execute(acts.change(COMPANY, code, {"timeout_seconds": 9}, actor=Actor("user", person, person)))
    row = bench.row(code)
    assert (str(row["updated_by_user_id"]), row["created_by_user_id"]) == (person, None)
    trail = bench.rows("SELECT performed_by_user_id AS p FROM hub.lms_audit_trail WHERE entity_id = %s "
                       "ORDER BY timestamp DESC LIMIT 1", row["id"])  # fmt: skip
    assert str(trail[0]["p"]) == person


def _user(bench: Bench) -> str:
    stream = bench.hub.keyring.pseudonym(COMPANY, "user", "ada")
    bench.hub.keyring.prepare(COMPANY, [stream])
    login = to_text(bench.hub.keyring.seal(stream, "ada", COMPANY))
    bench.hub.commands.execute(upsert("user", stream, COMPANY, {"login": login}))
    return stream


def columns() -> Sequence[str]:
    return [column.name for column in TABLES["lms_integration_config"].columns if column.name not in BOOKKEEPING]


@pytest.mark.parametrize("name", columns())
def test_changing_it_alone_changes_what_the_hub_does(bench: Bench, name: str) -> None:
    """One proof for each column of the table; a new column without one fails here."""
    assert name in PROOFS, f"{name} has no test"
    PROOFS[name](bench)


def test_every_column_that_a_person_may_set_is_a_column() -> None:
    """No option of the command line without a column, no proof of what is none."""
    assert set(OPTIONS) <= set(columns())
    assert set(PROOFS) == set(columns())

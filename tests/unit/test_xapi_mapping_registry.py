"""Which connector serves which integration."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from connectors import registry
from connectors.observe import Observer
from connectors.testing.waiting import ClearSealer
from connectors.xapi.ledger import Known
from connectors.xapi.lrs import XapiConnector
from hub.domain.values import LmsType
from hub.errors import Refused
from tests.unit.test_xapi_mapping import CONFIG, NOW, counted, statement

ID = "0000000a-0000-4000-8000-00000000000a"


@pytest.mark.parametrize(("lms_type", "method"), [*((kind, "xAPI") for kind in LmsType), ("xAPI Compatible", "API")])
def test_lrs(lms_type, method):
    """xAPI is a standard: any LMS with the method is read by its connector, built with what it needs."""
    assert registry.connector_class(lms_type, method) is XapiConnector
    config = replace(CONFIG, lms_type=lms_type, integration_method=method, api_endpoint_url="https://lrs.example.org/")
    connector = registry.connect(config, Observer(config, ClearSealer()))
    assert isinstance(connector, XapiConnector)
    connector.close()


@pytest.mark.parametrize(
    ("lms_type", "method", "text"),
    [("Canvas", "Database Link", "no connector"), ("Moodle", "File Upload", "files are imported")],
)
def test_combinations_without_a_connector(lms_type, method, text):
    """What has no connector is refused in words that say what there is instead."""
    config = replace(CONFIG, lms_type=lms_type, integration_method=method)
    with pytest.raises(Refused, match=text) as raised:
        registry.connect(config, Observer(config, ClearSealer()))
    assert raised.value.field == "integration_method"


@pytest.mark.parametrize(
    ("lms_type", "method", "data_format", "expected"),
    [
        ("Moodle", "File Upload", None, False),
        ("Moodle", "File Upload", "xAPI", True),
        ("Moodle", "xAPI", None, True),
        ("xAPI Compatible", "File Upload", None, True),
        ("xAPI Compatible", "File Upload", "CSV", False),
        ("Moodle", "API", "JSON", False),
    ],
)
def test_files_of_statements(lms_type, method, data_format, expected):
    """The data format of a file upload decides; without one, the type of the LMS or the method."""
    config = replace(CONFIG, lms_type=lms_type, integration_method=method, data_format=data_format)
    assert registry.holds_statements(config) is expected


def test_files_are_read_by_what_they_hold(tmp_path):
    """Statements go to the reader of statements, with the index that was lent; records to the reader of records."""

    class Voided:
        def find(self, statement_ids):
            return {key: Known(voided_by=ID.replace("a", "b")) for key in statement_ids}

    statements = tmp_path / "statements.json"
    statements.write_text(json.dumps(statement("completed") | {"id": ID}))
    ports = registry.Ports(index=Voided())
    (item,) = registry.read_file(str(statements), CONFIG, Observer(CONFIG, ClearSealer()), {}, lambda: NOW, ports)
    assert item.note == "it was voided"
    records = tmp_path / "records.csv"
    records.write_text("course_id,email,enrollment_status\nC-1,ada@example.org,Completed\n")
    config = replace(CONFIG, lms_type="Canvas", integration_method="File Upload")
    (item,) = registry.read_file(str(records), config, Observer(config, ClearSealer()), {}, lambda: NOW)
    assert counted(item)["course_key"] == "C-1"

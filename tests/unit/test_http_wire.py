"""Requests on the wire: kept connections, TLS, proxies of the environment, packed answers, and JSON in all its forms."""

from __future__ import annotations

import gzip
import ssl
import zlib
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from connectors.contract import RequestLog
from connectors.http import Answer, HttpClient, HttpRefused
from connectors.http_wire import Wire, headers_of, place_of
from connectors.testing.server import HostileServer, Reply, json_reply
from connectors.testing.waiting import FakeTime
from hub.domain.integration_config import IntegrationConfig
from hub.errors import Retriable

CONFIG = IntegrationConfig("i", "c", "lms", "LMS", "Moodle", "API", max_retry_attempts=0, rate_limit_per_hour=10_000)
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@contextmanager
def asking(url, **given):
    """A client of an address, and its log."""
    log = RequestLog()
    client = HttpClient(replace(CONFIG, api_endpoint_url=url), log, pace=FakeTime().pace(), **given)
    try:
        yield client, log
    finally:
        client.close()


def told_by(reply, **given):
    """What a client makes of an answer's body, and the answer."""
    with HostileServer(lambda _: reply) as server, asking(server.origin, **given) as (client, _):
        return client.read("/x", lambda answer: (answer.json(), answer))


# -- connections ------------------------------------------------------------------------------------------


def test_a_connection_is_kept_and_one_that_was_closed_is_made_anew():
    """Requests share a connection; where the server has closed it, another is made and no request is lost."""
    replies = [json_reply(1), json_reply(2, headers={"Connection": "close"}), json_reply(3)]
    with HostileServer(lambda _: replies.pop(0)) as server, asking(server.origin) as (client, log):
        assert [client.read("/", Answer.json) for _ in range(2)] == [1, 2]
        assert log.connects == 1
        assert client.read("/", Answer.json) == 3
        assert (log.connects, log.outcomes) == (2, {"ok": 3})


def test_time_spent_on_connecting_is_counted_where_it_fails_too():
    """Connecting counts apart from requests; a connection that was not made is none."""
    ticks = iter(range(100))
    log = RequestLog()
    wire = Wire(5.0, lambda: float(next(ticks)), log)
    with HostileServer(lambda _: json_reply(1)) as server:
        gone = server.origin
        wire.send("GET", place_of(gone + "/"), {}, None).close()
    assert (log.connects, log.connect_milliseconds) == (1, 1000.0)
    wire.close()
    with pytest.raises(httpcore.ConnectError):
        wire.send("GET", place_of(gone + "/"), {}, None)
    assert (log.connects, log.connect_milliseconds) == (1, 2000.0)


def test_a_request_and_its_form_leave_in_one_piece(monkeypatch):
    """A server that reads once has all of it."""
    pieces = []

    class Recorded(httpcore.MockStream):
        def write(self, buffer, timeout=None):
            pieces.append(buffer)

    class Sockets(httpcore.MockBackend):
        def connect_tcp(self, *args, **named):
            return Recorded([b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])

    monkeypatch.setattr(httpcore, "SyncBackend", lambda: Sockets([]))
    wire = Wire(5.0, lambda: 0.0, RequestLog())
    wire.send("POST", place_of("http://lms.example.org:81/a?b=ü"), {"X-Key": "k"}, b"c=d").close()
    (sent,) = pieces
    head, _, body = sent.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /a?b=%C3%BC HTTP/1.1\r\nHost: lms.example.org:81\r\n")
    assert {b"X-Key: k", b"Content-Length: 3"} <= set(head.split(b"\r\n"))
    assert body == b"c=d"


# -- TLS --------------------------------------------------------------------------------------------------


def certificate(folder):
    """A certificate of 127.0.0.1 that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    encoding = serialization.Encoding.PEM
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(encoding)
    )
    return path


@pytest.mark.parametrize("trusted", [True, False])
def test_certificates_are_checked(tmp_path, monkeypatch, trusted):
    """A server whose certificate the environment trusts is asked; any other is not reached, and no header is sent."""
    path = certificate(tmp_path)
    server = HostileServer(lambda asked: json_reply(asked.method))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with server, asking(server.origin.replace("http://", "https://")) as (client, log):
        if trusted:
            assert [client.read("/", Answer.json) for _ in range(2)] == ["GET", "GET"]
        else:
            with pytest.raises(Retriable, match="cannot be reached"):
                client.read("/", Answer.json)
        assert (log.connects, len(server.asked)) == ((1, 2) if trusted else (1, 0))


# -- proxies ----------------------------------------------------------------------------------------------


def test_a_proxy_of_the_environment_is_used(monkeypatch):
    """Requests go to the proxy with the whole address and its own credentials; the host stays the LMS's."""
    with HostileServer(lambda asked: json_reply([asked.target, asked.headers])) as proxy:
        monkeypatch.setenv("http_proxy", proxy.origin.replace("http://", "http://me:word@"))
        with asking("http://lms.example.org/api/") as (client, _):
            target, headers = client.read("courses?n=1", Answer.json)
    assert target == "http://lms.example.org/api/courses?n=1"
    assert headers["host"] == "lms.example.org"
    assert headers["proxy-authorization"].startswith("Basic ")


def test_hosts_without_a_proxy(monkeypatch):
    """A host of ``no_proxy`` is asked directly."""
    with HostileServer(lambda asked: json_reply(asked.target)) as server:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with asking(server.origin) as (client, _):
            assert client.read("/x", Answer.json) == "/x"


# -- answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)]
)
def test_packed_answers(encoding, pack):
    """Answers come packed or not; more than is allowed is not unpacked."""
    reply = json_reply([0] * 1000)
    packed = replace(reply, body=pack(reply.body), headers={"Content-Encoding": encoding})
    assert told_by(packed)[0] == [0] * 1000
    with pytest.raises(HttpRefused, match="more than 500 bytes"):
        told_by(packed, most_bytes=500)


def test_what_does_not_unpack_is_asked_for_again():
    """A packed answer that is spoiled says nothing of the source."""
    with pytest.raises(Retriable, match="cannot be reached"):
        told_by(Reply(200, b"\x1f\x8bspoiled", {"Content-Encoding": "gzip"}))


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": "\xc3\xbc"}', {"a": "ü"}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        ('{"a": "ü"}'.encode("utf-16"), {"a": "ü"}),
        (b'["\\ud800"]', ["\ud800"]),
        (b"[Infinity]", [float("inf")]),
        (b" null\n", None),
    ],
)
def test_json_in_all_its_forms(body, value):
    """What a lenient reader takes is taken: other encodings, halves of characters, numbers that are none."""
    assert told_by(Reply(200, body, {"Content-Type": "application/json"}))[0] == value


@pytest.mark.parametrize("body", [b"", b'{"a": ', b"[1] x", b"no"])
def test_what_is_no_json_may_pass(body):
    """Text that breaks off is asked for again."""
    with pytest.raises(Retriable, match="no whole JSON"):
        told_by(Reply(200, body))


def test_headers_that_are_repeated():
    """Headers have names in lower case; repeated ones stand in one value, whatever their bytes are."""
    pairs = [(b"Link", b"<a>"), (b"link", b"<b>"), (b"X-Name", "ü".encode()), (b"X-Old", b"\xfc")]
    assert headers_of(pairs) == {"link": "<a>, <b>", "x-name": "ü", "x-old": "ü"}

"""Addresses of APIs: the endpoint of an integration, what lies on its host, and what of an address may be told."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urljoin, urlsplit

import httpx

from hub.domain.integration_config import IntegrationConfig
from hub.errors import Refused


def endpoint(config: IntegrationConfig) -> str:
    """The endpoint with a slash at its end, so that names are joined below it."""
    url = (config.api_endpoint_url or "").strip()
    if not _is_endpoint(url):
        raise Refused(
            "api_endpoint_url must be an http or https address without credentials and query.",
            field="api_endpoint_url",
            rule="address",
            expected="an address such as https://lms.example.org/api/",
        )
    return url if url.endswith("/") else url + "/"


def origin(url: str) -> str:
    """Scheme, host and port of an address, with a slash."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"


@lru_cache(maxsize=256)
def joined(base: str, reference: str) -> str | None:
    """The address that a reference means, seen from ``base``; None where it is no address or lies on another host."""
    try:
        url = urljoin(base, reference)
        return str(httpx.URL(url)) if _same_host(base, url) else None
    except (ValueError, httpx.InvalidURL):
        return None


def bare(url: str) -> str:
    """An address without query, fragment and credentials: fit for messages."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


def _is_endpoint(url: str) -> bool:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and parts.hostname and not (parts.username or parts.query)
        return bool(whole) and parts.port != 0 and bool(httpx.URL(url).host)
    except (ValueError, httpx.InvalidURL):
        return False


def _same_host(one: str, other: str) -> bool:
    """The same host and port; going over from http to https on the standard ports is no other host."""
    a, b = urlsplit(one), urlsplit(other)
    if a.hostname != b.hostname:
        return False
    ports = {"http": 80, "https": 443}
    if a.scheme == "http" and b.scheme == "https" and (a.port or 80, b.port or 443) == (80, 443):
        return True
    return a.scheme == b.scheme and (a.port or ports.get(a.scheme)) == (b.port or ports.get(b.scheme))

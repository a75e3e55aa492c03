"""Reports of browsers: taken from anybody, never a fault, one line each, with no secret in it."""

import json
import logging
from typing import Any

import pytest
from django.test import Client

from ecsportal import cspreports
from ecsportal.cspreports import LINES_PER_MINUTE, MAX_BYTES, MAX_REPORTS, Meter

OLD = {
    "csp-report": {
        "document-uri": "https://portal.example.com/servers/?q=hush#hush",
        "referrer": "https://hush.example/hush",
        "effective-directive": "script-src-elem",
        "original-policy": "hush",
        "blocked-uri": "https://user:hush@evil.example/x.js?token=hush",
        "script-sample": "hush()",
        "line-number": 3,
        "source-file": "https://portal.example.com/static/js/app.js?hush",
    }
}
NEW = [{"type": "csp-violation", "body": {"documentURL": "https://p.example/jobs/", "blockedURL": "inline"}}]


@pytest.fixture(autouse=True)
def _fresh_meter() -> None:
    cspreports._meter.__init__(LINES_PER_MINUTE)  # type: ignore[misc]


def told(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(record) for record in caplog.records if record.getMessage() == "csp violation"]


def send(body: bytes, kind: str = "application/csp-report", **headers: str) -> int:
    client = Client(enforce_csrf_checks=True)
    return client.generic("POST", "/csp-reports/", body, kind, headers=headers).status_code


def test_a_report_is_one_line_without_what_may_be_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    assert send(json.dumps(OLD).encode()) == 204
    (line,) = told(caplog)
    assert line["levelno"] == logging.WARNING
    assert line["directive"] == "script-src-elem" and line["at_line"] == "3"
    assert line["page"] == "https://portal.example.com/servers/"
    assert line["blocked"] == "https://evil.example/x.js"
    assert "hush" not in repr(line)


def test_the_newer_form_is_read_too(caplog: pytest.LogCaptureFixture) -> None:
    assert send(json.dumps(NEW).encode(), "application/reports+json") == 204
    (line,) = told(caplog)
    assert (line["page"], line["blocked"]) == ("https://p.example/jobs/", "inline")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"[1, null, []]",
        b'"text"',
        b'{"csp-report": 1}',
        b'{"csp-report": {"blocked-uri": {"a": 1}, "document-uri": "http://[::1", "line-number": 1e999}}',
        b"[" * 5000,
        b'{"csp-report": {"document-uri": "' + b"x" * 10_000 + b'"}}',
        b'{"body": {"blockedURL": "javascript:alert(1)"}}',
        b'{"csp-report": {"document-uri": "https://p.example/\\u0000\\r\\nFORGED \\u202e \\ud800"}}',
    ],
)
def test_garbage_is_no_fault(body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    assert send(body) == 204
    assert all(
        len(str(line[name])) <= 200 for line in told(caplog) for name in ("page", "blocked", "directive")
    )


def test_what_is_too_long_is_not_read(caplog: pytest.LogCaptureFixture) -> None:
    long = json.dumps(OLD | {"more": "x" * MAX_BYTES}).encode()
    assert send(long) == 204
    assert told(caplog) == []


def test_a_bundle_counts_as_so_many_and_the_rest_is_left(caplog: pytest.LogCaptureFixture) -> None:
    assert send(json.dumps(NEW * (MAX_REPORTS + 5)).encode()) == 204
    assert len(told(caplog)) == MAX_REPORTS


def test_a_flood_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(LINES_PER_MINUTE + 20):
        send(json.dumps(OLD).encode())
    assert len(told(caplog)) <= 2 * LINES_PER_MINUTE
    meter = Meter(2)
    taken = [meter.takes(at) for at in (0, 1, 2, 59, 60, 61)]
    assert taken == [(True, 0), (True, 0), (False, 0), (False, 0), (True, 2), (True, 0)]


def test_only_post_is_answered() -> None:
    assert Client().get("/csp-reports/").status_code == 405

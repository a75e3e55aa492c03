"""Whose address the history gets: the proxy's word where it is trusted, the socket's where it is not."""

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from ecsportal.forwarded import ForwardedForMiddleware


def address(header: str | None) -> str:
    headers = {} if header is None else {"X-Forwarded-For": header}
    seen: list[HttpRequest] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse()

    ForwardedForMiddleware(view)(RequestFactory().get("/", headers=headers))
    return str(seen[0].META["REMOTE_ADDR"])


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::1"),
        (None, "127.0.0.1"),
        ("", "127.0.0.1"),
        ("203.0.113.7,", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
        ("203.0.113.7:4711", "127.0.0.1"),
        ("<script>", "127.0.0.1"),
    ],
)
def test_a_trusted_proxy_names_the_person_behind_it(header: str | None, found: str, settings: Any) -> None:
    settings.TRUST_PROXY = True
    assert address(header) == found


def test_without_trust_the_header_is_a_claim_of_the_visitor(settings: Any) -> None:
    settings.TRUST_PROXY = False
    assert address("203.0.113.7") == "127.0.0.1"

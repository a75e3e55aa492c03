"""The signature against the published vectors and, for requests nobody wrote down, the official signer."""

import copy
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import requests
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from hypothesis import given, settings
from hypothesis import strategies as st

from ecsclient.auth import DATE_FORMAT, AkSk, AkSkAuth, PasswordLogin, canonical_request, sign_request
from tests.ecsclient.documents import load

VECTORS = load("sign_vectors.json")
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _request(vector: dict[str, Any]) -> tuple[str, dict[str, str], bytes]:
    inputs = vector["inputs"]
    query = (
        "?" + urlencode([tuple(pair) for pair in inputs["query"]], quote_via=quote) if inputs["query"] else ""
    )
    headers = {k: v for k, v in inputs["headers"].items() if k not in ("X-Sdk-Date", "X-Security-Token")}
    return f"https://{inputs['host']}{inputs['path']}{query}", headers, (inputs["body"] or "").encode()


@pytest.mark.parametrize("vector", VECTORS, ids=[v["name"] for v in VECTORS])
def test_published_vectors(vector: dict[str, Any]) -> None:
    inputs = vector["inputs"]
    url, headers, body = _request(vector)
    token = inputs["headers"].get("X-Security-Token", "")
    signed_at = datetime.strptime(inputs["headers"]["X-Sdk-Date"], DATE_FORMAT).replace(tzinfo=UTC)
    signed = sign_request(
        method=inputs["method"],
        url=url,
        headers=headers,
        body=body,
        key=AkSk(inputs["ak"], inputs["sk"], token),
        signed_at=signed_at,
    )
    assert signed["Authorization"] == vector["authorization"]
    assert signed["Host"] == inputs["host"]
    assert signed["X-Sdk-Date"] == inputs["headers"]["X-Sdk-Date"]
    assert signed.get("X-Security-Token", "") == token
    del signed["Authorization"]
    assert canonical_request(inputs["method"], url, signed, body)[0] == vector["canonical_request"]


_name = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
_header = st.from_regex(r"X-[A-Za-z0-9-]{1,10}", fullmatch=True).filter(
    lambda n: n.lower() not in ("x-sdk-date", "x-security-token", "x-sdk-content-sha256")
)
_value = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=15)


@settings(max_examples=200, deadline=None)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    segments=st.lists(_name.filter(lambda s: "/" not in s), min_size=1, max_size=5),
    query=st.lists(st.tuples(_name.filter(bool), _name), max_size=4),
    headers=st.dictionaries(_header, _value, max_size=4),
    body=st.binary(max_size=100),
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40),
)
def test_any_request_is_signed_like_the_official_signer(
    method: str,
    segments: list[str],
    query: list[tuple[str, str]],
    headers: dict[str, str],
    body: bytes,
    secret: str,
) -> None:
    headers = {"Content-Type": "application/json", **{k.lower(): v for k, v in headers.items()}}
    path = "/" + "/".join(quote(s, safe="~") for s in segments)
    url = f"https://ecs.example.com:8443{path}" + (f"?{urlencode(query)}" if query else "")
    ours = sign_request(
        method=method, url=url, headers=headers, body=body, key=AkSk("AKEXAMPLE", secret), signed_at=AT
    )
    theirs = SdkRequest(
        method=method,
        schema="https",
        host="ecs.example.com:8443",
        resource_path=path,
        query_params=copy.copy(query),
        header_params={**headers, "X-Sdk-Date": "20260102T030405Z"},
        body=body,
    )
    Signer(BasicCredentials("AKEXAMPLE", secret, "project")).sign(theirs)
    assert ours["Authorization"] == theirs.header_params["Authorization"]


def test_every_signed_part_changes_the_signature() -> None:
    base: dict[str, Any] = {
        "method": "POST",
        "url": "https://ecs.example.com/v2/p/x?a=1",
        "headers": {"Content-Type": "application/json", "X-Project-Id": "p"},
        "body": b"{}",
        "key": AkSk("AK", "SK"),
        "signed_at": AT,
    }
    others: list[dict[str, Any]] = [
        {"method": "PUT"},
        {"url": "https://ecs.example.com/v2/p/y?a=1"},
        {"url": "https://ecs.example.com/v2/p/x?a=2"},
        {"url": "https://ecs.example.org/v2/p/x?a=1"},
        {"headers": {"Content-Type": "application/json", "X-Project-Id": "q"}},
        {"body": b"{ }"},
        {"key": AkSk("AK", "SL")},
        {"signed_at": AT + timedelta(seconds=1)},
    ]
    signatures = {sign_request(**{**base, **change})["Authorization"] for change in [{}, *others]}
    assert len(signatures) == len(others) + 1


def test_the_date_is_utc_whatever_zone_is_given() -> None:
    moment = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    signed = sign_request(
        method="GET", url="https://e/", headers={}, body=b"", key=AkSk("a", "b"), signed_at=moment
    )
    assert signed["X-Sdk-Date"] == "20260102T030405Z"


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="signed_at"):
        sign_request(
            method="GET",
            url="https://e/",
            headers={},
            body=b"",
            key=AkSk("a", "b"),
            signed_at=datetime(2026, 1, 2),  # noqa: DTZ001 - this is what must be refused
        )


def test_credentials_do_not_show_their_secrets() -> None:
    shown = repr(AkSk("AKSHOWN", "canary-secret", "canary-token")) + repr(
        PasswordLogin("ops", "canary-password", "ACCOUNT")
    )
    assert "canary" not in shown
    assert "AKSHOWN" in shown and "ops" in shown


def test_a_requests_session_signs_only_what_travels_unchanged() -> None:
    prepared = requests.Request(
        "POST",
        "https://ecs.example.com/v1/p/x",
        params={"name": "a b/ä"},
        data=b'{"a":1}',
        headers={"Content-Type": "application/json", "User-Agent": "u", "X-Project-Id": "p"},
        auth=AkSkAuth(AkSk("AK", "SK"), clock=lambda: AT),
    ).prepare()
    expected = sign_request(
        method="POST",
        url="https://ecs.example.com/v1/p/x?name=a%20b%2F%C3%A4",
        headers={"Content-Type": "application/json", "X-Project-Id": "p"},
        body=b'{"a":1}',
        key=AkSk("AK", "SK"),
        signed_at=AT,
    )
    assert prepared.headers["Authorization"] == expected["Authorization"]
    assert prepared.headers["Host"] == "ecs.example.com"

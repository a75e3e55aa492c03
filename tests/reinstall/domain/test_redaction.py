"""No secret and no trick character gets into what is stored and shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reinstall.domain.redaction import plain_text, redacted, shown_request, shown_response
from reinstall.domain.spec import ReinstallSpec

SECRET = "canary-51c0"
NAMES = [
    "adminPass",
    "password",
    "secret",
    "secret_key",
    "token",
    "user_data",
    "private_key",
    "securitytoken",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_value_under_a_secret_name_is_hidden_at_any_depth(name: str) -> None:
    value = {"a": [{"b": {name: SECRET, "kept": 1}}]}
    assert redacted(value) == {"a": [{"b": {name: "hidden", "kept": 1}}]}
    assert SECRET not in shown_response(json.dumps(value).encode())
    assert SECRET not in shown_request(json.dumps(value).encode())


def test_an_empty_secret_is_shown_as_empty() -> None:
    assert redacted({"password": ""}) == {"password": ""}


def test_a_reinstall_is_shown_with_the_size_and_digest_of_its_script() -> None:
    spec = ReinstallSpec(keyname="k", userid="0" * 32, user_data=f"#!/bin/sh\n{SECRET}\n".encode())
    shown = shown_request(spec.request_bytes())
    assert SECRET not in shown
    assert '"user_data": "hidden: 22 B, sha256 ' in shown
    assert json.loads(shown)["os-reinstall"]["keyname"] == "k"


@pytest.mark.parametrize("body", [b"", b"not json", b"\xff\xfe", b"[" * 100_000])
def test_a_request_that_is_no_json_is_a_number_of_bytes(body: bytes) -> None:
    shown = shown_request(body)
    assert shown == (f"{len(body):,} bytes that are not JSON" if body else "")


@pytest.mark.parametrize("body", [b"<b>\x00\x1b[31m\r\n", b"[" * 100_000, b"\xff\xfe", b'"\\ud800"'])
def test_any_response_can_be_stored_and_shown(body: bytes) -> None:
    shown = shown_response(body)
    assert len(shown) <= 4096
    shown.encode()
    assert not set(shown) & {"\0", "\x1b", "\r"}


def test_a_long_response_is_cut() -> None:
    shown = shown_response(json.dumps({"x": "y" * 10_000}).encode(), limit=100)
    assert len(shown) == 100
    assert shown.endswith("…")


@given(st.text(max_size=60), st.integers(1, 40))
def test_plain_text_fits_and_can_be_stored(text: str, limit: int) -> None:
    shown = plain_text(text, limit)
    assert len(shown) <= limit
    shown.encode()
    assert all(char >= " " or char in "\n\t" for char in shown)


def test_letters_of_any_script_stay_and_direction_overrides_go() -> None:
    assert plain_text("сервер 服务器 ö") == "сервер 服务器 ö"
    assert plain_text("web\u202e01") == "web\N{REPLACEMENT CHARACTER}01"


def test_a_request_quoted_inside_a_trace_is_cleaned_too() -> None:
    body = json.dumps({"os-reinstall": {"keyname": "k", "metadata": {"user_data": SECRET}}})
    trace = {"traces": [{"trace_name": "reinstallOsV2", "request": body, "note": "{not json", "user": "{}"}]}
    shown = shown_response(json.dumps(trace).encode())
    assert SECRET not in shown
    assert "reinstallOsV2" in shown and "keyname" in shown and "{not json" in shown
    cut = redacted({"request": body[:-4]})
    assert cut == {"request": "hidden"}

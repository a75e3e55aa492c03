"""Each rule of the API page, at its edge, and the exact bytes that would be sent."""

import base64
import gzip
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reinstall.domain.errors import RuleBroken
from reinstall.domain.spec import (
    USER_DATA_MAX_BYTES,
    Limits,
    ReinstallSpec,
    base64_field,
    canonical_json,
    mask_body,
    typed_text,
    user_data_warnings,
)

KEY = "KeyPair-350b"
USER = "7e25b1da389f4697a79df3a0e5bd494e"
CMK = "83cdb52d-9ebf-4469-9cfa-e7b5b80da846"
GOOD: dict[str, Any] = {"keyname": KEY, "userid": USER}
#: What the API page prints as base64 of its Linux example.
PAGES_OWN = "IyEgL2Jpbi9iYXNoDQplY2hvIHVzZXJfdGVzdCAmZ3Q7Jmd0OyAvaG9tZS91c2VyLnR4dA=="


def spec(**changes: Any) -> ReinstallSpec:
    return ReinstallSpec(**(GOOD | changes))


def broken(**changes: Any) -> list[tuple[str, str]]:
    """(field, code) of all that is wrong, in order; empty when nothing is."""
    try:
        spec(**changes)
    except RuleBroken as error:
        return [(e.field, e.code) for e in error.errors]
    return []


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"keyname": "a"},
        {"keyname": "A_b-9" + "x" * 59},
        {"userid": "0" * 32},
        {"mode": "withStopServer"},
        {"byol": True},
        {"encrypted": False},
        {"encrypted": True, "cmkid": CMK},
        {"user_data": b"x" * USER_DATA_MAX_BYTES},
        {"user_data": gzip.compress(b"#!/bin/sh\n" * 100, mtime=0)},
    ],
)
def test_what_the_page_allows_is_allowed(changes: dict[str, Any]) -> None:
    assert broken(**changes) == []


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"keyname": ""}, "keyname", "required"),
        ({"keyname": "x" * 65}, "keyname", "format"),
        ({"keyname": "key pair"}, "keyname", "format"),
        ({"keyname": "ключ"}, "keyname", "format"),
        ({"keyname": "key\n"}, "keyname", "format"),
        ({"keyname": "../key"}, "keyname", "format"),
        ({"userid": ""}, "userid", "required"),
        ({"userid": USER.upper()}, "userid", "format"),
        ({"userid": USER[:-1]}, "userid", "format"),
        ({"userid": USER + "0"}, "userid", "format"),
        ({"userid": USER + "\n"}, "userid", "format"),
        ({"mode": "withstopserver"}, "mode", "choice"),
        ({"mode": "stop"}, "mode", "choice"),
        ({"encrypted": True}, "cmkid", "required"),
        ({"encrypted": True, "cmkid": CMK[:-1]}, "cmkid", "format"),
        ({"encrypted": True, "cmkid": CMK.replace("-", "")}, "cmkid", "format"),
        ({"encrypted": False, "cmkid": CMK}, "cmkid", "unused"),
        ({"cmkid": CMK}, "cmkid", "unused"),
        ({"user_data": b"x" * (USER_DATA_MAX_BYTES + 1)}, "user_data", "too_large"),
        ({"user_data": b"#!/bin/sh\n\0"}, "user_data", "nul_byte"),
    ],
)
def test_what_breaks_a_rule_names_its_field(changes: dict[str, Any], field: str, code: str) -> None:
    assert broken(**changes) == [(field, code)]


def test_all_that_is_wrong_is_said_at_once() -> None:
    wrong = broken(keyname="", userid="x", mode="y", encrypted=True, user_data=b"\0")
    assert [field for field, _ in wrong] == ["keyname", "userid", "user_data", "mode", "cmkid"]


@pytest.mark.parametrize(
    ("limits", "changes", "field"),
    [
        (Limits("Here", allows_mode=False), {"mode": "withStopServer"}, "mode"),
        (Limits("Here", allows_byol=False), {"byol": True}, "byol"),
        (Limits("Here", allows_encryption=False), {"encrypted": False}, "encrypted"),
        (Limits("Here", allows_encryption=False), {"encrypted": True, "cmkid": CMK}, "encrypted"),
    ],
)
def test_what_a_cloud_does_not_take_is_said_with_its_name(
    limits: Limits, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(RuleBroken, match="Here does not take") as caught:
        spec(limits=limits, **changes)
    assert [(e.field, e.code) for e in caught.value.errors] == [(field, "not_on_this_cloud")]


def test_without_a_key_only_user_data_where_the_cloud_takes_it_alone() -> None:
    alone = Limits(user_data_only=True)
    assert broken(keyname="", userid="", user_data=b"#!/bin/sh\n", limits=alone) == []
    assert broken(keyname="", userid="", limits=alone) == [("keyname", "required")]
    assert broken(keyname="", userid="", user_data=b"#!/bin/sh\n") == [("keyname", "required")]


@pytest.mark.parametrize(("size", "fits"), [(32_767, True), (32_768, True), (32_769, False)])
def test_the_limit_counts_bytes_before_base64(size: int, fits: bool) -> None:
    assert (broken(user_data=b"x" * size) == []) is fits


@pytest.mark.parametrize(("letters", "fits"), [(16_384, True), (16_385, False)])
def test_a_letter_of_two_bytes_counts_twice(letters: int, fits: bool) -> None:
    assert (broken(user_data=typed_text("é" * letters)) == []) is fits
    # One byte short of the end, a letter of two does not fit any more.
    assert broken(user_data=typed_text("x" * 32_767 + "é")) == [("user_data", "too_large")]


def test_the_sentence_on_size_says_both_numbers() -> None:
    with pytest.raises(RuleBroken, match=r"32,770 bytes, 2 too many.*32,768 bytes before base64"):
        spec(user_data=b"x" * 32_770)


def test_typed_text_gets_line_feeds_and_an_upload_keeps_every_byte() -> None:
    assert typed_text("#!/bin/sh\r\necho a\rb\n") == b"#!/bin/sh\necho a\nb\n"
    upload = b"#!/bin/sh\r\necho a\r\n"
    assert base64.b64decode(metadata(user_data=upload)["user_data"]) == upload


def test_half_a_character_in_typed_text_names_its_line() -> None:
    with pytest.raises(RuleBroken, match="Line 2 ") as caught:
        typed_text("#!/bin/sh\necho \ud800")
    assert caught.value.errors[0].field == "user_data"


@given(st.binary(max_size=200))
def test_base64_is_read_back_byte_for_byte(raw: bytes) -> None:
    assert base64_field(base64.b64encode(raw).decode()) == raw


@pytest.mark.parametrize("text", ["a", "aGk=\n", "aG k=", "aGk-", "é", "aGk==", "=aGk"])
def test_what_is_not_base64_names_its_field(text: str) -> None:
    with pytest.raises(RuleBroken) as caught:
        base64_field(text)
    assert caught.value.errors[0].field == "user_data_base64"


def metadata(**changes: Any) -> dict[str, Any]:
    root = spec(**changes).body()["os-reinstall"]
    assert isinstance(root, dict)
    found: dict[str, Any] = root.get("metadata", {})
    return found


def test_the_body_is_that_of_the_second_example_of_the_page() -> None:
    assert spec().body() == {"os-reinstall": {"keyname": KEY, "userid": USER}}


def test_the_body_with_every_field() -> None:
    full = spec(mode="withStopServer", byol=True, encrypted=True, cmkid=CMK, user_data=b"#!/bin/sh\n")
    assert full.body() == {
        "os-reinstall": {
            "keyname": KEY,
            "userid": USER,
            "mode": "withStopServer",
            "metadata": {
                "BYOL": "true",
                "user_data": "IyEvYmluL3NoCg==",
                "__system__encrypted": "1",
                "__system__cmkid": CMK,
            },
        }
    }


def test_a_licence_that_is_not_brought_is_not_spoken_of() -> None:
    assert b"BYOL" not in spec(byol=False, encrypted=False).request_bytes()


@pytest.mark.parametrize(("encrypted", "sent"), [(None, None), (False, "0")])
def test_encryption_is_left_out_or_refused_in_so_many_words(encrypted: bool | None, sent: str | None) -> None:
    assert metadata(encrypted=encrypted).get("__system__encrypted") == sent


def test_the_bytes_are_canonical() -> None:
    raw = spec(byol=True, encrypted=False).request_bytes()
    assert raw == (
        b'{"os-reinstall":{"keyname":"KeyPair-350b","metadata":{"BYOL":"true","__system__encrypted":"0"},'
        b'"userid":"7e25b1da389f4697a79df3a0e5bd494e"}}'
    )


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=6))
def test_equal_values_give_equal_bytes(value: dict[str, Any]) -> None:
    backwards = dict(reversed(value.items()))
    assert canonical_json(value) == canonical_json(backwards)
    assert json.loads(canonical_json(value)) == value


@given(st.binary(min_size=12, max_size=400).filter(lambda raw: b"\0" not in raw))
def test_the_masked_body_never_holds_the_script(raw: bytes) -> None:
    shown = json.dumps(spec(user_data=raw).masked_body())
    assert base64.b64encode(raw).decode() not in shown
    assert f"hidden: {len(raw):,} B, sha256 {hashlib.sha256(raw).hexdigest()}" in shown


def test_masking_hides_a_password_and_leaves_the_original_alone() -> None:
    body: dict[str, object] = {"os-reinstall": {"adminpass": "S3cret!", "userid": USER}}
    assert mask_body(body) == {"os-reinstall": {"adminpass": "hidden", "userid": USER}}
    assert body == {"os-reinstall": {"adminpass": "S3cret!", "userid": USER}}


def test_masking_hides_user_data_that_is_not_base64() -> None:
    masked = mask_body({"os-reinstall": {"metadata": {"user_data": "password: hunter2"}}})
    assert "hunter2" not in json.dumps(masked)


def test_the_pages_own_example_is_warned_about_twice() -> None:
    # It was encoded from the page's HTML, on Windows: "&gt;&gt;" and CR are really in it.
    warnings = user_data_warnings(base64.b64decode(PAGES_OWN))
    assert len(warnings) == 2
    assert "ends in CR" in warnings[0]
    assert "Line 2 holds the HTML entity &gt;" in warnings[1]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"#!/bin/sh\necho 'a & b' > /tmp/x\n",
        b"#cloud-config\nhostname: a\n",
        b"rem cmd\necho 1 > c:\\a.txt\n",
        b"<powershell>\nGet-Date\n</powershell>\n",
        gzip.compress(b"#!/bin/sh\n", mtime=0),
    ],
)
def test_what_is_usual_is_not_warned_about(raw: bytes) -> None:
    assert user_data_warnings(raw) == ()


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"#!/bin/sh\necho &amp;&amp; true\n", "HTML entity &amp;"),
        (b"#!/bin/sh\nx=&#39;a&#39;\n", "HTML entity &#39;"),
        (b"#!/bin/sh\r\necho\n", "ends in CR"),
        (b"echo hello\n", "neither #! nor #cloud-config"),
        (b"\xef\xbb\xbf#!/bin/sh\n", "byte order mark"),
        (b"\x1f\x8b\x08 chance: &lt; and more", "cannot be unpacked"),
    ],
)
def test_what_is_seldom_meant_is_warned_about(raw: bytes, said: str) -> None:
    (warning,) = user_data_warnings(raw)
    assert said in warning

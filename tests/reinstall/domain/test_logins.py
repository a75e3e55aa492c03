"""The rules of a login: key pair or password, what a password must have, what Windows refuses besides."""

from typing import Any

import pytest

from reinstall.domain.errors import RuleBroken
from reinstall.domain.logins import PASSWORD_SPECIALS, password_fault, windows_fault
from reinstall.domain.spec import Limits, ReinstallSpec, mask_body

GOOD = "Example-Pass_1"
HERE = Limits(cloud_title="Cloud X", allows_password=True)
KEY = {"keyname": "KeyPair-350b", "userid": "7e25b1da389f4697a79df3a0e5bd494e"}


def broken(**asked: Any) -> list[tuple[str, str]]:
    try:
        ReinstallSpec(**{"limits": HERE, **asked})
    except RuleBroken as error:
        return [(e.field, e.code) for e in error.errors]
    return []


@pytest.mark.parametrize(
    "password",
    [
        "Abcdef1x",
        "A" * 13 + "a" * 12 + "1",
        "abcdef1!",
        "ABCDEF1!",
        "Abcdefg!",
        *("Abcdef1" + s for s in "~#*"),
    ],
)
def test_what_the_cloud_takes_is_taken(password: str) -> None:
    assert password_fault(password) == "" and broken(adminpass=password) == []


def test_each_special_character_of_the_page_counts_as_one() -> None:
    assert [s for s in PASSWORD_SPECIALS if password_fault(f"abcdef1{s}")] == []


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("Abcde1!", "8 to 26 characters; this one has 7"),
        ("Abcdef1!" + "x" * 19, "8 to 26 characters; this one has 27"),
        ("abcdefgh1", "at least three kinds"),
        ("ABCDEFGH!", "at least three kinds"),
        ("Abcdef1 x", "of the others only"),
        ("Abcdef1§", "of the others only"),
        ("Abcdef1\n", "of the others only"),
        ("Abcdéf1!", "of the others only"),
    ],
)
def test_what_it_does_not_take_is_told_without_repeating_it(password: str, words: str) -> None:
    fault = password_fault(password)
    assert words in fault and password not in fault
    assert broken(adminpass=password) == [("adminpass", "format")]


@pytest.mark.parametrize(
    "password", ["Administrator1", "xRotArtsinimdA1", "12-aDMi-XX", "1!nimD-abc", "Ator-12345"]
)
def test_windows_refuses_parts_of_the_user_name(password: str) -> None:
    assert "Administrator" in windows_fault(password)


@pytest.mark.parametrize("password", ["Example-Pass_1", "Ad-mi-12345", "1!dA-im-XyZ"])
def test_two_characters_in_a_row_are_fine(password: str) -> None:
    assert windows_fault(password) == ""


def test_a_password_and_a_key_pair_exclude_each_other() -> None:
    assert broken(adminpass=GOOD, **KEY) == [("adminpass", "exclusive")]
    assert broken() == [("keyname", "required")]


def test_where_the_cloud_has_no_password_its_profile_says_why() -> None:
    limits = Limits(cloud_title="Cloud Y", password_note="Cloud Y documents none.")
    with pytest.raises(RuleBroken, match=r"^Cloud Y documents none\.$") as caught:
        ReinstallSpec(adminpass=GOOD, limits=limits)
    assert [(e.field, e.code) for e in caught.value.errors] == [("adminpass", "not_on_this_cloud")]
    with pytest.raises(RuleBroken, match="Cloud Z takes no password"):
        ReinstallSpec(adminpass=GOOD, limits=Limits(cloud_title="Cloud Z"))


def test_the_password_is_in_the_body_and_in_no_repr_or_mask() -> None:
    spec = ReinstallSpec(adminpass=GOOD, mode="withStopServer", limits=HERE)
    assert spec.body() == {"os-reinstall": {"adminpass": GOOD, "mode": "withStopServer"}}
    assert spec.request_bytes() == b'{"os-reinstall":{"adminpass":"Example-Pass_1","mode":"withStopServer"}}'
    assert GOOD not in repr(spec)
    assert spec.masked_body() == mask_body(spec.body())
    assert spec.masked_body() == {"os-reinstall": {"adminpass": "hidden", "mode": "withStopServer"}}

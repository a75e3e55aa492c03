"""The codes of the audit history: what they cover, and in which form a value is signed."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reinstall.domain import chain

KEY = b"k" * 32
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
VALUES = (
    3, 7, 1, 99, NOON, 5, "bob", "browser", "", "192.0.2.1", "r-1", "job.running", "job", "12", "#12 web",
    "shop", {"state": "submitting"}, {"state": "running"}, "it ran", 4,
)  # fmt: skip


def test_an_entry_is_signed_in_this_form_and_no_other() -> None:
    """Written down here by hand: a change of the form would break every history there is."""
    said = (
        b'[3,7,1,99,"2026-03-01T12:00:00+00:00",5,"bob","browser","","192.0.2.1","r-1","job.running","job",'
        b'"12","#12 web","shop",{"state":"submitting"},{"state":"running"},"it ran",4]'
    )
    assert chain.says(VALUES) == said
    by_hand = hmac.new(KEY, b"entry:v1:" + b"a" * 64 + b":" + said, hashlib.sha256).hexdigest()
    assert chain.entry_mac(KEY, "a" * 64, said) == by_hand


@pytest.mark.parametrize("place", range(len(chain.FIELDS)), ids=chain.FIELDS)
def test_every_column_is_covered(place: int) -> None:
    value = VALUES[place]
    other = value + timedelta(microseconds=1) if isinstance(value, datetime) else f"{value}x"
    changed = [*VALUES[:place], other, *VALUES[place + 1 :]]
    assert chain.says(changed) != chain.says(VALUES)


def test_key_and_the_entry_before_count() -> None:
    said = chain.says(VALUES)
    codes = {
        chain.entry_mac(KEY, "", said),
        chain.entry_mac(KEY, "a" * 64, said),
        chain.entry_mac(b"o" * 32, "", said),
    }
    assert len(codes) == 3


def test_one_moment_in_two_zones_is_one_moment() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=2)))
    assert chain.says([there]) == chain.says([NOON])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_what_is_signed_is_what_a_database_gives_back(value: dict[str, object]) -> None:
    stored = chain.as_stored(value)
    # jsonb writes numbers out in full: 1e+22 comes back as a whole number.
    read = json.loads(json.dumps(stored))
    assert chain.says([read]) == chain.says([stored])
    assert chain.as_stored(stored) == stored


@pytest.mark.parametrize(("value", "stored"), [(1.0, 1), (1e22, 10**22), (0.1, 0.1), ((1, 2), [1, 2])])
def test_numbers_and_lists_have_one_form(value: object, stored: object) -> None:
    found = chain.as_stored({"x": value})["x"]
    assert found == stored and type(found) is type(stored)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"x"])
def test_what_json_does_not_have_is_refused(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        chain.as_stored({"x": value})


def test_the_end_of_a_stream_is_signed_with_all_it_says() -> None:
    end: dict[str, Any] = {"number": 1, "position": 2, "mac": "a" * 64, "key_id": 3}
    codes = {chain.head_mac(KEY, **end)}
    for name in end:
        codes.add(chain.head_mac(KEY, **end | {name: "b" * 64 if name == "mac" else 9}))
    assert len(codes) == 5


def test_streams_without_an_end_are_known() -> None:
    assert chain.missing(range(chain.STREAMS)) == ()
    assert chain.missing({*range(chain.STREAMS)} - {7}) == (7,)

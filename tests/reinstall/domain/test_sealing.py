"""Sealed values open with the right key, in the right place, unchanged; in no other case."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reinstall.domain.sealing import CannotOpen, KeyRing

OLD, NEW = secrets.token_bytes(32), secrets.token_bytes(32)
RING = KeyRing({"k1": OLD})
PLACE = "order:user_data:7"


@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_was_sealed_opens(plain: bytes, place: str) -> None:
    assert RING.open(RING.seal(plain, place), place) == plain


def test_sealing_twice_gives_two_texts_and_neither_shows_the_plain_one() -> None:
    first, second = RING.seal(b"canary-one", PLACE), RING.seal(b"canary-one", PLACE)
    assert first != second
    assert b"canary" not in first + second


@pytest.mark.parametrize("place", ["order:user_data:8", "order:user_data:70", "project:credentials:7", ""])
def test_a_value_moved_to_another_row_or_column_does_not_open(place: str) -> None:
    with pytest.raises(CannotOpen):
        RING.open(RING.seal(b"x", PLACE), place)


def test_another_key_of_the_same_name_does_not_open() -> None:
    with pytest.raises(CannotOpen):
        KeyRing({"k1": NEW}).open(RING.seal(b"x", PLACE), PLACE)


def test_without_the_key_the_sentence_names_it_and_the_place() -> None:
    with pytest.raises(CannotOpen, match=r"no key 'k1' to open order:user_data:7"):
        KeyRing({"k2": NEW}).open(RING.seal(b"x", PLACE), PLACE)


def test_rotation_seals_with_the_first_key_and_opens_with_all() -> None:
    before = RING.seal(b"kept", PLACE)
    rotated = KeyRing({"k2": NEW, "k1": OLD})
    assert rotated.open(before, PLACE) == b"kept"
    after = rotated.seal(b"kept", PLACE)
    assert KeyRing({"k2": NEW}).open(after, PLACE) == b"kept"
    with pytest.raises(CannotOpen):
        RING.open(after, PLACE)


def test_any_changed_byte_is_noticed() -> None:
    sealed = RING.seal(b"plain", PLACE)
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(CannotOpen):
            RING.open(bytes(changed), PLACE)


def test_any_shorter_text_is_noticed() -> None:
    sealed = RING.seal(b"plain", PLACE)
    for size in range(len(sealed)):
        with pytest.raises(CannotOpen):
            RING.open(sealed[:size], PLACE)


@given(st.binary(max_size=120))
def test_what_was_never_sealed_does_not_open(junk: bytes) -> None:
    with pytest.raises(CannotOpen):
        RING.open(junk, PLACE)


def test_a_key_is_not_in_the_text_of_its_ring() -> None:
    assert repr(OLD) not in repr(RING)
    assert OLD.hex() not in repr(RING)

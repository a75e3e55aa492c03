"""An anchor: one line that can be kept elsewhere, and read again from the middle of a log."""

from datetime import UTC, datetime

import pytest

from reinstall.domain.anchors import anchor_of, digest_of, read_anchor

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HEADS = [(0, 12, "a" * 64), (1, 0, ""), (5, 3, "b" * 64)]


def test_an_anchor_counts_all_entries_and_names_only_streams_that_have_some() -> None:
    anchor = anchor_of(HEADS, NOON)
    assert anchor.entries == 15
    assert anchor.ends == {0: 12, 5: 3}
    assert anchor.digest == digest_of({0: (12, "a" * 64), 5: (3, "b" * 64)})
    assert anchor.digest.startswith(anchor.short) and len(anchor.short) == 12


@pytest.mark.parametrize("heads", [HEADS, []], ids=["some", "an empty history"])
def test_a_line_of_the_log_is_read_again(heads: list[tuple[int, int, str]]) -> None:
    anchor = anchor_of(heads, NOON)
    line = f"2026-03-01T12:00:01Z [info     ] audit_anchor {anchor} [reinstall.services.anchoring]"
    assert read_anchor(line) == read_anchor(str(anchor)) == anchor


@pytest.mark.parametrize("other", [[(0, 13, "a" * 64)], [(0, 12, "c" * 64)], [(1, 12, "a" * 64)], []])
def test_another_end_is_another_digest(other: list[tuple[int, int, str]]) -> None:
    assert anchor_of(other, NOON).digest != anchor_of(HEADS[:1], NOON).digest


@pytest.mark.parametrize("line", ["", "audit_anchor", "at=x entries=1 digest=zz ends=", "at=now entries=1"])
def test_another_line_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="An anchor is a line"):
        read_anchor(line)

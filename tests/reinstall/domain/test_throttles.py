"""Limits in windows of time, and how people write them."""

from datetime import UTC, datetime, timedelta

import pytest

from reinstall.domain.throttles import DEFAULTS, Kind, Limit, parse_limits

T0 = datetime(2026, 1, 2, 3, 4, 0, tzinfo=UTC)


def test_a_window_begins_with_the_minute_and_is_told_in_whole_seconds() -> None:
    limit = Limit(10, 60)
    begin = int(T0.timestamp())
    for seconds, left in ((0, 60), (0.9, 60), (1, 59), (59, 1), (59.999, 1)):
        at = T0 + timedelta(seconds=seconds)
        assert limit.window(at) == begin
        assert limit.left_s(begin, at) == left
    assert limit.window(T0 + timedelta(seconds=60)) == begin + 60


def test_reads_are_counted_in_blocks_and_nothing_else_is() -> None:
    assert Limit(600, 60).block(Kind.READ) == 30
    assert Limit(19, 60).block(Kind.READ) == 1
    assert [Limit(600, 60).block(kind) for kind in Kind if kind is not Kind.READ] == [1] * 5


def test_what_is_not_said_is_as_by_default() -> None:
    assert parse_limits([]) == DEFAULTS
    found = parse_limits(["read=7/s", "order=100/hour", "export=off"])
    assert found == {**DEFAULTS, Kind.READ: Limit(7, 1), Kind.ORDER: Limit(100, 3600), Kind.EXPORT: None}


@pytest.mark.parametrize(
    "item",
    [
        "read",
        "read=",
        "read=0/min",
        "read=5",
        "read=5/week",
        "reads=5/min",
        "read=-1/min",
        "=5/min",
        "read=OFF",
    ],
)
def test_what_is_no_limit_is_refused_with_what_would_be_right(item: str) -> None:
    with pytest.raises(
        ValueError, match="read, write, export, order, project, reveal with a rate: read=600/min"
    ):
        parse_limits([item])

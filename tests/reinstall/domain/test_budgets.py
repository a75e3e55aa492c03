"""A bucket of calls, the limits a cloud names, and waits that keep workers apart."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from reinstall.domain.budgets import (
    DEFAULT_PER_S,
    LEAST_BURST,
    Bucket,
    Rate,
    Share,
    decorrelated,
    limit_in,
    parse_rates,
    pause_after,
    rate_of,
)

T0 = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RATE = Rate(per_s=2.0, burst=10.0)


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("tokens", "seconds", "holds"),
    [(0.0, 0, 0.0), (0.0, 3, 6.0), (4.0, 1, 6.0), (4.0, 3600, 10.0), (4.0, -60, 4.0)],
)
def test_a_bucket_fills_with_time_up_to_its_burst_and_never_backwards(
    tokens: float, seconds: float, holds: float
) -> None:
    assert Bucket(tokens, T0).holds(RATE, after(seconds)) == holds


def test_a_pause_empties_the_bucket_until_it_is_over() -> None:
    bucket = Bucket(10.0, T0, blocked_until=after(7))
    assert bucket.holds(RATE, after(6.9)) == 0.0
    assert bucket.holds(RATE, after(7)) == 10.0
    assert bucket.ready_at(RATE, after(1), 1) == after(7)


def test_it_says_when_there_will_be_enough() -> None:
    assert Bucket(1.0, T0).ready_at(RATE, T0, 5) == after(2)
    assert Bucket(5.0, T0).ready_at(RATE, T0, 5) == T0
    assert Bucket(0.0, T0).ready_at(RATE, T0, 500) == after(5), "more than the burst never fits at once"


def test_a_share_is_lowered_to_what_the_cloud_named_and_never_raised() -> None:
    assert rate_of(Share.POLL, 50.0, 0.6) == Rate(0.6, LEAST_BURST)
    assert rate_of(Share.POLL, 50.0, 900.0).per_s == 50.0
    assert rate_of(Share.SUBMIT, 30.0).burst == 300.0


@pytest.mark.parametrize(
    ("message", "per_s"),
    [
        ("policy user over ratelimit,limit:200,time:5 minute", 0.9 * 200 / 300),
        ("The throttling threshold has been reached: policy user over ratelimit,limit:60,time:1 minute", 0.9),
        ("limit: 10 , time: 1 second", 9.0),
        ("limit:0,time:1 minute", None),
        ("limit:5,time:0 minute", None),
        ("too many requests", None),
    ],
)
def test_the_limit_in_a_message(message: str, per_s: float | None) -> None:
    assert limit_in(message) == (None if per_s is None else pytest.approx(per_s))


def test_waits_stay_between_base_and_cap_grow_and_come_apart() -> None:
    dice = random.Random(7)
    for failures in range(40):
        for _ in range(50):
            assert 2.0 <= decorrelated(failures, base_s=2.0, cap_s=30.0, dice=dice) <= 30.0
    first = [decorrelated(1, base_s=2.0, cap_s=300.0, dice=dice) for _ in range(300)]
    fifth = [decorrelated(5, base_s=2.0, cap_s=300.0, dice=dice) for _ in range(300)]
    assert sum(fifth) > 3 * sum(first)
    assert len({round(wait, 3) for wait in first}) > 250


@pytest.mark.parametrize(("asked", "least", "most"), [(7.0, 7.0, 7.7), (1e9, 600.0, 600.0), (0.0, 1.0, 1.1)])
def test_a_pause_is_never_shorter_than_asked_nor_longer_than_ten_minutes(
    asked: float, least: float, most: float
) -> None:
    dice = random.Random(3)
    for _ in range(200):
        assert least <= pause_after(asked, dice) <= most
        assert 1.0 <= pause_after(None, dice) <= 60.0


def test_rates_are_read_by_share() -> None:
    assert parse_rates([]) == {share.value: per_s for share, per_s in DEFAULT_PER_S.items()}
    assert parse_rates(["poll=20", "submit=0.5"])["submit"] == 0.5
    assert parse_rates(["poll=20"])["poll"] == 20.0


@pytest.mark.parametrize("item", ["poll", "poll=", "poll=-1", "poll=0", "watch=3", "poll=1e9", "poll=20;"])
def test_a_rate_that_cannot_be_is_named(item: str) -> None:
    with pytest.raises(ValueError, match="poll=20"):
        parse_rates([item])

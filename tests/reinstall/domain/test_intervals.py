"""Looks learned from durations, against fixed ones and against what no schedule can beat."""

import math
import random
from collections.abc import Callable, Sequence

import pytest

from benchmarks.intervals import bound_of, cost_of
from reinstall.domain.intervals import (
    CLOSEST_S,
    EARLY_S,
    ENOUGH,
    FALLBACK,
    SLOWEST_S,
    UNKNOWN,
    fallback,
    learn,
)

MEAN_S = 180.0


def durations(count: int, sigma: float, seed: int) -> list[float]:
    dice = random.Random(seed)
    return [dice.lognormvariate(math.log(MEAN_S) - sigma**2 / 2, sigma) for _ in range(count)]


def fixed(every: float) -> Callable[[float], float]:
    return lambda age_s: every


def product(cost: tuple[float, float]) -> float:
    return cost[0] * cost[1]


def test_until_enough_is_known_the_fixed_schedule_holds() -> None:
    assert learn(durations(ENOUGH - 1, 0.3, 1)) is UNKNOWN
    assert learn(durations(ENOUGH, 0.3, 1)).is_learned
    assert [UNKNOWN.wait_s(age) for age in (0, 179, 181, 901, 8000, 90_000)] == [4, 4, 15, 60, 600, SLOWEST_S]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("known", [30, 200])
def test_calls_times_delay_beat_fixed_looks_and_come_near_the_bound(known: int, seed: int) -> None:
    sigma = 0.3
    schedule = learn(durations(known, sigma, seed))
    fresh = durations(3000, sigma, seed + 100)
    learned = cost_of(schedule.wait_s, fresh)
    same_delay = cost_of(fixed(2 * learned[1]), fresh)
    assert product(learned) <= 0.65 * product(same_delay)
    assert product(learned) <= 1.3 * bound_of(MEAN_S, sigma)
    assert learned[0] <= 14


def test_two_kinds_of_images_are_looked_at_around_both_times() -> None:
    dice = random.Random(5)
    two = [dice.gauss(60, 4) if dice.random() < 0.5 else dice.gauss(400, 20) for _ in range(200)]
    looks = learn(two).looks

    def near(centre: float, width: float) -> int:
        return sum(abs(look - centre) < width for look in looks)

    assert near(60, 12) >= 2
    assert near(400, 60) >= 3
    assert near(200, 60) <= 2, "nothing ends in between"


def test_a_quick_end_is_looked_for_once_early() -> None:
    schedule = learn(durations(200, 0.3, 1))
    assert schedule.wait_s(0.0) == EARLY_S
    assert schedule.looks[1] > 2 * EARLY_S


@pytest.mark.parametrize("values", [[100.0] * 30, [0.0] * 40, [1e-9, 1e7] * 20, [5.0] * 29 + [86_400.0]])
def test_odd_durations_give_looks_that_ascend_and_go_on_for_ever(values: Sequence[float]) -> None:
    schedule = learn(values)
    assert list(schedule.looks) == sorted(schedule.looks)
    age = 0.0
    for _ in range(3000):
        wait = schedule.wait_s(age)
        assert CLOSEST_S / 2 <= wait <= SLOWEST_S
        age += wait
    assert age > 86_400


def test_beyond_all_that_was_seen_the_looks_widen_to_the_fixed_ones() -> None:
    schedule = learn(durations(200, 0.3, 2))
    assert schedule.wait_s(20_000.0) == fallback(20_000.0) == 600.0
    assert FALLBACK[0] == (180.0, 4.0)

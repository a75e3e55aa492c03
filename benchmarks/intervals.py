"""What a schedule of looks costs, against the least that any can: plain arithmetic, no clock and no call."""

import math
import random
from collections.abc import Callable, Sequence

from benchmarks.figures import Figure
from reinstall.domain.intervals import fallback, learn

MEAN_S, SIGMA, KNOWN, TRIED = 180.0, 0.3, 200, 20_000
OVER_FIXED, OVER_BOUND = 0.65, 1.3


def measure(quick: bool) -> list[Figure]:
    """Durations log-normal around 3 minutes; 200 are known, others are watched."""
    sample = _durations(KNOWN, 1), _durations(TRIED // 10 if quick else TRIED, 2)
    schedule = learn(sample[0])
    calls, delay = cost_of(schedule.wait_s, sample[1])
    same = cost_of(lambda _: 2 * delay, sample[1])
    usual = cost_of(fallback, sample[1])
    n = len(sample[1])
    return [
        Figure("learned looks: calls per job", calls, "", n=n),
        Figure("learned looks: mean delay", delay, "s", n=n),
        Figure("fixed looks with the same delay: calls per job", same[0], "", n=n),
        Figure("the schedule before anything is known: calls per job", usual[0], "", n=n),
        Figure("the schedule before anything is known: mean delay", usual[1], "s", n=n),
        Figure(
            "calls x delay, learned over fixed, sigma 0.3",
            calls * delay / (same[0] * same[1]),
            "x",
            OVER_FIXED,
        ),
        Figure(
            "calls x delay, learned over the bound", calls * delay / bound_of(MEAN_S, SIGMA), "x", OVER_BOUND
        ),
    ]


def cost_of(wait_s: Callable[[float], float], durations: Sequence[float]) -> tuple[float, float]:
    """(calls per job, mean delay in s) of jobs that took so long, looked at `wait_s(age)` after each look."""
    calls, delay = 0, 0.0
    for took in durations:
        age = wait_s(0.0)
        calls += 1
        while age < took:
            age += wait_s(age)
            calls += 1
        delay += age - took
    return calls / len(durations), delay / len(durations)


def bound_of(mean_s: float, sigma: float, points: int = 4000) -> float:
    """Half the square of the integral of sqrt(f S): calls times delay of log-normal jobs cannot be less."""
    mu, total, before = math.log(mean_s) - sigma**2 / 2, 0.0, None
    for place in range(points + 1):
        z = -6.0 + 12.0 * place / points
        t = math.exp(mu + sigma * z)
        f = math.exp(-z * z / 2) / (t * sigma * math.sqrt(2 * math.pi))
        root = math.sqrt(f * math.erfc(z / math.sqrt(2)) / 2)
        if before is not None:
            total += (t - before[0]) * (root + before[1]) / 2
        before = (t, root)
    return total**2 / 2


def _durations(count: int, seed: int) -> list[float]:
    dice = random.Random(seed)
    return [dice.lognormvariate(math.log(MEAN_S) - SIGMA**2 / 2, SIGMA) for _ in range(count)]

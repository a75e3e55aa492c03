"""When to ask about a job next: learned from how long jobs took here, or a fixed schedule until then.

Each look costs a call, each second between the end of a job and the look that sees it costs somebody's
patience. With f the density of the durations, S the share still running and h = f/S, looks with the density
sqrt(h / 2c) make both costs equal and their sum least (R. E. Barlow and F. Proschan, "Mathematical Theory of
Reliability", on inspection policies; c is what a call costs in seconds of delay). No schedule has a smaller
product of calls and mean delay than half the square of the integral of sqrt(f S).
"""

import bisect
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

#: (age of the job in s, how often it is asked in s) until enough is known.
FALLBACK = ((180.0, 4.0), (900.0, 15.0), (7200.0, 60.0), (86_400.0, 600.0))
#: The cloud forgets a job a day after its end; no wait comes near that, whatever was learned.
SLOWEST_S = 3600.0
#: Durations that must be known before they are believed, and how many of the latest are looked at.
ENOUGH, KEPT = 30, 200
#: Looks a job gets on average where it is watched by itself.
CALLS_PER_JOB = 10.0
#: A job refused inside the cloud ends quickly, whatever the others do.
EARLY_S = 15.0
#: No two looks are closer than this.
CLOSEST_S = 1.0
_GRID = 200
_GROWTH = 1.3


def fallback(age_s: float) -> float:
    """Seconds to the next look at a job of that age where nothing is known."""
    return next((every for limit, every in FALLBACK if age_s <= limit), SLOWEST_S)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Ages in s at which a job is looked at, ascending; without any, the fixed schedule holds."""

    looks: tuple[float, ...] = ()

    def wait_s(self, age_s: float) -> float:
        """Seconds from `age_s` to the next look."""
        place = bisect.bisect_right(self.looks, age_s + CLOSEST_S / 2)
        if place < len(self.looks):
            return min(max(self.looks[place] - age_s, CLOSEST_S), SLOWEST_S)
        return fallback(age_s)

    @property
    def is_learned(self) -> bool:
        return bool(self.looks)


UNKNOWN = Schedule()


def learn(durations: Sequence[float], *, calls: float = CALLS_PER_JOB) -> Schedule:
    """The schedule for jobs that take about as long as these did, in s; the fixed one for fewer than 30."""
    known = sorted(max(d, 0.5) for d in durations[-KEPT:])
    if len(known) < ENOUGH:
        return UNKNOWN
    looks = _placed(_hazard(known), known, calls)
    first = looks[0]
    return Schedule(((EARLY_S, *looks) if first > 2 * EARLY_S else looks) + _tail(looks))


@dataclass(frozen=True, slots=True)
class _Point:
    """At age t: density and share still running."""

    t: float
    f: float
    s: float


def _hazard(known: list[float]) -> list[_Point]:
    """The durations smoothed on the scale of their logarithms: two kinds of images are two hills, not one."""
    logs = [math.log(d) for d in known]
    quarter, _, three = statistics.quantiles(logs, n=4)
    spread = min(statistics.stdev(logs), (three - quarter) / 1.34) or statistics.stdev(logs)
    width = max(0.7 * spread * len(logs) ** -0.2, 0.01)
    low, high = logs[0] - 3 * width, logs[-1] + 3 * width
    points = []
    for place in range(_GRID + 1):
        u = low + (high - low) * place / _GRID
        z = [(u - x) / width for x in logs]
        f = sum(math.exp(-v * v / 2) for v in z) / (len(z) * width * math.sqrt(2 * math.pi))
        s = sum(math.erfc(v / math.sqrt(2)) for v in z) / (2 * len(z))
        points.append(_Point(math.exp(u), f / math.exp(u), s))
    return points


def _placed(points: list[_Point], known: list[float], calls: float) -> tuple[float, ...]:
    """The first look when one of twenty has ended, then one wherever the density of looks adds up to one."""
    pairs = list(zip(points, points[1:], strict=False))
    mass = sum(_root(a.f * a.s, b.f * b.s) * (b.t - a.t) for a, b in pairs)
    looks = [known[len(known) // 20]]
    reached = 0.0
    for a, b in pairs:
        if b.t <= looks[0]:
            continue
        start = max(a.t, looks[0])
        # h / 2c with c = mass^2 / (2 calls^2), under the root.
        density = calls / mass * _root(a.f / max(a.s, 1e-9), b.f / max(b.s, 1e-9))
        while density * (b.t - start) >= 1.0 - reached:
            start = max(start + (1.0 - reached) / density, looks[-1] + CLOSEST_S)
            looks.append(start)
            reached = 0.0
        reached += density * max(b.t - start, 0.0)
    return tuple(looks)


def _root(a: float, b: float) -> float:
    return math.sqrt((a + b) / 2)


def _tail(looks: tuple[float, ...]) -> tuple[float, ...]:
    """Beyond all that was seen the steps grow, until the fixed schedule is as slow."""
    at, step = looks[-1], max(looks[-1] - looks[-2] if len(looks) > 1 else 0.0, CLOSEST_S)
    tail: list[float] = []
    while step < fallback(at) and len(tail) < 50:
        at += step
        tail.append(at)
        step *= _GROWTH
    return tuple(tail)

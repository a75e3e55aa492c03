"""What a benchmark hands back: figures, each with its goal where it has one."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a figure stands to its goal."""

    MET = "met"
    MISSED = "MISSED"
    NO_GOAL = "-"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `goal` is the most it may be, in `unit`; None where there is none.

    n: how many samples `value` is the median of. p95: the 95th percentile of the same samples.
    """

    what: str
    value: float
    unit: str
    goal: float | None = None
    n: int = 1
    p95: float | None = None

    @property
    def verdict(self) -> Verdict:
        if self.goal is None:
            return Verdict.NO_GOAL
        return Verdict.MET if self.value <= self.goal else Verdict.MISSED


class NotMeasured(Exception):
    """Something the benchmark needs is not on this machine; the text says what."""


def median_of(what: str, samples: Sequence[float], unit: str, goal: float | None = None) -> Figure:
    """The median of `samples` as a figure. Raises ValueError for none."""
    if not samples:
        raise ValueError(f"{what}: there is no sample")
    return Figure(what, statistics.median(samples), unit, goal, len(samples), percentile(samples, 95))


def percentile(samples: Sequence[float], percent: int) -> float:
    """The smallest sample that at least `percent` of 100 samples do not exceed (nearest rank)."""
    ordered = sorted(samples)
    return ordered[max(math.ceil(percent * len(ordered) / 100), 1) - 1]

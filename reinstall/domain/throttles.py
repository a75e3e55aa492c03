"""How often somebody may ask this portal: limits in fixed windows of time. Arithmetic only."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

_PERIODS = {"s": 1, "min": 60, "hour": 3600, "day": 86_400}
_RATE = re.compile(r"([1-9]\d{0,6})/(s|min|hour|day)")
#: So much of a limit a process takes at a time, where it may take more than one.
_BLOCKS = 20


class Kind(StrEnum):
    """What is counted: the first three for each token or browser, orders for each person and each project,
    scripts shown for each person."""

    READ = "read"
    WRITE = "write"
    EXPORT = "export"
    ORDER = "order"
    PROJECT = "project"
    REVEAL = "reveal"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` in each window of `period_s` seconds."""

    count: int
    period_s: int

    def window(self, now: datetime) -> int:
        """The beginning of the window `now` is in, as seconds since 1970."""
        return int(now.timestamp()) // self.period_s * self.period_s

    def left_s(self, window: int, now: datetime) -> int:
        """Whole seconds until `window` is over, at least 1."""
        return max(1, window + self.period_s - int(now.timestamp()))

    def block(self, kind: Kind) -> int:
        """How many a process counts at a time. Reads are many and cheap: one statement counts for several."""
        return max(1, self.count // _BLOCKS) if kind is Kind.READ else 1


@dataclass(frozen=True, slots=True)
class Standing:
    """How a principal stands after a request: `left` more in this window, which ends in `reset_s` seconds."""

    kind: Kind
    limit: Limit
    left: int
    reset_s: int


#: None: not limited.
Limits = Mapping[Kind, Limit | None]
DEFAULTS: Limits = {
    Kind.READ: Limit(600, 60),
    Kind.WRITE: Limit(120, 60),
    Kind.EXPORT: Limit(10, 60),
    Kind.ORDER: Limit(30, 60),
    Kind.PROJECT: Limit(60, 60),
    Kind.REVEAL: Limit(30, 3600),
}


def parse_limits(items: list[str]) -> dict[Kind, Limit | None]:
    """["read=600/min", "export=off"] as limits, the others as by default. Raises ValueError saying what is
    right."""
    limits = dict(DEFAULTS)
    for item in items:
        name, equals, rate = item.partition("=")
        found = _RATE.fullmatch(rate)
        if not equals or name not in set(Kind) or not (found or rate == "off"):
            names = ", ".join(kind.value for kind in Kind)
            raise ValueError(
                f"{item!r} is not one of {names} with a rate: read=600/min, order=100/hour, export=off"
            )
        limits[Kind(name)] = Limit(int(found[1]), _PERIODS[found[2]]) if found else None
    return limits

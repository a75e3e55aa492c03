"""How many calls a cloud is asked a second, and how a bucket of calls fills and empties. Arithmetic only.

No cloud of the family publishes a rate of its ECS API. Known are the gateway's default of 200 calls a second
for one API (signing guide, error codes), and throttling texts like "limit:200,time:5 minute".
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

#: However long a throttling answer asks to wait.
LONGEST_PAUSE_S = 600.0
#: Where the cloud throttles and names no time.
PAUSE_S = (1.0, 60.0)
#: Of a limit the cloud named, this much is used: other programs of the account call as well.
OF_NAMED_LIMIT = 0.9
_LIMIT = re.compile(r"limit:\s*(\d{1,9})\s*,\s*time:\s*(\d{1,6})\s*(second|minute|hour|day)", re.IGNORECASE)
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}


class Share(StrEnum):
    """Who spends: each has a bucket of its own, so watching can never starve sending, nor evidence."""

    SUBMIT = "submit"
    EVIDENCE = "evidence"
    POLL = "poll"
    SYNC = "sync"


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_s` calls a second in the long run, at most `burst` at once."""

    per_s: float
    burst: float


#: What jobs take is half of the gateway's default for one API; reading the inventory comes on top.
DEFAULT_PER_S: Mapping[Share, float] = {
    Share.SUBMIT: 30.0,
    Share.EVIDENCE: 20.0,
    Share.POLL: 50.0,
    Share.SYNC: 20.0,
}
#: How many seconds' worth of calls may be made at once after a rest.
BURST_S: Mapping[Share, float] = {
    Share.SUBMIT: 10.0,
    Share.EVIDENCE: 5.0,
    Share.POLL: 1.0,
    Share.SYNC: 2.0,
}
#: One step of a job makes up to this many calls, and must always fit.
LEAST_BURST = 5.0


def rate_of(share: Share, per_s: float, named_limit: float | None = None) -> Rate:
    """The rate of a share, lowered to what the cloud itself named."""
    chosen = per_s if named_limit is None else min(per_s, named_limit)
    return Rate(chosen, max(LEAST_BURST, chosen * BURST_S[share]))


def parse_rates(items: list[str]) -> dict[str, float]:
    """["poll=20"] as rates by share, the others as by default. Raises ValueError saying what is right."""
    rates = {share.value: per_s for share, per_s in DEFAULT_PER_S.items()}
    for item in items:
        name, equals, number = item.partition("=")
        good = equals and name in rates and re.fullmatch(r"\d{1,5}(\.\d{1,3})?", number)
        if not good or float(number) <= 0:
            raise ValueError(
                f"{item!r} is not one of submit, evidence, poll, sync with calls a second: poll=20"
            )
        rates[name] = float(number)
    return rates


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket as it was stored: `tokens` calls were left at `refilled_at`."""

    tokens: float
    refilled_at: datetime
    blocked_until: datetime | None = None

    def holds(self, rate: Rate, now: datetime) -> float:
        """Calls that may be made now; none while a pause lasts. A clock that went back adds nothing."""
        if self.blocked_until is not None and now < self.blocked_until:
            return 0.0
        passed = max((now - self.refilled_at).total_seconds(), 0.0)
        return min(rate.burst, self.tokens + passed * rate.per_s)

    def ready_at(self, rate: Rate, now: datetime, calls: float) -> datetime:
        """When `calls` may be made at once, if nobody else spends."""
        start = max(now, self.blocked_until or now)
        missing = min(calls, rate.burst) - Bucket(self.tokens, self.refilled_at).holds(rate, start)
        return start + timedelta(seconds=max(missing, 0.0) / rate.per_s)


def limit_in(message: str) -> float | None:
    """Calls a second out of "user over ratelimit,limit:200,time:5 minute"; None where it names none."""
    found = _LIMIT.search(message)
    if found is None or int(found[1]) == 0 or int(found[2]) == 0:
        return None
    return OF_NAMED_LIMIT * int(found[1]) / (int(found[2]) * _UNITS[found[3].lower()])


def decorrelated(failures: int, *, base_s: float, cap_s: float, dice: random.Random) -> float:
    """Seconds before the next try after `failures` in a row: each between the base and three times the last.

    Workers that failed together come back apart. Source: "Exponential Backoff And Jitter", AWS Architecture
    Blog. Nothing is stored: the walk is made anew.
    """
    wait = base_s
    for _ in range(min(failures, 32)):
        wait = min(cap_s, dice.uniform(base_s, wait * 3))
    return min(wait, cap_s)


def pause_after(asked_s: float | None, dice: random.Random) -> float:
    """Seconds to leave a share alone after it was throttled: never sooner than asked, at most ten minutes."""
    if asked_s is None:
        return decorrelated(2, base_s=PAUSE_S[0], cap_s=PAUSE_S[1], dice=dice)
    asked = min(max(asked_s, 1.0), LONGEST_PAUSE_S)
    return min(asked * dice.uniform(1.0, 1.1), LONGEST_PAUSE_S)

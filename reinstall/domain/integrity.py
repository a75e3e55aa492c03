"""What a verification of the audit history says: unbroken, or what does not fit and where."""

from dataclasses import dataclass
from datetime import datetime

from reinstall.domain.anchors import Anchor

#: The flags that keep what the latest verification found, and the newest anchor.
VERIFIED, ANCHOR = "audit_verified", "audit_anchor"


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing that does not fit, in a sentence. `entry_id`: the entry it is at, if it is at one."""

    sentence: str
    entry_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One verification: how many entries were read, of the first and of the last time, and what does not fit.

    `misfits` begins with the oldest entry that does not fit; it holds at most `MOST`.
    """

    at: datetime
    entries: int
    first_at: datetime | None
    last_at: datetime | None
    anchor: Anchor
    misfits: tuple[Misfit, ...]
    took_s: float

    @property
    def unbroken(self) -> bool:
        return not self.misfits


#: More are not told: where so much does not fit, the first is what to look at.
MOST = 50


def in_order(misfits: list[Misfit]) -> tuple[Misfit, ...]:
    """The oldest entry first, what is at no entry last; at most MOST."""
    return tuple(sorted(misfits, key=lambda one: (one.entry_id is None, one.entry_id or 0))[:MOST])

"""What holds the engine at present, for banners, REST and the doctor."""

from dataclasses import dataclass
from datetime import datetime

from reinstall.domain.integrity import ANCHOR, VERIFIED
from reinstall.models import SystemFlag


@dataclass(frozen=True, slots=True)
class Guard:
    """Something that holds jobs (or warns): `kind` is freeze, read_only, breaker or skew."""

    name: str
    kind: str
    reason: str
    set_by: str
    set_at: datetime


_TITLES = {
    "freeze": "All reinstalls are frozen.",
    "read_only": "Read-only: the database went back in time.",
    "breaker": "New reinstalls are stopped in one cloud.",
    "skew": "The clocks of a cloud and this portal differ.",
}
#: Flags that hold nothing.
_FACTS = ("deployment", "epoch", "timeline", "schema", VERIFIED, ANCHOR)
#: The most serious first.
_ORDER = ("read_only", "freeze", "breaker", "skew")


def active_guards() -> tuple[Guard, ...]:
    """What is set now, the most serious first. One query."""
    rows = SystemFlag.objects.exclude(name__in=_FACTS)
    found = [_guard(row) for row in rows if row.value.get("open", True) and _kind(row) in _TITLES]
    return tuple(sorted(found, key=lambda guard: (_ORDER.index(guard.kind), guard.name)))


def title_of(guard: Guard) -> str:
    """One sentence for the banner."""
    return _TITLES[guard.kind]


def _kind(row: SystemFlag) -> str:
    return row.name.partition(":")[0]


def _guard(row: SystemFlag) -> Guard:
    return Guard(row.name, _kind(row), row.reason, row.set_by, row.set_at)

"""What is known of the integrity of the audit history: the latest verification, the newest anchor."""

from dataclasses import dataclass
from datetime import datetime

from reinstall.domain.anchors import Anchor, read_anchor
from reinstall.domain.integrity import ANCHOR, VERIFIED, Misfit
from reinstall.models import SystemFlag


@dataclass(frozen=True, slots=True)
class KeptVerdict:
    """What the latest verification found, when it began and who asked for it ("engine": its day had come)."""

    at: datetime
    by: str
    entries: int
    first_at: datetime | None
    last_at: datetime | None
    anchor: Anchor
    misfits: tuple[Misfit, ...]

    @property
    def counted(self) -> str:
        return f"{self.entries:,}"

    @property
    def unbroken(self) -> bool:
        return not self.misfits


@dataclass(frozen=True, slots=True)
class Integrity:
    """The latest verification, None before the first; the newest anchor of the log, None before the first."""

    verdict: KeptVerdict | None
    anchor: Anchor | None

    @property
    def word(self) -> str:
        """unbroken, broken, or unverified: for machines."""
        if self.verdict is None:
            return "unverified"
        return "unbroken" if self.verdict.unbroken else "broken"


def integrity() -> Integrity:
    """One query. What was kept and cannot be read counts as broken."""
    flags = {flag.name: flag for flag in SystemFlag.objects.filter(name__in=(VERIFIED, ANCHOR))}
    try:
        line = flags[ANCHOR].value["line"] if ANCHOR in flags else ""
        anchor = read_anchor(line) if line else None
    except (ValueError, KeyError, TypeError):
        anchor = None
    return Integrity(_verdict(flags[VERIFIED]) if VERIFIED in flags else None, anchor)


def _verdict(flag: SystemFlag) -> KeptVerdict:
    kept = flag.value
    try:
        return KeptVerdict(
            at=flag.set_at,
            by=flag.set_by,
            entries=int(kept["entries"]),
            first_at=_moment(kept["first"]),
            last_at=_moment(kept["last"]),
            anchor=read_anchor(kept["anchor"]),
            misfits=tuple(Misfit(str(sentence), entry_id) for sentence, entry_id in kept["misfits"]),
        )
    except (ValueError, KeyError, TypeError):
        unreadable = Misfit("What the latest verification found was changed. Verify again.")
        return KeptVerdict(
            flag.set_at, flag.set_by, 0, None, None, Anchor(flag.set_at, 0, "", {}), (unreadable,)
        )


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

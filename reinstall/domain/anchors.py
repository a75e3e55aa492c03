"""An anchor: where every stream of the audit history ended at one moment, in one line to keep elsewhere.

Whoever holds the line can tell later that nothing before it was rewritten or cut off, even by somebody who
holds the keys: the codes at those places must still give the same digest.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

#: Digits shown to people: enough to compare two lines by eye.
SHORT = 12
_LINE = re.compile(
    r"at=(?P<at>[0-9T:+-]+) entries=(?P<entries>\d+) digest=(?P<digest>[0-9a-f]{64}) ends=(?P<ends>[0-9:,]*)"
)


@dataclass(frozen=True, slots=True)
class Anchor:
    """`entries` in all, the digest over the codes at the `ends` (stream to last position), at a moment."""

    at: datetime
    entries: int
    digest: str
    ends: Mapping[int, int]

    @property
    def counted(self) -> str:
        return f"{self.entries:,}"

    @property
    def short(self) -> str:
        return self.digest[:SHORT]

    def __str__(self) -> str:
        ends = ",".join(f"{number}:{position}" for number, position in sorted(self.ends.items()))
        at = self.at.astimezone(UTC).isoformat(timespec="seconds")
        return f"at={at} entries={self.entries} digest={self.digest} ends={ends}"


def anchor_of(heads: Iterable[tuple[int, int, str]], at: datetime) -> Anchor:
    """The anchor of streams that end so: number, last position, code there. Empty streams are left out."""
    ends = {number: (position, mac) for number, position, mac in heads if position}
    return Anchor(
        at=at,
        entries=sum(position for position, _ in ends.values()),
        digest=digest_of(ends),
        ends={number: position for number, (position, _) in ends.items()},
    )


def digest_of(ends: Mapping[int, tuple[int, str]]) -> str:
    """64 hexadecimal digits over where each stream ends, and the code there."""
    lines = (f"{number}:{position}:{mac}\n" for number, (position, mac) in sorted(ends.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_anchor(line: str) -> Anchor:
    """The anchor in a line of the log, whatever stands before it. Raises ValueError when there is none."""
    found = _LINE.search(line.strip())
    if found is None:
        raise ValueError("An anchor is a line with at=… entries=… digest=… ends=…")
    pairs = [pair.split(":") for pair in found["ends"].split(",") if pair]
    return Anchor(
        at=datetime.fromisoformat(found["at"]),
        entries=int(found["entries"]),
        digest=found["digest"],
        ends={int(number): int(position) for number, position in pairs},
    )

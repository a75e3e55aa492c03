"""Which server is the helper a running reinstall makes. It vanishes by itself, and must never be chosen.

The documents say only that a temporary server appears during the run. So everything that is being built
while a reinstall goes on counts as one, and so does a server that looks like a copy of one that is being
reinstalled, until it is at rest with an address of its own.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

#: The cloud's clock and ours may differ by so much.
CLOCKS_DIFFER = timedelta(minutes=5)
#: A helper lives for minutes. A server that only bears such a name is believed after this, if it is at rest.
LONGEST_LIFE = timedelta(hours=1)
_AT_REST = frozenset({"ACTIVE", "SHUTOFF", "ERROR"})


@dataclass(frozen=True, slots=True)
class SeenServer:
    """A server as just listed. `appeared_at`: when it was made; None where nobody can say."""

    id: str
    name: str
    status: str
    task_state: str
    has_key: bool
    has_address: bool
    image_id: str
    flavor: str
    appeared_at: datetime | None

    @property
    def at_rest(self) -> bool:
        return self.status in _AT_REST and not self.task_state


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A server that is being reinstalled; `since` is when the request was sent."""

    server_id: str
    name: str
    image_id: str
    flavor: str
    since: datetime


@dataclass(frozen=True)
class Work:
    """The reinstalls that go on in a project. `elsewhere`: one goes on that somebody else has begun."""

    under_way: Collection[UnderWay] = ()
    elsewhere: bool = False
    _ids: frozenset[str] = field(init=False)
    _names: dict[str, UnderWay] = field(init=False)
    _kinds: frozenset[tuple[str, str]] = field(init=False)
    _first: datetime | None = field(init=False)

    def __post_init__(self) -> None:
        rows = tuple(self.under_way)
        set_once = object.__setattr__
        set_once(self, "_ids", frozenset(row.server_id for row in rows))
        set_once(self, "_names", {row.name: row for row in rows if row.name})
        set_once(self, "_kinds", frozenset((row.image_id, row.flavor) for row in rows))
        set_once(self, "_first", min((row.since for row in rows), default=None))

    def makes(self, seen: SeenServer, *, was: bool, now: datetime) -> bool:
        """Whether `seen` is a temporary helper. `was`: it was taken for one when it was last listed."""
        if seen.id in self._ids:
            return False
        if seen.status == "BUILD":
            return was or not seen.has_key or bool(self._ids) or self.elsewhere
        if self._first is None or not self._is_new(seen):
            return False
        origin = self._origin(seen.name)
        if origin is not None and now - origin.since < LONGEST_LIFE:
            return True
        like_one = origin is not None or (seen.image_id, seen.flavor) in self._kinds
        return like_one and not (seen.at_rest and seen.has_address)

    def _is_new(self, seen: SeenServer) -> bool:
        appeared = seen.appeared_at
        return appeared is not None and self._first is not None and appeared >= self._first - CLOCKS_DIFFER

    def _origin(self, name: str) -> UnderWay | None:
        """The server under way whose name, with an ending, is `name`: web-1 of web-1-reinstall-tmp."""
        ends = (place for place, letter in enumerate(name) if letter in "-_.")
        found = (self._names.get(name[:end]) for end in ends)
        return next((row for row in found if row is not None), None)

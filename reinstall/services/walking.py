"""Walks one stream of the audit history from its first entry to its end, and says what does not fit."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from reinstall.domain import chain
from reinstall.domain.integrity import MOST, Misfit

#: Entries one statement reads.
_AT_ONCE = 4000
_ID, _KEY, _POSITION, _AT = (chain.FIELDS.index(name) for name in ("id", "key_id", "position", "at"))
_JSON = tuple(chain.FIELDS.index(name) for name in ("before", "after"))
#: Read without models: half of the time of a verification would go into them.
_PART = (
    "SELECT {columns}, mac FROM reinstall_auditevent "
    "WHERE stream = %s AND position > %s AND position <= %s ORDER BY position LIMIT %s"
)
#: In UTC, to the microsecond. The drivers' own readers are slower, and stop at a moment that was bent.
_AT_AS_TEXT = {
    "sqlite": 'CAST("at" AS text)',
    "postgresql": """to_char("at" AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')""",
}
_READER = json.JSONDecoder()
_FARTHEST = 2**63 - 1

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class End:
    """The end of a stream as it is stored; nothing of it is believed before its signature fits."""

    number: int
    position: int
    mac: str
    key_id: int
    signature: str

    def is_signed(self, keys: Mapping[int, bytes]) -> bool:
        key = keys.get(self.key_id)
        if key is None:
            return False
        fits = chain.head_mac(
            key, number=self.number, position=self.position, mac=self.mac, key_id=self.key_id
        )
        return chain.same(fits, self.signature)


@dataclass(slots=True)
class Walked:
    """What was met on the way: how many entries, which one last, what does not fit."""

    entries: int = 0
    position: int = 0
    mac: str = chain.START
    last_id: int | None = None
    misfits: list[Misfit] = field(default_factory=list)


def walk(end: End, keys: Mapping[int, bytes]) -> Walked:
    """Reads every entry of the stream up to `end`; where the end is not signed, every entry there is."""
    walked = Walked()
    signed = end.is_signed(keys)
    for row in _rows(end.number, end.position if signed else None):
        if why := _misfit(row, walked, keys):
            walked.misfits.append(Misfit(why, row[_ID]))
        walked.entries += 1
        # On from what is stored: then one changed entry is one sentence, not one for each that follows.
        walked.position, walked.mac, walked.last_id = row[_POSITION], row[-1], row[_ID]
        if len(walked.misfits) >= MOST:
            return walked
    if why := _at_the_end(end, walked, signed):
        walked.misfits.append(Misfit(why, walked.last_id))
    return walked


def _rows(number: int, until: int | None) -> Iterator[Row]:
    """The entries of a stream in the order of their places: the values of chain.FIELDS, then the code."""
    as_text = {"at": _AT_AS_TEXT[connection.vendor]}
    part = _PART.format(columns=", ".join(as_text.get(name, f'"{name}"') for name in chain.FIELDS))
    last = -1
    while True:
        with connection.cursor() as cursor:
            cursor.execute(part, [number, last, _FARTHEST if until is None else until, _AT_ONCE])
            found = cursor.fetchall()
        if not found:
            return
        yield from map(_as_written, found)
        last = found[-1][_POSITION]


def _as_written(row: Row) -> Row:
    """What the driver gave, in the form that was signed: it gives moments and JSON as text."""
    values = list(row)
    at = values[_AT] or ""
    values[_AT] = f"{at[:10]}T{at[11:].removesuffix('.000000')}+00:00"
    for place in _JSON:
        values[place] = {} if values[place] == "{}" else _read(values[place])
    return tuple(values)


def _read(text: str) -> Any:
    try:
        value, end = _READER.raw_decode(text)
    except ValueError:
        return text
    # What is no JSON, or not all of it, fits no code.
    return value if end == len(text) else text


def _misfit(row: Row, walked: Walked, keys: Mapping[int, bytes]) -> str:
    """Why this entry does not follow what was walked so far; "" when it does."""
    gap = row[_POSITION] - walked.position - 1
    if gap > 0:
        return f"{_entries(gap)} missing right before entry {row[_ID]}."
    if gap < 0:
        return f"Entry {row[_ID]} was added by hand: its place is taken."
    key = keys.get(row[_KEY])
    if key is None:
        return f"Entry {row[_ID]} cannot be proved: audit key {row[_KEY]} is not here, or does not open."
    if chain.entry_mac(key, walked.mac, chain.says(row[:-1])) != row[-1]:
        return f"Entry {row[_ID]} was changed, or does not stand where it was written."
    return ""


def _at_the_end(end: End, walked: Walked, signed: bool) -> str:
    if not signed:
        return f"The end of stream {end.number} was changed by hand."
    if walked.position < end.position:
        after = f"after entry {walked.last_id}" if walked.last_id else f"in stream {end.number}"
        return f"{_entries(end.position - walked.position)} missing {after}."
    if walked.mac != end.mac and not walked.misfits:
        return f"Entry {walked.last_id} is not the one that was written last in stream {end.number}."
    return ""


def _entries(count: int) -> str:
    return "1 entry is" if count == 1 else f"{count:,} entries are"

"""The chain of the audit history: each entry carries a code over what it says and over the code before it.

The code is an HMAC-SHA256 under a key that is not in the clear in the database, so a row that was changed,
moved, added or taken away by hand does not fit what stands before and after it. Entries stand in streams,
each a chain of its own, so that writers need not queue; the end of each stream (its head) is signed as well,
so that a stream cannot be cut short. docs/adr/0016 says why.
"""

import hmac
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

#: Chains side by side: so many transactions can write entries at once without waiting for each other.
STREAMS = 64
#: What stands before the first entry of a stream.
START = ""
#: What is covered by the code of an entry, in this order: place, number, all that is shown. A new column is a
#: new version of the code, never another order here.
FIELDS = (
    "stream",
    "position",
    "key_id",
    "id",
    "at",
    "actor_id",
    "actor_name",
    "source",
    "token_name",
    "address",
    "request_id",
    "action",
    "object_type",
    "object_id",
    "object_label",
    "project_slug",
    "before",
    "after",
    "note",
    "seq",
)


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"{type(value).__name__} has no place in an audit entry")


# Nothing here holds itself; looking for that takes a tenth of the time.
_WRITER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), allow_nan=False, check_circular=False, default=_moment
)


def as_stored(value: dict[str, Any]) -> dict[str, Any]:
    """`value` as any database gives it back: texts as keys, lists for tuples, 1 for 1.0.

    Raises ValueError for NaN and infinity, TypeError for what JSON does not have.
    """
    if not value:
        return {}
    stored: dict[str, Any] = json.loads(json.dumps(value, allow_nan=False), parse_float=_number)
    return stored


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number


def says(values: Sequence[Any]) -> bytes:
    """What of an entry is signed; `values` in the order of FIELDS, `before` and `after` as stored.

    A moment may be its text: ISO 8601 in UTC, as `isoformat` writes it.
    """
    return _WRITER.encode(values).encode()


def entry_mac(key: bytes, before: str, said: bytes) -> str:
    """The code of an entry, 64 hexadecimal digits; `before` is that of the entry before it in its stream."""
    return hmac.digest(key, b"entry:v1:%b:%b" % (before.encode(), said), "sha256").hex()


def head_mac(key: bytes, *, number: int, position: int, mac: str, key_id: int) -> str:
    """The signature of the end of stream `number`: its last position, and the code of the entry there."""
    return hmac.digest(key, f"head:v1:{number}:{position}:{mac}:{key_id}".encode(), "sha256").hex()


def same(one: str, other: str) -> bool:
    """Whether two codes are equal, without telling by the time it takes how far they are."""
    return hmac.compare_digest(one.encode(), other.encode())


def missing(numbers: Iterable[int]) -> tuple[int, ...]:
    """The streams that have no head among `numbers`."""
    return tuple(sorted(set(range(STREAMS)) - set(numbers)))

"""Reading the cloud's JSON: what is absent is tolerated, what is there must have the documented type.

A lenient reader would turn the string "false" into True and a list into a name. These answers decide which
disk is wiped, so a field of another type is a broken answer and not a value.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TypeAlias, cast

from ecsclient.errors import BadAnswer

JsonValue: TypeAlias = "None | bool | int | float | str | list[JsonValue] | dict[str, JsonValue]"
JsonObject: TypeAlias = dict[str, JsonValue]

_RESOURCE_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")
# Direction overrides let a name show as another name.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_WHOLE = re.compile(r"-?[0-9]{1,18}")


def _no_duplicates(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key appears twice")
    return result


def _no_constant(name: str) -> JsonValue:
    raise ValueError(f"{name} is not JSON")


def json_object(body: bytes) -> JsonObject:
    """The JSON object in `body`: UTF-8 without byte order mark, no key twice, no NaN.

    Raises BadAnswer saying what is wrong; two readers of a document with a key twice may see two documents.
    """
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as error:
        raise BadAnswer(f"the answer is not strict JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadAnswer(f"the answer is JSON, but {type(value).__name__} and not an object")
    return cast(JsonObject, value)


def _wrong(key: str, wanted: str, value: JsonValue) -> BadAnswer:
    return BadAnswer(f"field '{key}' of the answer should be {wanted}, and is {type(value).__name__}")


def clean(text: str) -> str:
    """`text` without control characters (newline and tab stay) and without half surrogates, which neither a
    database nor a terminal should be given."""
    return "".join(
        c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs") and c not in _BIDI
    )


def text(source: JsonObject, key: str) -> str:
    """A string; absent or null is the empty string."""
    return optional_text(source, key) or ""


def optional_text(source: JsonObject, key: str) -> str | None:
    """A string, or None where it is absent or null."""
    value = source.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise _wrong(key, "a string", value)
    return clean(value)


def required_id(source: JsonObject, key: str) -> str:
    """An id which must be there and is safe to put into a path."""
    value = source.get(key)
    if not isinstance(value, str) or not _RESOURCE_ID.fullmatch(value):
        raise BadAnswer(f"field '{key}' of the answer should be an id of letters, digits, '-' and '_'")
    return value


def path_id(value: str, name: str) -> str:
    """`value` again, checked before it becomes a segment of a path.

    Raises ValueError naming the argument: a caller's mistake, not the cloud's.
    """
    if not _RESOURCE_ID.fullmatch(value):
        raise ValueError(f"{name} should be 1 to 64 letters, digits, '-' and '_'")
    return value


def whole(source: JsonObject, key: str) -> int | None:
    """A whole number, also written as a string of digits (flavors, sizes); None where absent, null or ""."""
    value = source.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        raise _wrong(key, "a whole number", value)
    if isinstance(value, int):
        return value
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    raise _wrong(key, "a whole number", value)


def flag(source: JsonObject, key: str) -> bool:
    """True or false, also as the strings "true" and "false"; absent or null is false."""
    value = source.get(key)
    if value is None:
        return False
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise _wrong(key, "true or false", value)


def instant(source: JsonObject, key: str) -> datetime | None:
    """A moment in UTC; a text without zone is UTC, as the documents say. None where absent, null or ""."""
    value = source.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise _wrong(key, "a time", value)
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadAnswer(f"field '{key}' of the answer should be a time like 2026-01-02T03:04:05Z") from None


def child(source: JsonObject, key: str) -> JsonObject:
    """An object; absent or null is an empty one."""
    value = source.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(key, "an object", value)
    return value


def objects(source: JsonObject, key: str) -> Iterator[JsonObject]:
    """The objects of a list; an absent or null list is empty."""
    value = source.get(key)
    if value is None:
        return
    if not isinstance(value, list):
        raise _wrong(key, "a list", value)
    for item in value:
        if not isinstance(item, dict):
            raise _wrong(key, "a list of objects", item)
        yield item


def demand(source: JsonObject, key: str) -> None:
    """Raises BadAnswer where the field that makes this answer an answer is missing."""
    if source.get(key) is None:
        raise BadAnswer(f"the answer has no field '{key}'")


def strings(source: JsonObject, key: str) -> tuple[str, ...]:
    """A list of strings; absent or null is empty."""
    value = source.get(key)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise _wrong(key, "a list", value)
    result: list[str] = []
    for item in value:
        if not isinstance(item, str):
            raise _wrong(key, "a list of strings", item)
        result.append(clean(item))
    return tuple(result)


def string_map(source: JsonObject, key: str) -> dict[str, str]:
    """An object of strings; null values and whatever is not a string are left out, keys stay as they are."""
    return {clean(k): clean(v) for k, v in child(source, key).items() if isinstance(v, str)}

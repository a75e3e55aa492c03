"""Reading the numbers of list calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from simulator.messages import bad_parameter


class HasId(Protocol):
    id: str


Item = TypeVar("Item", bound=HasId)


def number(query: Mapping[str, str], name: str, default: int, top: int) -> int:
    """A whole number from 0 to `top`. Raises Ecs.0005 with the field's name."""
    text = query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 15 or int(text) > top:
        raise bad_parameter(f"{name} must be a whole number from 0 to {top}.")
    return int(text)


def after_marker(items: Sequence[Item], marker: str | None) -> list[Item]:
    """The items behind the one whose id is the marker; all without a marker, none for an unknown one."""
    if not marker:
        return list(items)
    place = next((i for i, item in enumerate(items) if item.id == marker), len(items))
    return list(items[place + 1 :])

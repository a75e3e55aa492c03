"""Pages of long lists by position (keyset): page one and page ten thousand cost the same, nothing is counted.

Positions are compared as one row value, `(name, id) > (…)`: written as an OR the same question reads the
whole table. A cursor names the ordering it belongs to and the row it stands at; people and tools pass it on
unread.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Field, Func, Model, QuerySet, Value
from django.db.models.sql.compiler import SQLCompiler

from reinstall.domain.errors import RuleBroken

DEFAULT_LIMIT = 50
MAX_LIMIT = 200

T = TypeVar("T")
M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list. `next` and `previous` are cursors, "" where there is no such page."""

    items: tuple[T, ...]
    next: str = ""
    previous: str = ""


@dataclass(frozen=True, slots=True)
class Ordering:
    """A total order: by `columns` (the last one is unique), all one way. `name` is its public name."""

    name: str
    columns: tuple[str, ...]

    @property
    def descending(self) -> bool:
        return self.name.startswith("-")

    def terms(self, *, backwards: bool) -> list[str]:
        """For `order_by`; `backwards` reads the list from its other end."""
        sign = "-" if self.descending != backwards else ""
        return [f"{sign}{column}" for column in self.columns]


def ordering_of(name: str, known: Mapping[str, tuple[str, ...]]) -> Ordering:
    """The ordering a person named, like `name` or `-name`. Raises RuleBroken that lists the known ones."""
    columns = known.get(name.removeprefix("-"))
    if columns is None:
        names = ", ".join(f"{key}, -{key}" for key in known)
        raise RuleBroken(f"There is no ordering {name}. Known: {names}.", "ordering", "unknown")
    return Ordering(name, columns)


class _RowBeyond(Func):
    """`(a, b) > (x, y)` as the databases know it; Django's own takes it apart on SQLite."""

    output_field = BooleanField()

    def __init__(self, columns: Sequence[tuple[str, "Field[Any, Any]", object]], sign: str) -> None:
        self.sign = sign
        names = [F(name) for name, _, _ in columns]
        super().__init__(*names, *(Value(value, output_field=field) for _, field, value in columns))

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, tuple[Any, ...]]:
        parts: list[str] = []
        params: list[Any] = []
        for expression in self.get_source_expressions():
            sql, values = compiler.compile(expression)
            parts.append(sql)
            params.extend(values)
        half = len(parts) // 2
        return f"({', '.join(parts[:half])}) {self.sign} ({', '.join(parts[half:])})", tuple(params)


def page_of(
    rows: QuerySet[M, Any],
    ordering: Ordering,
    *,
    cursor: str = "",
    limit: int = DEFAULT_LIMIT,
    build: Callable[[list[Any]], Sequence[T]],
) -> Page[T]:
    """The page of `rows` after (or before) `cursor`; `build` turns the rows read into items, in their order.

    One query, plus those of `build`. Raises RuleBroken for a cursor of another list or a limit out of bounds.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise RuleBroken(f"limit is a whole number from 1 to {MAX_LIMIT}.", "limit", "range")
    backwards, position = _read_cursor(cursor, ordering, rows.model)
    selected = rows.order_by(*ordering.terms(backwards=backwards))
    if position is not None:
        sign = "<" if ordering.descending != backwards else ">"
        selected = selected.filter(_RowBeyond(position, sign))
    found = list(selected[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    if backwards:
        found.reverse()
    after, before = (bool(found), more) if backwards else (more, bool(position and found))
    return Page(
        items=tuple(build(found)),
        next=_cursor(ordering, found[-1], "n") if after else "",
        previous=_cursor(ordering, found[0], "p") if before else "",
    )


def capped_count(rows: QuerySet[Any, Any], cap: int = 10_000) -> int:
    """How many rows there are, `cap` + 1 when more than `cap`: nobody waits for an exact million."""
    return rows.order_by()[: cap + 1].count()


def _cursor(ordering: Ordering, row: Any, way: str) -> str:
    read = row.__getitem__ if isinstance(row, Mapping) else lambda name: getattr(row, name)
    values = [_text_of(read(column)) for column in ordering.columns]
    packed = json.dumps([way, ordering.name, *values], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def _text_of(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _read_cursor(
    cursor: str, ordering: Ordering, model: type[Model]
) -> tuple[bool, list[tuple[str, "Field[Any, Any]", object]] | None]:
    if not cursor:
        return False, None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        way, name, *texts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if way not in ("n", "p") or name != ordering.name:
            raise ValueError
        position = []
        for column, text in zip(ordering.columns, texts, strict=True):
            field = model._meta.get_field(column)
            if not isinstance(field, Field) or not isinstance(text, str):
                raise ValueError
            position.append((column, field, field.to_python(text)))
    except (ValueError, TypeError, ValidationError):
        raise RuleBroken(
            "This cursor is not one of this list in this ordering. Take it from next or previous.",
            "cursor",
            "unknown",
        ) from None
    return way == "p", position

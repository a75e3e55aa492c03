"""Lists: reads their parameters, answers JSON with links to other pages, or a CSV file of the same rows."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpResponse, QueryDict
from rest_framework.request import Request
from rest_framework.response import Response

from reinstall.api.csvfile import csv_answer
from reinstall.api.shapes import Shape, shaper
from reinstall.domain.errors import FieldError, RuleBroken
from reinstall.selectors.pages import DEFAULT_LIMIT, MAX_LIMIT, Page

#: A file with more rows is not what anybody opens; it is fetched page by page.
MAX_CSV_ROWS = 100_000
_FORMATS = ("json", "csv")


@dataclass(frozen=True, slots=True)
class Filter:
    """One query parameter of a list. `kind` is text, number, moment or uuid; `about` explains it."""

    name: str
    about: str
    kind: str = "text"
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListKind:
    """A list: name of its file, shape of a row, what narrows it, how it may be ordered."""

    name: str
    shape: Shape
    filters: tuple[Filter, ...] = ()
    orderings: tuple[str, ...] = ()
    searches: str = ""

    @property
    def known(self) -> tuple[str, ...]:
        """Names of all its query parameters."""
        own = tuple(item.name for item in self.filters)
        search = ("q",) if self.searches else ()
        ordering = ("ordering",) if self.orderings else ()
        return (*own, *search, *ordering, "cursor", "limit", "format")


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What was asked of a list: `values` of the filters given, where to go on, how many, in which format."""

    values: dict[str, Any]
    cursor: str
    limit: int
    as_csv: bool
    #: Somebody asked for this very page, not for the whole list.
    one_page: bool


def read_query(kind: ListKind, given: QueryDict) -> ListQuery:
    """The parameters of a list. Raises RuleBroken naming every one that is unknown, doubled or wrong."""
    errors = [_unknown(kind, name) for name in sorted(given) if name not in kind.known]
    errors += [
        FieldError(name, f"{name} is given {len(texts)} times; give it once.", "doubled")
        for name, texts in given.lists()
        if name in kind.known and len(texts) > 1
    ]
    values: dict[str, Any] = {}
    for item in (*kind.filters, *_COMMON):
        text = given.get(item.name, "")
        if text and item.name in kind.known:
            try:
                values[item.name] = _READERS[item.kind](text)
            except ValueError:
                errors.append(FieldError(item.name, f"{item.name} is {_WHAT[item.kind]}.", "format"))
    if errors:
        raise RuleBroken.of(errors)
    return ListQuery(
        cursor=values.pop("cursor", ""),
        limit=values.pop("limit", DEFAULT_LIMIT),
        as_csv=values.pop("format", "json") == "csv",
        one_page="cursor" in given or "limit" in given,
        values=values,
    )


def answer_list(
    request: Request, kind: ListKind, read: Callable[[ListQuery, str, int], Page[Any]]
) -> HttpResponse | Response:
    """The page asked for, with links to its neighbours; as CSV the whole list, or the page if one was named.

    `read` takes the query, a cursor and a limit.
    """
    query = read_query(kind, request.query_params)
    if query.as_csv:
        return csv_answer(kind.name, kind.shape, _csv_rows(query, read))
    page = read(query, query.cursor, query.limit)
    shaped = shaper(kind.shape)
    return Response(
        {
            "next": _link(request, page.next),
            "previous": _link(request, page.previous),
            "results": [shaped(item) for item in page.items],
        }
    )


def _csv_rows(query: ListQuery, read: Callable[[ListQuery, str, int], Page[Any]]) -> list[Any]:
    if query.one_page:
        return list(read(query, query.cursor, query.limit).items)
    rows: list[Any] = []
    for page in _all_pages(query, read):
        rows.extend(page.items)
        if len(rows) > MAX_CSV_ROWS:
            raise RuleBroken(
                f"More than {MAX_CSV_ROWS:,} rows match. Narrow the filter, or fetch pages with limit.",
                "format",
                "too_many",
            )
    return rows


def _all_pages(query: ListQuery, read: Callable[[ListQuery, str, int], Page[Any]]) -> Iterator[Page[Any]]:
    page = read(query, "", MAX_LIMIT)
    yield page
    while page.next:
        page = read(query, page.next, MAX_LIMIT)
        yield page


def _link(request: Request, cursor: str) -> str | None:
    if not cursor:
        return None
    params = request.query_params.copy()
    params["cursor"] = cursor
    return request.build_absolute_uri(f"{request.path}?{params.urlencode()}")


def _unknown(kind: ListKind, name: str) -> FieldError:
    return FieldError(name, f"There is no parameter {name} here. Known: {', '.join(kind.known)}.", "unknown")


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise ValueError
    return int(text)


def _limit(text: str) -> int:
    number = _number(text)
    if not 1 <= number <= MAX_LIMIT:
        raise ValueError
    return number


def _moment(text: str) -> datetime:
    # An unescaped + of an offset arrives as a space.
    moment = datetime.fromisoformat(text.replace(" ", "+") if " " in text[11:] else text)
    if moment.tzinfo is None:
        raise ValueError
    return moment


def _format(text: str) -> str:
    if text not in _FORMATS:
        raise ValueError
    return text


def _text(text: str) -> str:
    if "\0" in text or len(text) > 2000:
        raise ValueError
    return text


_READERS: dict[str, Callable[[str], Any]] = {
    "text": _text,
    "number": _number,
    "limit": _limit,
    "moment": _moment,
    "uuid": lambda text: str(uuid.UUID(text)),
    "format": _format,
}
_WHAT = {
    "text": "a text of at most 2,000 characters",
    "number": "a whole number",
    "limit": f"a whole number from 1 to {MAX_LIMIT}",
    "moment": "a time with its offset, like 2026-01-02T03:04:05Z",
    "uuid": "36 characters with hyphens, like bae51750-0089-41a1-9d5a-6a4d5a7a9b1f",
    "format": f"one of {', '.join(_FORMATS)}",
}
_COMMON = (
    Filter("q", "Words that must all occur."),
    Filter("ordering", "Which column orders the list; - in front turns it round."),
    Filter("cursor", "Where to go on, from next or previous."),
    Filter("limit", f"Rows per page, 1 to {MAX_LIMIT}; {DEFAULT_LIMIT} without.", "limit"),
    Filter(
        "format",
        "json, or csv for a file with the same rows: all pages, unless limit or cursor is given.",
        "format",
    ),
)


def common_filters(kind: ListKind) -> list[Filter]:
    """The parameters every list has, as far as `kind` has them; for the OpenAPI document."""
    return [item for item in _COMMON if item.name in kind.known]

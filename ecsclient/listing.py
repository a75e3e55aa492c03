"""One page of a long list: what is new on it, what cannot be read, and whether another page may follow.

Pages are no snapshot: an entry may come twice, and one bad entry says nothing about the others.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from ecsclient.errors import BadAnswer
from ecsclient.fields import JsonObject, demand, objects, required_id, whole
from ecsclient.session import CloudSession

T = TypeVar("T")
_MOST_PAGES: Final = 2000


@dataclass(frozen=True, slots=True)
class ListPage(Generic[T]):
    """`records` are the new ones. `count` is how many the cloud says there are, None where it does not say;
    `listed` how many different ids were seen up to here. `unreadable` holds a sentence for each entry that
    could not be read. `entries` counts all that stood on the page."""

    records: tuple[T, ...]
    count: int | None
    listed: int
    unreadable: tuple[str, ...]
    entries: int
    fresh: int

    def is_last(self, size: int) -> bool:
        """Whether nothing more is to be expected behind this page, where pages hold `size` entries."""
        ended = self.entries < size and (self.count is None or self.listed >= self.count)
        return self.fresh == 0 or ended


def page_of(
    answer: JsonObject, key: str, seen: set[str], parse: Callable[[JsonObject], T | None]
) -> ListPage[T]:
    """The page in `answer`, whose entries stand under `key`; their ids are added to `seen`.

    `parse` may answer None for an entry that is to be passed over. Raises BadAnswer where there is no list.
    """
    demand(answer, key)
    records: list[T] = []
    unreadable: list[str] = []
    entries = fresh = 0
    for entry in objects(answer, key):
        entries += 1
        try:
            name = required_id(entry, "id")
        except BadAnswer as error:
            unreadable.append(f"an entry without a usable id ({error})")
            continue
        if name in seen:
            continue
        seen.add(name)
        fresh += 1
        try:
            record = parse(entry)
        except BadAnswer as error:
            unreadable.append(f"{name} ({error})")
            continue
        if record is not None:
            records.append(record)
    return ListPage(tuple(records), whole(answer, "count"), len(seen), tuple(unreadable), entries, fresh)


def pages_by_rows(
    session: CloudSession, path: str, key: str, parse: Callable[[JsonObject], T | None], size: int
) -> Iterator[ListPage[T]]:
    """The pages of a list of the disk service: there `offset` counts rows. Raises CloudError."""
    seen: set[str] = set()
    offset = 0
    for _ in range(_MOST_PAGES):
        params: dict[str, str | int] = {"limit": size, "offset": offset}
        page = page_of(session.get("evs", path, params), key, seen, parse)
        offset += page.entries
        yield page
        if page.is_last(size):
            return

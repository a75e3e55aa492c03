"""Snapshots of disks.

Source: Elastic Volume Service API reference, "Querying Details About EVS Snapshots": `offset` counts rows,
`limit` is at most 1000, `count` is how many there are whatever page is asked for.
"""

from collections.abc import Iterator
from typing import Final

from ecsclient.fields import JsonObject, required_id
from ecsclient.listing import ListPage, page_of
from ecsclient.session import CloudSession

_PAGE: Final = 1000
_MOST_PAGES: Final = 1000


def snapshot_pages(session: CloudSession) -> Iterator[ListPage[str]]:
    """The snapshots of the project page by page, each as the id of the disk it was made of."""
    seen: set[str] = set()
    offset = 0
    for _ in range(_MOST_PAGES):
        params: dict[str, str | int] = {"limit": _PAGE, "offset": offset}
        answer = session.get("evs", f"/v2/{session.project_id}/cloudsnapshots/detail", params)
        page = page_of(answer, "snapshots", seen, _volume_of)
        offset += page.entries
        yield page
        if page.is_last(_PAGE):
            return


def _volume_of(entry: JsonObject) -> str:
    return required_id(entry, "volume_id")

"""Snapshots of disks.

Source: Elastic Volume Service API reference, "Querying Details About EVS Snapshots": `offset` counts rows,
`limit` is at most 1000, `count` is how many there are whatever page is asked for.
"""

from collections.abc import Iterator
from typing import Final

from ecsclient.fields import JsonObject, required_id
from ecsclient.listing import ListPage, pages_by_rows
from ecsclient.session import CloudSession

_PAGE: Final = 1000


def snapshot_pages(session: CloudSession) -> Iterator[ListPage[str]]:
    """The snapshots of the project page by page, each as the id of the disk it was made of."""
    path = f"/v2/{session.project_id}/cloudsnapshots/detail"
    return pages_by_rows(session, path, "snapshots", _volume_of, _PAGE)


def _volume_of(entry: JsonObject) -> str:
    return required_id(entry, "volume_id")

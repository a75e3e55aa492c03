"""The first page of each list the portal reads: enough to see that it may be read, in one call each.

Sources: those of the modules that read the whole lists (`servers`, `volumes`, `keypairs`, `kms`, `images`,
`traces`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ecsclient.errors import BadAnswer
from ecsclient.fields import JsonObject, child, demand, flag, objects, text, whole
from ecsclient.session import CloudSession
from ecsclient.traces import KEPT

_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Seen:
    """How many entries there are as far as one page tells; `more`: there are others behind it, uncounted."""

    count: int
    more: bool = False


def _seen(answer: JsonObject, name: str) -> Seen:
    demand(answer, name)
    found = len(list(objects(answer, name)))
    announced = whole(answer, "count")
    return Seen(found, found >= _PAGE) if announced is None else Seen(max(found, announced))


def servers(session: CloudSession) -> Seen:
    """Servers of the project, bare metal left out. Raises CloudError, as all here do."""
    params: Mapping[str, str | int] = {"offset": 1, "limit": _PAGE, "not-tags": "__type_baremetal"}
    return _seen(session.get("ecs", f"/v1/{session.project_id}/cloudservers/detail", params), "servers")


def disks(session: CloudSession) -> Seen:
    """Disks of the project."""
    params: Mapping[str, str | int] = {"offset": 0, "limit": _PAGE}
    return _seen(session.get("evs", f"/v2/{session.project_id}/cloudvolumes/detail", params), "volumes")


def key_pairs(session: CloudSession) -> Seen:
    """Key pairs of the signed-in user; this list has no pages."""
    answer = session.get("ecs", f"/v2.1/{session.project_id}/os-keypairs")
    demand(answer, "keypairs")
    return Seen(len(list(objects(answer, "keypairs"))))


def kms_keys(session: CloudSession) -> Seen:
    """KMS keys of the project in any state."""
    answer = session.post("kms", f"/v1.0/{session.project_id}/kms/list-keys", {"limit": str(_PAGE)})
    demand(answer, "keys")
    return Seen(len(list(objects(answer, "key_details"))), flag(answer, "truncated"))


def images(session: CloudSession) -> Seen:
    """Images the project may use, public ones among them."""
    return _seen(session.get("ims", "/v2/cloudimages", {"limit": _PAGE}), "images")


def traces(session: CloudSession, *, since: datetime) -> Seen:
    """Records of the compute service from `since` on."""
    start = int(since.timestamp() * 1000)
    params: Mapping[str, str | int] = {
        "trace_type": "system",
        "service_type": "ECS",
        "limit": _PAGE,
        "from": start,
        "to": start + int(KEPT.total_seconds() * 1000),
    }
    answer = session.get("cts", f"/v3/{session.project_id}/traces", params)
    if answer.get("traces") is None:
        raise BadAnswer("the answer has no field 'traces'")
    found = len(list(objects(answer, "traces")))
    return Seen(found, found >= _PAGE and bool(text(child(answer, "meta_data"), "marker")))

"""What was done to a server, as the native compute interface lists it.

Source: Elastic Cloud Server API reference, native OpenStack Nova APIs, "Listing Actions on an ECS" (GET
/v2.1/{project_id}/servers/{server_id}/os-instance-actions). Which actions a reinstall leaves behind is not
documented.
"""

from dataclasses import dataclass
from datetime import datetime

from ecsclient.errors import plain
from ecsclient.fields import demand, instant, objects, path_id, text
from ecsclient.session import CloudSession


@dataclass(frozen=True, slots=True)
class InstanceAction:
    """One action on a server. Several share a `request_id` where one call led to all of them."""

    action: str
    request_id: str
    user_id: str
    at: datetime | None
    message: str


def instance_actions(session: CloudSession, server_id: str) -> tuple[InstanceAction, ...]:
    """The actions on a server, newest first as the cloud sends them. Raises CloudError or ValueError."""
    server_id = path_id(server_id, "server_id")
    answer = session.get("ecs", f"/v2.1/{session.project_id}/servers/{server_id}/os-instance-actions")
    demand(answer, "instanceActions")
    return tuple(
        InstanceAction(
            action=plain(text(entry, "action"))[:60],
            request_id=plain(text(entry, "request_id"))[:80],
            user_id=plain(text(entry, "user_id"))[:64],
            at=instant(entry, "start_time"),
            message=plain(text(entry, "message"))[:200],
        )
        for entry in objects(answer, "instanceActions")
    )

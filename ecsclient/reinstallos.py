"""The call that wipes the system disk.

Source: Elastic Cloud Server API reference, "Reinstalling an ECS OS", POST
/v2/{project_id}/cloudservers/{server_id}/reinstallos (with Cloud-Init) and /v1/... (without). The call has
no idempotency key: whoever sends it twice wipes twice. Preparing may talk to the identity service; sending
is one shot and never repeated here.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from ecsclient.addresses import AddressRule, any_other
from ecsclient.fields import path_id
from ecsclient.session import CloudSession
from ecsclient.transport import OneShotResult, post_once


@dataclass(frozen=True, slots=True)
class PreparedReinstall:
    """A reinstall ready to be sent: the exact bytes, and headers that hold for 15 minutes around `signed_at`
    when signed with an access key."""

    url: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    signed_at: datetime
    body_sha256: str
    refuses: AddressRule = any_other


def prepare_reinstall(
    session: CloudSession,
    *,
    server_id: str,
    body: bytes,
    signed_at: datetime,
    version: Literal["v1", "v2"] = "v2",
) -> PreparedReinstall:
    """Sign the reinstall of `server_id` with exactly `body`; nothing is sent to the compute service.

    Raises ValueError for an id, version or time that cannot be used, and CloudError where signing in fails.
    """
    if version not in ("v1", "v2"):
        raise ValueError("version should be 'v1' or 'v2'")
    if signed_at.tzinfo is None:
        raise ValueError("signed_at should be a time with a zone")
    path = f"/{version}/{session.project_id}/cloudservers/{path_id(server_id, 'server_id')}/reinstallos"
    url = session.url("ecs", path)
    return PreparedReinstall(
        url=url,
        path=path,
        headers=session.authorised(url=url, body=body, signed_at=signed_at),
        body=body,
        signed_at=signed_at,
        body_sha256=hashlib.sha256(body).hexdigest(),
        refuses=session.refuses,
    )


def send_reinstall(
    prepared: PreparedReinstall,
    *,
    connect_timeout: float = 5,
    read_timeout: float = 30,
    wall: float = 60,
) -> OneShotResult:
    """Send it, once. Never raises for network conditions; the result's phase tells whether it may have
    arrived. Call this at most once for what must happen at most once."""
    return post_once(
        url=prepared.url,
        headers=prepared.headers,
        body=prepared.body,
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        wall=wall,
        refuses=prepared.refuses,
    )

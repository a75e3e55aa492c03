"""What was asked for a job: the settings of its order, without what is sealed."""

from dataclasses import dataclass

from reinstall.models import Job, Order


@dataclass(frozen=True, slots=True)
class AskedFor:
    """What the order asked for. The script itself is never here, only its size and SHA-256; no password is.

    login: keypair, password or script. version: of the call, v1 for an image without Cloud-Init.
    """

    keyname: str
    userid: str
    mode: str
    byol: bool
    encrypted: bool | None
    cmkid: str
    user_data_bytes: int
    user_data_sha256: str
    login: str
    version: str


def asked_for(job: Job) -> AskedFor:
    """What was asked for `job`, read with its order."""
    order = job.order
    return AskedFor(
        order.keyname,
        order.userid,
        order.mode,
        order.byol,
        order.encrypted,
        order.cmkid,
        order.user_data_bytes,
        order.user_data_sha256,
        _login_of(order),
        job.call_version,
    )


def _login_of(order: Order) -> str:
    """How people sign in after the reinstall."""
    if order.password_set:
        return "password"
    return "keypair" if order.keyname else "script"

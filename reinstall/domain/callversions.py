"""Which version of the call a server's image takes, and what that version does not.

Source: the API pages "Reinstalling an ECS OS (with Cloud-Init)", v2, and "(without Cloud-Init)", v1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from reinstall.domain.logins import windows_fault
from reinstall.domain.spec import Wanted
from reinstall.domain.verdicts import Check, Level

CallVersion = Literal["v1", "v2"]


@dataclass(frozen=True, slots=True)
class CloudCalls:
    """What a cloud offers: `v1_note` says why it has no call for images without Cloud-Init."""

    title: str
    has_v1: bool
    v1_note: str = ""


def version_for(*, cloud_init: bool) -> CallVersion:
    """The version for an image: v1 only where the image cannot be set up by Cloud-Init."""
    return "v2" if cloud_init else "v1"


def call_findings(
    spec: Wanted, *, server_name: str, os_type: str, version: CallVersion, calls: CloudCalls
) -> Iterator[Check]:
    """Whether the call for this server takes what is asked for."""
    windows = os_type.lower() == "windows"
    if version == "v1":
        yield from _without_cloud_init(spec, server_name, windows=windows, calls=calls)
    if spec.adminpass and windows:
        fault = windows_fault(spec.adminpass)
        if fault:
            yield Check("password", Level.MUST_FIX, fault, "adminpass")
    if spec.adminpass and spec.user_data and not windows:
        yield Check(
            "password",
            Level.TO_KNOW,
            "With a first-boot script the password has no effect on Linux; the script has to set the login.",
            "adminpass",
        )


def _without_cloud_init(
    spec: Wanted, server_name: str, *, windows: bool, calls: CloudCalls
) -> Iterator[Check]:
    what = f"The image of {server_name} has no Cloud-Init"
    if not calls.has_v1:
        note = calls.v1_note or f"{calls.title} has no call for such images."
        yield Check("call", Level.MUST_FIX, f"{what}. {note} It cannot be reinstalled from here.", "servers")
        return
    yield Check("call", Level.PASSED, f"{what}; the call for such images is used (v1).")
    if spec.user_data:
        yield Check(
            "call",
            Level.MUST_FIX,
            f"{what}, so it takes no first-boot script. Leave the script out.",
            "user_data",
        )
    if windows and not spec.adminpass:
        yield Check(
            "call",
            Level.MUST_FIX,
            f"{what} and is Windows: there only a password is taken, no key pair.",
            "adminpass",
        )
    elif not (spec.keyname or spec.adminpass):
        yield Check("call", Level.MUST_FIX, f"{what}: choose a key pair or a password.", "keyname")

"""What a person does, and leaves, after a reinstall: wait for the login, forget the old host keys.

Source: the API page "Reinstalling an ECS OS": after the end of the job the injection of key or password is
still running for some minutes, and the SSH host keys of the server are new.
"""

import ipaddress
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from reinstall.domain.identity import DiskFacts, ServerFacts

#: So long the login is still being written after the cloud has reported the end.
LEAVE_ALONE = timedelta(minutes=5)
#: What a shell, and ssh, take for the name of a host. Any other name of a server is not one.
_HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")


class Became(StrEnum):
    """What became of a disk, or of the addresses; the words stand in `domain.looks`."""

    REPLACED = "replaced"
    UNCHANGED = "unchanged"
    CHANGED = "changed"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the proof: `before` and `after` are ids or addresses, "" where there is none."""

    label: str
    before: str
    after: str
    became: Became


def leave_alone_until(
    *, cloud_ended_at: datetime | None, sent_at: datetime | None, ended_at: datetime
) -> datetime:
    """When the login is written. The cloud's word counts as far as this portal's clock bears it out."""
    end = min(cloud_ended_at or ended_at, ended_at)
    return max(end, sent_at or end) + LEAVE_ALONE


def known_hosts(addresses: Iterable[str], name: str) -> tuple[str, ...]:
    """What a known_hosts file may call the server: its addresses, and its name where that can be one."""
    found = [address for address in addresses if _is_address(address)]
    if _HOST_NAME.fullmatch(name):
        found.append(name)
    return tuple(dict.fromkeys(found))


def forget_line(host: str) -> str:
    """The command that forgets the host keys of `host`."""
    return f"ssh-keygen -R {shlex.quote(host)}"


def changes(before: ServerFacts, after: ServerFacts) -> tuple[Change, ...]:
    """The proof line by line: the system disk, each data disk, the addresses."""
    new = after.system_disk
    attached = {disk.volume_id for disk in after.data_disks}
    lines = [_system_change(old, new, before) for old in [before.system_disk] if old is not None]
    for disk in sorted(before.data_disks, key=lambda disk: (disk.device, disk.volume_id)):
        there = disk.volume_id in attached
        became = Became.UNCHANGED if there else Became.MISSING
        lines.append(
            Change(_label("Data disk", disk), disk.volume_id, disk.volume_id if there else "", became)
        )
    same = set(before.addresses) == set(after.addresses)
    listed = (", ".join(before.addresses), ", ".join(after.addresses))
    lines.append(Change("Addresses", *listed, Became.UNCHANGED if same else Became.CHANGED))
    return tuple(lines)


def _system_change(old: DiskFacts, new: DiskFacts | None, before: ServerFacts) -> Change:
    became = Became.MISSING
    if new is not None:
        known = {disk.volume_id for disk in before.disks}
        became = Became.CHANGED if new.volume_id in known else Became.REPLACED
    return Change(_label("System disk", old), old.volume_id, new.volume_id if new else "", became)


def _label(what: str, disk: DiskFacts) -> str:
    size = f", {disk.size_gb} GB" if disk.size_gb else ""
    return f"{what}{f' {disk.device}' if disk.device else ''}{size}"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True

"""A server before the call and now, field by field, for rules and for people."""

from collections.abc import Iterable
from dataclasses import dataclass

from reinstall.domain.identity import NONE_YET, ServerFacts


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One property of the server: `before` the call and `now`, as texts; "" where it is not known."""

    name: str
    label: str
    before: str
    now: str

    @property
    def changed(self) -> bool:
        return self.before != self.now


#: Property, what a page calls it. Addresses and disks follow.
_COMPARED = (
    ("name", "Name"),
    ("status", "Status"),
    ("task_state", "What the cloud does with it"),
    ("keyname", "Key pair"),
    ("image_id", "Image"),
    ("launched_at", "Last started"),
    ("updated", "Last changed"),
)


def compare(before: ServerFacts, now: ServerFacts | None) -> tuple[FieldChange, ...]:
    """Field by field, the system disk first; empty when there is nothing to compare with."""
    if now is None:
        return ()
    plain = [FieldChange(name, label, getattr(before, name), getattr(now, name)) for name, label in _COMPARED]
    return (
        FieldChange("system_disk", "System disk", _system_disk(before), _system_disk(now)),
        *plain,
        FieldChange("addresses", "Addresses", _listed(before.addresses), _listed(now.addresses)),
        FieldChange("data_disks", "Data disks", _data_disks(before), _data_disks(now)),
    )


def new_actions(newest_before: str, listed: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Names of the actions since the baseline; `listed` is (request id, action), newest first.

    Empty where the baseline does not know which was the newest then.
    """
    if not newest_before:
        return ()
    found = []
    for request_id, action in listed:
        if newest_before not in (NONE_YET, "") and request_id == newest_before:
            break
        found.append(action)
    return tuple(found)


def _system_disk(facts: ServerFacts) -> str:
    return facts.system_disk.volume_id if facts.system_disk else ""


def _data_disks(facts: ServerFacts) -> str:
    return _listed(sorted(disk.volume_id for disk in facts.data_disks))


def _listed(values: Iterable[str]) -> str:
    return ", ".join(values)

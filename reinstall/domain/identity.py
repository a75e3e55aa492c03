"""What a server was when somebody looked: what must not change before the call, and what must after."""

from dataclasses import dataclass

#: The cloud was asked for the newest of something, and there was none.
NONE_YET = "none"


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """One attached disk. boot_index 0 is the system disk; size in GB, None where the cloud did not say."""

    volume_id: str
    device: str = ""
    size_gb: int | None = None
    boot_index: int | None = None
    name: str = ""
    encrypted: bool = False
    shareable: bool = False

    @property
    def is_system(self) -> bool:
        return self.boot_index == 0


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """A server as it stood at one moment."""

    server_id: str
    name: str
    status: str = ""
    task_state: str = ""
    addresses: tuple[str, ...] = ()
    disks: tuple[DiskFacts, ...] = ()
    keyname: str = ""
    image_id: str = ""
    launched_at: str = ""
    updated: str = ""
    #: Of a baseline only: the id of the newest action the cloud lists for it, and the time of the newest
    #: trace of its project. NONE_YET where there was none, "" where the cloud did not tell.
    newest_action: str = ""
    newest_trace: str = ""

    @property
    def system_disk(self) -> DiskFacts | None:
        """The one disk with boot index 0; None when there is none, or more than one."""
        found = [disk for disk in self.disks if disk.is_system]
        return found[0] if len(found) == 1 else None

    @property
    def data_disks(self) -> tuple[DiskFacts, ...]:
        return tuple(disk for disk in self.disks if not disk.is_system)

    def to_json(self) -> dict[str, object]:
        """For a JSON column; `from_json` reads it back."""
        # By hand: dataclasses.asdict copies deeply, which is an eighth of placing ten thousand jobs.
        found: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        found["disks"] = tuple(
            {name: getattr(disk, name) for name in DiskFacts.__slots__} for disk in self.disks
        )
        return found

    @classmethod
    def from_json(cls, value: dict[str, object]) -> "ServerFacts | None":
        """None for an empty column."""
        if not value:
            return None
        known = {**value}
        raw_disks = known.pop("disks", ())
        addresses = known.pop("addresses", ())
        disks = tuple(DiskFacts(**disk) for disk in raw_disks) if isinstance(raw_disks, (list, tuple)) else ()
        # What a newer version of the portal added is left out by an older one beside it.
        texts = {name: str(text) for name, text in known.items() if name in cls.__dataclass_fields__}
        listed = addresses if isinstance(addresses, (list, tuple)) else ()
        return cls(**texts, addresses=tuple(str(a) for a in listed), disks=disks)


def drift(reviewed: ServerFacts, now: ServerFacts) -> tuple[str, ...]:
    """Sentences on what identifies the server and is not as at review; empty when it is the same one."""
    sentences = []
    if reviewed.name != now.name:
        sentences.append(f"its name was {reviewed.name} and is {now.name}")
    if set(reviewed.addresses) != set(now.addresses):
        was, is_now = ", ".join(reviewed.addresses) or "none", ", ".join(now.addresses) or "none"
        sentences.append(f"its addresses were {was} and are {is_now}")
    was_disk, is_disk = reviewed.system_disk, now.system_disk
    if (was_disk and was_disk.volume_id) != (is_disk and is_disk.volume_id):
        sentences.append("its system disk is another one")
    gone = {disk.volume_id for disk in reviewed.data_disks} - {disk.volume_id for disk in now.data_disks}
    new = {disk.volume_id for disk in now.data_disks} - {disk.volume_id for disk in reviewed.data_disks}
    if gone:
        sentences.append(f"{len(gone)} of its data disks are not attached any more")
    if new:
        sentences.append(f"{len(new)} data disks were attached since")
    return tuple(sentences)


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether a finished reinstall did what it says: `system_is_new` and no data disk in `lost_disks`."""

    system_is_new: bool
    lost_disks: tuple[str, ...]
    sentence: str

    @property
    def holds(self) -> bool:
        return self.system_is_new and not self.lost_disks


def prove(before: ServerFacts, after: ServerFacts) -> Proof:
    """Compares the disks before arming with those after the cloud reported the end."""
    old, new = before.system_disk, after.system_disk
    # A data disk that became the system disk is not a new one, and is not kept either.
    known = {disk.volume_id for disk in before.disks}
    is_new = old is not None and new is not None and new.volume_id not in known
    attached = {disk.volume_id for disk in after.data_disks}
    lost = tuple(disk.volume_id for disk in before.data_disks if disk.volume_id not in attached)
    parts = []
    if new is None:
        parts.append("No system disk was found.")
    elif is_new:
        parts.append("The system disk is a new one.")
    elif old is None:
        parts.append("Which disk was the system disk before is not known.")
    elif old.volume_id != new.volume_id:
        parts.append("A data disk of before is the system disk now.")
    else:
        parts.append("The system disk is still the old one.")
    parts.append(_kept(len(before.data_disks), len(lost)))
    return Proof(is_new, lost, " ".join(parts))


def _kept(count: int, lost: int) -> str:
    """What became of `count` data disks of which `lost` are not attached any more."""
    if count == 0:
        return "There was no data disk."
    if lost:
        return f"{count - lost} of {count} data disks are the same as before."
    return (
        "Its data disk is the same as before."
        if count == 1
        else f"All {count} data disks are the same as before."
    )

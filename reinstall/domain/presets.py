"""What a preset says, and how two sayings differ; a login may be left open for each reinstall to choose."""

from dataclasses import dataclass, field

#: Settings by their field, as people call them.
LABELS = {
    "keyname": "Key pair",
    "userid": "Key owner",
    "user_data": "First-boot script",
    "encrypted": "System disk encryption",
    "cmkid": "KMS key",
    "byol": "License",
    "mode": "If running",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of a reinstall, named as those of an order. keyname "": chosen anew each time.

    user_data: the script's bytes, "" for none. It may hold secrets, so it is in no repr.
    """

    keyname: str = ""
    userid: str = ""
    mode: str = ""
    byol: bool = False
    encrypted: bool | None = None
    cmkid: str = ""
    user_data: bytes = field(default=b"", repr=False)


def differing(one: Settings, other: Settings) -> tuple[str, ...]:
    """The fields in which the two say different things, in the order people read them."""
    return tuple(name for name in LABELS if getattr(one, name) != getattr(other, name))


def changed_from(preset: Settings, asked: Settings) -> tuple[str, ...]:
    """The fields of a request that are not as its preset says; a login the preset leaves open is none."""
    open_ones = {"keyname", "userid"} if not preset.keyname else set()
    return tuple(name for name in differing(preset, asked) if name not in open_ones)


def labels_of(names: tuple[str, ...]) -> tuple[str, ...]:
    """The words for fields, in the order people read them; what changes together is named once."""
    hidden = {"userid"} if "keyname" in names else set()
    hidden |= {"cmkid"} if "encrypted" in names else set()
    return tuple(word for name, word in LABELS.items() if name in names and name not in hidden)


def reference(slug: str, number: int) -> str:
    """How a form and REST name one version of a preset."""
    return f"{slug}@{number}"


def read_reference(text: str) -> tuple[str, int | None]:
    """(slug, number); number None where the newest is meant, 0 where what is written is no number."""
    slug, sign, number = text.partition("@")
    if not sign:
        return slug, None
    return slug, int(number) if number.isascii() and number.isdigit() and len(number) <= 9 else 0

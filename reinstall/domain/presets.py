"""What a preset says, and how two sayings differ; a login may be left open for each reinstall to choose."""

import hashlib
from dataclasses import dataclass, field, fields
from typing import Any

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
class _Options:
    """Settings but for the script, named as those of an order. keyname "": chosen anew each time."""

    keyname: str = ""
    userid: str = ""
    mode: str = ""
    byol: bool = False
    encrypted: bool | None = None
    cmkid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told(_Options):
    """Settings as they are stored in the open and shown: of the script its size and SHA-256, "" for none."""

    user_data_bytes: int = 0
    user_data_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(_Options):
    """Settings of a reinstall. user_data: the script's bytes, which may hold secrets, so it is in no repr."""

    user_data: bytes = field(default=b"", repr=False)

    @property
    def user_data_bytes(self) -> int:
        """As `Told` has it."""
        return len(self.user_data)

    @property
    def user_data_sha256(self) -> str:
        """As `Told` has it."""
        return hashlib.sha256(self.user_data).hexdigest() if self.user_data else ""


def taken(kind: type[_Options], source: object) -> dict[str, Any]:
    """The fields of `kind` as `source` has them: a row, a request, a spec."""
    return {one.name: getattr(source, one.name) for one in fields(kind)}


def told_by(source: object) -> Told:
    """What a row says, but for its script."""
    return Told(**taken(Told, source))


def with_script(source: object, script: bytes) -> Settings:
    """What a row says, with its script opened."""
    return Settings(**taken(_Options, source), user_data=script)


def differing(one: Told | Settings, other: Told | Settings) -> tuple[str, ...]:
    """The fields in which the two say different things, in the order people read them."""
    return tuple(name for name in LABELS if _value(one, name) != _value(other, name))


def _value(said: Told | Settings, name: str) -> object:
    return said.user_data_sha256 if name == "user_data" else getattr(said, name)


def changed_from(preset: Told | Settings, asked: Told | Settings) -> tuple[str, ...]:
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

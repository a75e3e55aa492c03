"""Reads the body of a reinstall: shape, types and the rules that need nothing but the body."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

from simulator.messages import bad_parameter, ecs_refusal
from simulator.scenario import Profile

MAX_USER_DATA = 32_768  # bytes before base64
SPECIALS = "!@$%^-_=+[{}]:,./?~#*"
CLASSES = (r"[A-Z]", r"[a-z]", r"[0-9]", "[" + re.escape(SPECIALS) + "]")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A reinstall as asked for. Empty texts and absent fields are both None."""

    key_name: str | None
    user_id: str | None
    password: str | None
    stop_first: bool
    user_data: str | None
    cmk_id: str | None
    byol: bool
    raw: dict[str, Any]


def read_body(data: bytes) -> dict[str, Any]:
    """The object under `os-reinstall`. Raises Common.0002 or Ecs.0005."""
    if not data.strip():
        raise ecs_refusal("Common.0002")
    try:
        body = json.loads(data)
    except ValueError:
        raise bad_parameter("the request body is not valid JSON.") from None
    inner = body.get("os-reinstall") if isinstance(body, dict) else None
    if not isinstance(inner, dict):
        raise bad_parameter("os-reinstall is missing or not an object.")
    return inner


def _text(source: dict[str, Any], name: str, label: str) -> str | None:
    value = source.get(name)
    if value is not None and not isinstance(value, str):
        raise bad_parameter(f"{label} must be a string.")
    return value or None


def read_wanted(inner: dict[str, Any], profile: Profile, version: str) -> Wanted:
    """Checks every field by itself. Raises Ecs.0005 or the code of the field."""
    metadata = inner.get("metadata")
    if metadata is None:
        metadata = {}
    if not isinstance(metadata, dict):
        raise bad_parameter("metadata must be an object.")
    wanted = Wanted(
        key_name=_text(inner, "keyname", "keyname"),
        user_id=_text(inner, "userid", "userid"),
        password=_text(inner, "adminpass", "adminpass"),
        stop_first=_read_mode(inner, profile),
        user_data=_text(metadata, "user_data", "metadata.user_data"),
        cmk_id=_read_encryption(metadata),
        byol=_read_byol(metadata, profile),
        raw=inner,
    )
    _check_user_data(wanted.user_data, version)
    _check_login(wanted, profile, version)
    return wanted


def _read_mode(inner: dict[str, Any], profile: Profile) -> bool:
    """Where the profile's documents have no such field, it is one of the unknown fields and has no effect."""
    mode = _text(inner, "mode", "mode")
    if not profile.allows_mode or mode is None:
        return False
    if mode != "withStopServer":
        raise bad_parameter("mode must be withStopServer.")
    return True


def _read_byol(metadata: dict[str, Any], profile: Profile) -> bool:
    if "BYOL" not in metadata:
        return False
    value = metadata["BYOL"]
    if value != "true" and profile.strict_byol:
        raise bad_parameter("metadata.BYOL must be true.")
    return bool(value == "true")


def _read_encryption(metadata: dict[str, Any]) -> str | None:
    encrypted = _text(metadata, "__system__encrypted", "__system__encrypted")
    key = _text(metadata, "__system__cmkid", "__system__cmkid")
    if encrypted not in (None, "0", "1"):
        raise bad_parameter("__system__encrypted must be 0 or 1.")
    if encrypted == "1" and key is None:
        raise bad_parameter("__system__cmkid is missing although __system__encrypted is 1.", "Ecs.0912")
    if encrypted != "1" and key is not None:
        raise bad_parameter("__system__cmkid needs __system__encrypted to be 1.", "Ecs.0912")
    return key


def _check_user_data(text: str | None, version: str) -> None:
    if text is None:
        return
    if version == "v1":
        raise bad_parameter("metadata.user_data needs an image with Cloud-Init and the v2 call.")
    try:
        plain = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise bad_parameter("metadata.user_data is not base64.") from None
    if len(plain) > MAX_USER_DATA:
        raise bad_parameter(f"metadata.user_data is larger than {MAX_USER_DATA} bytes before encoding.")


def _check_login(wanted: Wanted, profile: Profile, version: str) -> None:
    if wanted.password is not None:
        _check_password(wanted.password, profile)
    if wanted.password is not None and wanted.key_name is not None:
        raise bad_parameter("adminpass and keyname exclude each other.")
    if wanted.key_name is not None and wanted.user_id is None:
        raise bad_parameter("userid is missing although keyname is given.")
    if profile.needs_key and wanted.key_name is None:
        raise bad_parameter("keyname is missing.")
    has_login = wanted.password or wanted.key_name or (wanted.user_data and version == "v2")
    if profile.needs_login and not has_login:
        raise bad_parameter("one of keyname, adminpass and metadata.user_data must be given.")


def _check_password(password: str, profile: Profile) -> None:
    if not profile.allows_password:
        raise bad_parameter("adminpass is not supported.")
    classes = sum(re.search(c, password) is not None for c in CLASSES)
    allowed = all(ch.isascii() and (ch.isalnum() or ch in SPECIALS) for ch in password)
    if not 8 <= len(password) <= 26 or classes < 3 or not allowed:
        raise ecs_refusal("Ecs.0011")


def holds_user_name(password: str) -> bool:
    """Whether three characters in a row are of "Administrator", forwards or backwards."""
    name, said = "administrator", password.lower()
    return any(
        part[start : start + 3] in said for part in (name, name[::-1]) for start in range(len(part) - 2)
    )

"""What may be asked of a reinstall: the rules of the cloud's API page, checked on construction, written once.

Source: the API page "Reinstalling an ECS OS (with Cloud-Init)", POST
/v2/{project_id}/cloudservers/{server_id}/reinstallos, and those of the other clouds where they differ.
"""

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Protocol

from reinstall.domain.errors import FieldError, RuleBroken
from reinstall.domain.findings import TO_KNOW, refusals
from reinstall.domain.findings import USER_DATA_MAX_BYTES as USER_DATA_MAX_BYTES
from reinstall.domain.logins import login_errors
from reinstall.domain.userdata import findings

MODE_STOP_FIRST = "withStopServer"

_CMKID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What the cloud of the target allows; made from its profile by the service that knows it."""

    cloud_title: str = "this cloud"
    allows_mode: bool = True
    allows_byol: bool = True
    allows_encryption: bool = True
    user_data_only: bool = False
    allows_password: bool = False
    #: Why not, in the words of the cloud's profile.
    password_note: str = ""


class Wanted(Protocol):
    """What the checks read of a reinstall, whether it was judged (a spec) or not yet (a request)."""

    @property
    def keyname(self) -> str: ...
    @property
    def userid(self) -> str: ...
    @property
    def mode(self) -> str: ...
    @property
    def byol(self) -> bool: ...
    @property
    def user_data(self) -> bytes: ...
    @property
    def encrypted(self) -> bool | None: ...
    @property
    def cmkid(self) -> str: ...
    @property
    def adminpass(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReinstallSpec:
    """One reinstall as a person asked for it. Raises RuleBroken naming every field that is wrong.

    encrypted: None leaves the key out (the cloud decides), True sends "1", False sends "0".
    user_data: the exact bytes the server will find, before base64; empty means none.
    adminpass: in place of a key pair; secret, so it is in no repr.
    """

    keyname: str = ""
    userid: str = ""
    mode: str = ""
    byol: bool = False
    user_data: bytes = b""
    encrypted: bool | None = None
    cmkid: str = ""
    adminpass: str = field(default="", repr=False)
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        errors = [
            *login_errors(self),
            *self._user_data_errors(),
            *self._option_errors(),
            *self._cmk_errors(),
        ]
        if errors:
            raise RuleBroken.of(errors)

    def _user_data_errors(self) -> list[FieldError]:
        return [FieldError("user_data", it.sentence, it.code) for it in refusals(self.user_data)]

    def _option_errors(self) -> list[FieldError]:
        errors = []
        if self.mode not in ("", MODE_STOP_FIRST):
            errors.append(FieldError("mode", f'Mode is "{MODE_STOP_FIRST}" or left out.', "choice"))
        elif self.mode and not self.limits.allows_mode:
            errors.append(self._not_here("mode", "does not take a mode; leave it out"))
        if self.byol and not self.limits.allows_byol:
            errors.append(self._not_here("byol", "does not take a licence of your own"))
        return errors

    def _not_here(self, field: str, what: str) -> FieldError:
        return FieldError(field, f"{self.limits.cloud_title} {what}.", "not_on_this_cloud")

    def _cmk_errors(self) -> list[FieldError]:
        errors = []
        if self.encrypted is not None and not self.limits.allows_encryption:
            errors.append(self._not_here("encrypted", "does not take encryption here"))
        if self.cmkid and not _CMKID.fullmatch(self.cmkid):
            errors.append(
                FieldError(
                    "cmkid",
                    "A KMS key ID has 36 characters, like 83cdb52d-9ebf-4469-9cfa-e7b5b80da846.",
                    "format",
                )
            )
        if self.encrypted and not self.cmkid:
            errors.append(
                FieldError("cmkid", "Choose the KMS key that encrypts the new system disk.", "required")
            )
        if self.cmkid and not self.encrypted:
            errors.append(
                FieldError(
                    "cmkid",
                    "A KMS key is only sent with encryption; choose to encrypt, or leave it out.",
                    "unused",
                )
            )
        return errors

    def body(self) -> dict[str, object]:
        """The request's JSON object, exactly as the cloud is to see it; BYOL is left out when not wanted."""
        fields: dict[str, object] = {}
        for name in ("keyname", "userid", "adminpass", "mode"):
            if value := getattr(self, name):
                fields[name] = value
        metadata = self._metadata()
        if metadata:
            fields["metadata"] = metadata
        return {"os-reinstall": fields}

    def _metadata(self) -> dict[str, str]:
        metadata: dict[str, str] = {}
        if self.byol:
            metadata["BYOL"] = "true"
        if self.user_data:
            metadata["user_data"] = base64.b64encode(self.user_data).decode("ascii")
        if self.encrypted is not None:
            metadata["__system__encrypted"] = "1" if self.encrypted else "0"
        if self.cmkid:
            metadata["__system__cmkid"] = self.cmkid
        return metadata

    def request_bytes(self) -> bytes:
        """The bytes that are signed, hashed, stored as armed and sent: canonical JSON, once."""
        return canonical_json(self.body())

    def masked_body(self) -> dict[str, object]:
        """As `body`, user data as size and digest, no password: safe for pages, logs and audit."""
        return mask_body(self.body())


def canonical_json(value: object) -> bytes:
    """JSON with sorted keys and no spaces, UTF-8: equal values give equal bytes.

    Half surrogates, which only a stranger's JSON can hold, pass as they are; no spec has one.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def mask_body(body: dict[str, object]) -> dict[str, object]:
    """A copy of a reinstall request in which user_data is a size and a SHA-256, and a password is gone."""
    root = body.get("os-reinstall")
    if not isinstance(root, dict):
        return body
    fields = dict(root)
    if "adminpass" in fields:
        fields["adminpass"] = "hidden"
    metadata = fields.get("metadata")
    if isinstance(metadata, dict) and "user_data" in metadata:
        raw = _decoded(str(metadata["user_data"]))
        hidden = f"hidden: {len(raw):,} B, sha256 {hashlib.sha256(raw).hexdigest()}"
        fields["metadata"] = {**metadata, "user_data": hidden}
    return {**body, "os-reinstall": fields}


def call_path(project_id: str, server_id: str, version: str = "v2") -> str:
    """The path of the one destructive call: v2, or v1 for an image without Cloud-Init."""
    return f"/{version}/{project_id}/cloudservers/{server_id}/reinstallos"


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode()


def typed_text(text: str) -> bytes:
    """Typed or pasted text as the server will see it: browsers send CRLF, scripts want LF.

    Raises RuleBroken for a half surrogate, which JSON can spell and UTF-8 cannot.
    """
    try:
        return text.replace("\r\n", "\n").replace("\r", "\n").encode()
    except UnicodeEncodeError as error:
        line = text[: error.start].count("\n") + 1
        raise RuleBroken(
            f"Line {line} of the first-boot script holds half a character (a lone surrogate).",
            "user_data",
            "format",
        ) from None


def base64_field(text: str) -> bytes:
    """The bytes of `user_data_base64`. Raises RuleBroken naming the field when it is not base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise RuleBroken(
            "user_data_base64 is not base64: use the alphabet A-Z a-z 0-9 + / with = at the end.",
            "user_data_base64",
            "format",
        ) from None


def user_data_warnings(raw: bytes, os_type: str = "") -> tuple[str, ...]:
    """Things that are allowed but seldom meant, as sentences. Empty when nothing stands out."""
    return tuple(it.sentence for it in findings(raw, os_type) if it.level == TO_KNOW)
